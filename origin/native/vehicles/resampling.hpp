// Parts of photographs at the size that the encoder works on.
#pragma once

#include <cstdint>
#include <vector>

namespace edgesift::vehicles {

/// 8-bit pixels R, G, B; rows tightly packed. Belongs to the caller.
struct RgbView {
  const std::uint8_t* pixels = nullptr;
  int width = 0;
  int height = 0;
};

struct Rectangle {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
};

inline bool operator==(const Rectangle& one, const Rectangle& other) {
  return one.x == other.x && one.y == other.y && one.width == other.width && one.height == other.height;
}

struct GreyImage {
  int width = 0;
  int height = 0;
  /// [height][width], 0 to 255.
  std::vector<float> values;
};

/// The part of the image, grey (0.299 R + 0.587 G + 0.114 B), its longer side brought to `longest` pixels: cubic
/// convolution (R. Keys, 1981, a = -1/2), widened where the image shrinks, after whole pixels were averaged where it
/// shrinks to less than half. Neither side becomes 0.
GreyImage greyPart(const RgbView& image, const Rectangle& part, int longest);

/// Mean R, G, B of size x size cells over the part: [size][size][3], 0 to 255. Cells smaller than a pixel repeat it.
std::vector<float> cellMeans(const RgbView& image, const Rectangle& part, int size);

}  // namespace edgesift::vehicles
