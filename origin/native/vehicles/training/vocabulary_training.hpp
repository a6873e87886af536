// Principal components and Gaussian mixtures from samples.
#pragma once

#include <cstdint>
#include <vector>

namespace edgesift::vehicles {

struct Projection {
  /// [128][64] and [128].
  std::vector<float> matrix;
  std::vector<float> mean;
};

/// The 64 principal components of descriptors [count][128]; signs such that each component's greatest entry is positive.
Projection principalComponents(const float* descriptors, std::size_t count);

struct Mixture {
  /// [K], [K][dimensions], [K][dimensions].
  std::vector<float> weights;
  std::vector<float> means;
  std::vector<float> variances;
};

/// Mixture of `components` Gaussians with diagonal covariances on samples [count][dimensions]: k-means from random
/// samples, then expectation maximisation; variances are at least 1 % of the samples' own. Throws std::invalid_argument
/// for fewer samples than components.
Mixture fitMixture(const float* samples, std::size_t count, int dimensions, int components, std::uint64_t seed,
                   int clusteringRounds, int maximisationRounds);

}  // namespace edgesift::vehicles
