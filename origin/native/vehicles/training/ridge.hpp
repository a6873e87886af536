// Ridge regression in the dual: (K + lambda I) A = Y.
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

/// `targets` [count][columns] becomes the coefficients. Cholesky's decomposition in single precision: for matrices whose
/// eigenvalues are not more than some 100,000 times `lambda`. Throws std::runtime_error where it is not positive definite.
/// The result does not depend on the number of threads.
void solveRidge(const Selection& selection, float lambda, int columns, int threads, float* targets);

/// out[tests][columns] = rows `tests` and columns `selection.rows` of the kernel, times the coefficients.
void predict(const Selection& selection, const std::uint32_t* tests, std::size_t testCount, const float* coefficients,
             int columns, float* out);

}  // namespace edgesift::vehicles
