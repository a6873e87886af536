#pragma once

#include <cstddef>
#include <cstdint>

namespace edgesift::addon {

/// Orientation of EXIF and TIFF (tag 274): where the stored first row and column are in the upright image.
/// Values from 5 to 8 exchange width and height. Everything but 1 to 8 means 1.
constexpr int kUpright = 1;

constexpr bool isOrientation(int value) { return value >= 1 && value <= 8; }
constexpr bool isTransposed(int orientation) { return orientation >= 5 && orientation <= 8; }

/// Orientation in the TIFF structure of EXIF data, as cv::ExifReader of OpenCV 4.6 finds it: the tag's first
/// occurrence in the first directory, unless an earlier field that it reads lies beyond the end.
int exifOrientation(const std::uint8_t* tiff, std::size_t size);

/// Takes stored rows of 8-bit pixels and puts them where they are in the upright image.
class OrientedRows {
 public:
  /// `pixels` holds width * height * channels bytes; width and height are the stored ones.
  OrientedRows(std::uint8_t* pixels, int width, int height, int channels, int orientation);

  int channels() const { return channels_; }
  /// Where row `y` may be written at once, or nullptr if its pixels do not lie one behind the other.
  std::uint8_t* directRow(int y) const;
  /// `row` holds width * channels bytes.
  void put(int y, const std::uint8_t* row) const;

 private:
  std::uint8_t* pixels_;
  int width_;
  int channels_;
  // In pixels of the upright image.
  std::ptrdiff_t origin_ = 0;
  std::ptrdiff_t perColumn_ = 1;
  std::ptrdiff_t perRow_ = 0;
};

}  // namespace edgesift::addon
