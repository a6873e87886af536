#pragma once

#include <tiffio.h>

#include <cstdint>
#include <string>

#include "decode/decoding.h"

namespace edgesift::addon {

/// A TIFF in memory, open at its first page. What libtiff says is kept for the log instead of printed.
class TiffFile {
 public:
  /// @throws DamagedImage
  explicit TiffFile(const EncodedImage& file);
  TiffFile(const TiffFile&) = delete;
  TiffFile& operator=(const TiffFile&) = delete;
  ~TiffFile();

  TIFF* handle() const { return tiff_; }
  /// The bytes of a strip or tile; none where they do not lie within the file.
  EncodedImage part(std::uint32_t index) const;

  template <typename Value>
  Value field(std::uint32_t tag) const {
    Value value{};
    TIFFGetFieldDefaulted(tiff_, tag, &value);
    return value;
  }

  /// From here on a warning counts as damage: those about the directory are past.
  void beginImageData();
  bool imageDataIsSound() const { return !complained_; }
  const std::string& complaint() const { return complaint_; }

 private:
  static int onError(TIFF* tiff, void* self, const char* module, const char* format, va_list values);
  static tmsize_t readBytes(thandle_t self, void* target, tmsize_t length);
  static tmsize_t writeBytes(thandle_t, void*, tmsize_t) { return 0; }
  static toff_t seek(thandle_t self, toff_t offset, int whence);
  static int close(thandle_t) { return 0; }
  static toff_t size(thandle_t self);
  static int map(thandle_t self, void** base, toff_t* length);
  static void unmap(thandle_t, void*, toff_t) {}

  EncodedImage file_;
  toff_t position_ = 0;
  TIFF* tiff_ = nullptr;
  bool complained_ = false;
  std::string complaint_;
};

}  // namespace edgesift::addon
