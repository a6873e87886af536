#include "grey.h"

#include <algorithm>
#include <cstddef>

namespace edgesift::addon {

namespace {

constexpr int kShift = 15;
constexpr int kRed = 9798;
constexpr int kGreen = 19235;
constexpr int kBlue = 3735;
static_assert(kRed + kGreen + kBlue == 1 << kShift, "equal channels must give their own value");

}  // namespace

void writeGrey(const Image& image, std::uint8_t* target) {
  const std::size_t count = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
  const std::uint8_t* pixels = image.pixels;
  if (image.channels == 1) {
    std::copy_n(pixels, count, target);
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* rgb = pixels + 3 * i;
    const int sum = kRed * rgb[0] + kGreen * rgb[1] + kBlue * rgb[2];
    target[i] = static_cast<std::uint8_t>((sum + (1 << (kShift - 1))) >> kShift);
  }
}

}  // namespace edgesift::addon
