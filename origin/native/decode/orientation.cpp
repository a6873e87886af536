#include "decode/orientation.h"

#include <algorithm>

namespace edgesift::addon {

namespace {

constexpr int kOrientationTag = 0x0112;
constexpr std::size_t kEntryBytes = 12;

/// Reads as cv::ExifReader does: a read beyond the end ends the search.
class ExifDirectory {
 public:
  ExifDirectory(const std::uint8_t* bytes, std::size_t size) : bytes_(bytes), size_(size) {
    littleEndian_ = size >= 2 && bytes[0] == 'I' && bytes[1] == 'I';
  }

  int orientation() {
    if (size_ < 2 || u16(2) != 42) return kUpright;
    const std::size_t directory = u32(4);
    const int entries = u16(directory);
    for (int i = 0; i < entries && sound_; ++i) {
      const std::size_t entry = directory + 2 + static_cast<std::size_t>(i) * kEntryBytes;
      const int tag = u16(entry);
      if (!sound_) break;
      if (tag == kOrientationTag) {
        const int value = u16(entry + 8);
        return sound_ && isOrientation(value) ? value : kUpright;
      }
      readValue(tag, entry);
    }
    return kUpright;
  }

 private:
  int u16(std::size_t at) {
    if (at >= size_ || at + 1 >= size_) {
      sound_ = false;
      return 0;
    }
    return littleEndian_ ? bytes_[at] | bytes_[at + 1] << 8 : bytes_[at] << 8 | bytes_[at + 1];
  }

  std::size_t u32(std::size_t at) {
    const auto first = static_cast<std::size_t>(u16(at));
    const auto second = static_cast<std::size_t>(u16(at + 2));
    return littleEndian_ ? first | second << 16 : first << 16 | second;
  }

  /// The values that OpenCV reads before it comes to the orientation, for their bounds alone.
  void readValue(int tag, std::size_t entry) {
    switch (tag) {
      case 0x010E:  // ImageDescription
      case 0x010F:  // Make
      case 0x0110:  // Model
      case 0x0131:  // Software
      case 0x0132:  // DateTime
      case 0x8298:  // Copyright
        readText(entry);
        break;
      case 0x011A:  // XResolution
      case 0x011B:  // YResolution
        readRationals(entry, 1);
        break;
      case 0x013E:  // WhitePoint
        readRationals(entry, 2);
        break;
      case 0x0211:  // YCbCrCoefficients
        readRationals(entry, 3);
        break;
      case 0x013F:  // PrimaryChromaticities
      case 0x0214:  // ReferenceBlackWhite
        readRationals(entry, 6);
        break;
      case 0x0128:  // ResolutionUnit
      case 0x0213:  // YCbCrPositioning
        u16(entry + 8);
        break;
      default:
        break;
    }
  }

  void readText(std::size_t entry) {
    const std::size_t length = u32(entry + 4);
    const std::size_t start = length > 4 ? u32(entry + 8) : entry + 8;
    if (start > size_ || length > size_ - start) sound_ = false;
  }

  void readRationals(std::size_t entry, std::size_t count) {
    const std::size_t start = u32(entry + 8);
    if (start > size_ || count * 8 > size_ - start) sound_ = false;
  }

  const std::uint8_t* bytes_;
  std::size_t size_;
  bool littleEndian_ = false;
  bool sound_ = true;
};

template <int channels>
void scatter(const std::uint8_t* row, int width, std::uint8_t* target, std::ptrdiff_t step) {
  for (int x = 0; x < width; ++x, row += channels, target += step) {
    for (int channel = 0; channel < channels; ++channel) target[channel] = row[channel];
  }
}

}  // namespace

int exifOrientation(const std::uint8_t* tiff, std::size_t size) {
  return ExifDirectory(tiff, size).orientation();
}

OrientedRows::OrientedRows(std::uint8_t* pixels, int width, int height, int channels, int orientation)
    : pixels_(pixels), width_(width), channels_(channels), perRow_(width) {
  const std::ptrdiff_t lastColumn = width - 1;
  const std::ptrdiff_t lastRow = height - 1;
  const bool transposed = isTransposed(orientation);
  const bool columnsBackwards = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool rowsBackwards = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  perColumn_ = transposed ? height : 1;
  perRow_ = transposed ? 1 : width;
  if (columnsBackwards) {
    origin_ += lastColumn * perColumn_;
    perColumn_ = -perColumn_;
  }
  if (rowsBackwards) {
    origin_ += lastRow * perRow_;
    perRow_ = -perRow_;
  }
}

std::uint8_t* OrientedRows::directRow(int y) const {
  return perColumn_ == 1 ? pixels_ + (origin_ + y * perRow_) * channels_ : nullptr;
}

void OrientedRows::put(int y, const std::uint8_t* row) const {
  std::uint8_t* target = pixels_ + (origin_ + y * perRow_) * channels_;
  if (perColumn_ == 1) {
    std::copy_n(row, static_cast<std::size_t>(width_) * static_cast<std::size_t>(channels_), target);
  } else if (channels_ == 1) {
    scatter<1>(row, width_, target, perColumn_);
  } else {
    scatter<3>(row, width_, target, perColumn_ * 3);
  }
}

}  // namespace edgesift::addon
