// Learns which descriptors lie on vehicles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "encoder.hpp"

namespace edgesift::vehicles {

/// Components that a sample keeps, those with the greatest posteriors.
inline constexpr int kSampleComponents = 8;
/// Projected dimensions, then component and posterior of each kept.
inline constexpr int kSampleFloats = kProjected + 2 * kSampleComponents;

/// `count` random descriptors of the image on the search grid (fewer, where it has fewer): [n][kSampleFloats].
std::vector<float> sampleSearch(Encoder& encoder, const GreyImage& image, std::size_t count, std::uint64_t seed);

/// Logistic regression by averaged stochastic gradients: the first `positives` samples lie on vehicles. Both kinds weigh
/// the same. Returns [components][kSearchWeights].
std::vector<float> trainSearch(const float* samples, std::size_t count, std::size_t positives, int components,
                               int epochs, std::uint64_t seed);

}  // namespace edgesift::vehicles
