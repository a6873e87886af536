#pragma once

#include <vector>

namespace edgesift {

/// Taps of a sampled, normalised Gaussian: taps[0] at the left end, taps[radius] the centre.
struct GaussianTaps {
  int radius = 0;
  std::vector<float> taps;

  const float* centre() const noexcept { return taps.data() + radius; }
};

/// Radius cv::GaussianBlur takes for float images: 4 sigma, half of an odd number nearest to 8 sigma + 1.
int gaussianRadius(double sigma) noexcept;

/// Taps as cv::getGaussianKernel gives them: computed in double precision, rounded to float at the end.
GaussianTaps gaussianTaps(double sigma);

}  // namespace edgesift
