#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "engine.h"

namespace edgesift::addon {

/// The parameters of cv::fastNlMeansDenoisingColored, with its meaning. Window sizes are odd.
struct Denoising {
  float strength;  ///< h: of the luminance
  float colourStrength;  ///< hColor: of the colours
  int templateWindow;
  int searchWindow;
};

/// Gives the memory that so many bytes of pixels are to be written to; called once.
using PixelMemory = std::function<std::uint8_t*(std::size_t bytes)>;

/// Non-local means (Buades, Coll and Morel, 2011) by cv::fastNlMeansDenoisingColored, value for value. A grey image is
/// denoised as the colour image that cv2.imread makes of it.
///
/// Writes width * height pixels, R, G, B. Blocks for about searchWindow² * (7 + templateWindow) ns per pixel; throws
/// Cancelled within some 50 ms when the result is not wanted any more.
void denoise(const Image& image, const Denoising& denoising, const Cancellation& cancellation,
             const PixelMemory& memory);

}  // namespace edgesift::addon
