#include "gaussian_taps.hpp"

#include "elementary.hpp"

namespace edgesift {

int gaussianRadius(double sigma) noexcept { return (roundToEven(sigma * 8 + 1) | 1) / 2; }

GaussianTaps gaussianTaps(double sigma) {
  GaussianTaps result;
  result.radius = gaussianRadius(sigma);
  const double scale = -0.5 / (sigma * sigma);
  std::vector<double> half(static_cast<std::size_t>(result.radius) + 1);
  double sum = 0;
  for (int i = result.radius; i >= 0; --i) {
    const double exponent = scale * i * i;
    half[static_cast<std::size_t>(i)] = exponent > -700 ? exponential(exponent) : 0.0;
    sum += (i == 0 ? 1 : 2) * half[static_cast<std::size_t>(i)];
  }
  result.taps.resize(2 * static_cast<std::size_t>(result.radius) + 1);
  for (int i = -result.radius; i <= result.radius; ++i) {
    const double tap = half[static_cast<std::size_t>(i < 0 ? -i : i)] / sum;
    result.taps[static_cast<std::size_t>(i + result.radius)] = static_cast<float>(tap);
  }
  return result;
}

}  // namespace edgesift
