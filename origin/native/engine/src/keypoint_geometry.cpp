#include "keypoint_geometry.hpp"

#include "elementary.hpp"

namespace edgesift {

float keypointScale(const Parameters& parameters, int layer, float offset) noexcept {
  const float exponent = (static_cast<float>(layer) + offset) / static_cast<float>(parameters.octaveLayers);
  return static_cast<float>(parameters.sigma) * static_cast<float>(powerOfTwo(exponent));
}

int orientationRadius(float scale) noexcept { return roundToEven(4.5f * scale); }

float orientationSigma(float scale) noexcept { return 1.5f * scale; }

float histogramWidth(float scale) noexcept { return 3.0f * scale; }

int descriptorRadius(float scale) noexcept {
  constexpr float kRootOfTwo = 1.4142135623730951f;
  return roundToEven(histogramWidth(scale) * kRootOfTwo * 5 * 0.5f);
}

// g(i + 1) = g(i) * q^(2i + 1) with q = g(1): two multiplications each. In double precision the error stays far
// below that of one float.
void gaussianWeights(double decay, int radius, float* weights) noexcept {
  const double q = exponential(-decay);
  const double step = q * q;
  double weight = 1;
  double ratio = q;
  for (int i = 0; i <= radius; ++i) {
    weights[radius + i] = weights[radius - i] = static_cast<float>(weight);
    weight *= ratio;
    ratio *= step;
  }
}

}  // namespace edgesift
