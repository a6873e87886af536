// Ridge regression in the dual: (K + penalties) A = Y.
#pragma once

#include <cstddef>
#include <cstdint>

namespace edgesift::vehicles {

/// Rows and columns of a symmetric [size][size] matrix.
struct Selection {
  const float* kernel = nullptr;
  std::size_t size = 0;
  const std::uint32_t* rows = nullptr;
  std::size_t count = 0;
};

/// What a regression consists of, for `count` rows of a selection.
struct RidgeProblem {
  Selection selection;
  /// [count]: added to the diagonal; a row with a greater one counts less.
  const float* penalties = nullptr;
  /// [count]: rows of one group are left out together.
  const std::uint32_t* groups = nullptr;
  int columns = 0;
};

/// `targets` [count][columns] becomes the coefficients. `leftOut` [count][columns] becomes the scores that each row has in
/// a regression on the other groups, by the closed form y - inverse(B) a: B is the group's block of inverse(K + penalties),
/// a the group's coefficients. Cholesky's decomposition in single precision: for matrices whose eigenvalues are not more
/// than some 100,000 times the penalties. Throws std::runtime_error where it is not positive definite. The result does not
/// depend on the number of threads.
void solveRidge(const RidgeProblem& problem, int threads, float* targets, float* leftOut);

}  // namespace edgesift::vehicles
