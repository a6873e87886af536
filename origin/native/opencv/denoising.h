#pragma once

#include <cstdint>
#include <vector>

#include "engine.h"

namespace edgesift::addon {

/// The parameters of cv::fastNlMeansDenoisingColored, with its meaning. Window sizes are odd.
struct Denoising {
  float strength;  ///< h: of the luminance
  float colourStrength;  ///< hColor: of the colours
  int templateWindow;
  int searchWindow;
};

/// Non-local means (Buades, Coll and Morel, 2011) by cv::fastNlMeansDenoisingColored, value for value. A grey image is
/// denoised as the colour image that cv2.imread makes of it.
///
/// Returns width * height pixels, R, G, B. Blocks for about searchWindow² * (7 + templateWindow) ns per pixel; throws
/// Cancelled within some 50 ms when the result is not wanted any more.
std::vector<std::uint8_t> denoise(const Image& image, const Denoising& denoising, const Cancellation& cancellation);

}  // namespace edgesift::addon
