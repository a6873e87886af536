#include "decode/tiff_file.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>

namespace edgesift::addon {

namespace {

/// What libtiff may allocate at once; a strip or tile of 50 Mpx in 16-bit R, G, B, alpha is 400 MB.
constexpr tmsize_t kMostBytesAtOnce = tmsize_t{1} << 29;

struct OptionsRelease {
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};

TiffFile& fileOf(thandle_t self) { return *static_cast<TiffFile*>(self); }

}  // namespace

TiffFile::TiffFile(const EncodedImage& file) : file_(file) {
  const std::unique_ptr<TIFFOpenOptions, OptionsRelease> options(TIFFOpenOptionsAlloc());
  if (!options) throw std::bad_alloc();
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), kMostBytesAtOnce);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), onError, this);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), onError, this);
  tiff_ = TIFFClientOpenExt("image", "r", this, readBytes, writeBytes, seek, close, size, map, unmap, options.get());
  if (tiff_ == nullptr) throw DamagedImage("TIFF: " + complaint_);
}

TiffFile::~TiffFile() {
  if (tiff_ != nullptr) TIFFClose(tiff_);
}

EncodedImage TiffFile::part(std::uint32_t index) const {
  const std::uint64_t offset = TIFFGetStrileOffset(tiff_, index);
  const std::uint64_t length = TIFFGetStrileByteCount(tiff_, index);
  if (offset > file_.size || length > file_.size - offset) return {nullptr, 0};
  return {file_.bytes + offset, static_cast<std::size_t>(length)};
}

void TiffFile::beginImageData() { complained_ = false; }

int TiffFile::onError(TIFF*, void* self, const char* module, const char* format, va_list values) {
  auto& file = *static_cast<TiffFile*>(self);
  if (!file.complained_) {
    char text[300];
    std::vsnprintf(text, sizeof(text), format, values);
    file.complaint_ = std::string(module != nullptr ? module : "") + ": " + text;
  }
  file.complained_ = true;
  return 1;
}

tmsize_t TiffFile::readBytes(thandle_t self, void* target, tmsize_t length) {
  TiffFile& file = fileOf(self);
  if (length <= 0 || file.position_ >= file.file_.size) return 0;
  const std::size_t available = file.file_.size - static_cast<std::size_t>(file.position_);
  const std::size_t count = std::min(available, static_cast<std::size_t>(length));
  std::memcpy(target, file.file_.bytes + file.position_, count);
  file.position_ += count;
  return static_cast<tmsize_t>(count);
}

toff_t TiffFile::seek(thandle_t self, toff_t offset, int whence) {
  TiffFile& file = fileOf(self);
  if (whence == SEEK_CUR) offset += file.position_;
  if (whence == SEEK_END) offset += file.file_.size;
  file.position_ = offset;
  return offset;
}

toff_t TiffFile::size(thandle_t self) { return fileOf(self).file_.size; }

int TiffFile::map(thandle_t self, void** base, toff_t* length) {
  // libtiff only reads through it.
  *base = const_cast<std::uint8_t*>(fileOf(self).file_.bytes);
  *length = fileOf(self).file_.size;
  return 1;
}

}  // namespace edgesift::addon
