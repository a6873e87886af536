#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include "edgesift/sift.hpp"

namespace edgesift::addon {

/// Borrowed bytes of a whole image file.
struct EncodedImage {
  const std::uint8_t* bytes;
  std::size_t size;
};

/// What the header reader admitted (shared/image-header.ts), as stored in the file, and what is wanted of it.
struct DecodeRequest {
  int width;
  int height;
  int channels;  ///< 1: OpenCV's grey of the colours; 3: R, G, B
  bool applyOrientation;
  Cancellation cancellation;
};

/// The file is cut short or contradicts itself. The message is for the log.
class DamagedImage : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A sound file of a kind that is not decoded. The message completes "JPEG images … are not supported".
class UnsupportedImage : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace edgesift::addon
