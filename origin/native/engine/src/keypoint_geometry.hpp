// Sizes of a keypoint and of what is looked at around it, in the float arithmetic of cv::SIFT.
#pragma once

#include "edgesift/sift.hpp"

namespace edgesift {

/// Standard deviation, in pixels of its octave, of a keypoint `offset` above `layer`.
float keypointScale(const Parameters& parameters, int layer, float offset) noexcept;

/// Pixels around a keypoint of that scale that vote for its orientation (Lowe 2004, section 5): three times the
/// Gaussian's deviation, which is 1.5 times the scale.
int orientationRadius(float scale) noexcept;
float orientationSigma(float scale) noexcept;

/// Side of the square of one of the descriptor's histograms.
float histogramWidth(float scale) noexcept;
/// Pixels around a keypoint of that scale that the descriptor's rotated square reaches.
int descriptorRadius(float scale) noexcept;

/// weights[i] = exp(-(i - radius)^2 * decay) for i in [0, 2 * radius].
void gaussianWeights(double decay, int radius, float* weights) noexcept;

}  // namespace edgesift
