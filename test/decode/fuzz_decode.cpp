// Mutates image files and decodes them, for a build with sanitizers:
//
//   fuzz_decode SECONDS SEED FILE...
//
// With Clang's libFuzzer (EDGESIFT_FUZZ) it is a target of it instead. Only a decoder's own errors are allowed.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <utility>
#include <vector>

#include "decode/decoding.h"
#include "decode/jpeg.h"
#include "decode/orientation.h"
#include "decode/tiff.h"
#include "decode/tiff_file.h"

namespace {

using edgesift::addon::DamagedImage;
using edgesift::addon::DecodeRequest;
using edgesift::addon::EncodedImage;
using edgesift::addon::UnsupportedImage;

constexpr int kMostPixels = 1 << 20;

using Size = std::pair<int, int>;

/// Of the first segment that looks like a frame header.
Size jpegSize(const EncodedImage& file) {
  for (std::size_t i = 2; i + 9 < file.size; ++i) {
    const std::uint8_t* at = file.bytes + i;
    if (at[0] != 0xFF || at[1] < 0xC0 || at[1] > 0xCF || at[1] == 0xC4 || at[1] == 0xC8 || at[1] == 0xCC) continue;
    return {at[7] << 8 | at[8], at[5] << 8 | at[6]};
  }
  return {0, 0};
}

Size tiffSize(const EncodedImage& encoded) {
  const edgesift::addon::TiffFile file(encoded);
  const auto width = file.field<std::uint32_t>(TIFFTAG_IMAGEWIDTH);
  const auto height = file.field<std::uint32_t>(TIFFTAG_IMAGELENGTH);
  if (width > kMostPixels || height > kMostPixels) return {0, 0};
  return {static_cast<int>(width), static_cast<int>(height)};
}

bool decodeBoth(const EncodedImage& file) {
  const bool isJpeg = file.size > 2 && file.bytes[0] == 0xFF;
  const auto [width, height] = isJpeg ? jpegSize(file) : tiffSize(file);
  if (width < 1 || height < 1 || width > kMostPixels / height) return false;
  for (const int channels : {1, 3}) {
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width) * height * channels);
    const DecodeRequest request{width, height, channels, true, {}};
    (isJpeg ? edgesift::addon::decodeJpeg : edgesift::addon::decodeTiff)(file, request, pixels.data());
  }
  return true;
}

/// Whether the file was decoded.
bool tryDecode(const std::uint8_t* data, std::size_t size) {
  edgesift::addon::exifOrientation(data, size);
  try {
    return decodeBoth({data, size});
  } catch (const DamagedImage&) {
  } catch (const UnsupportedImage&) {
  }
  return false;
}

}  // namespace

#ifdef EDGESIFT_LIBFUZZER

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tryDecode(data, size);
  return 0;
}

#else

namespace {

void mutate(std::vector<std::uint8_t>& bytes, std::mt19937& random) {
  const auto below = [&](std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random); };
  for (std::size_t edits = 1 + below(8); edits > 0; --edits) {
    // Every second edit hits the first bytes, where headers of JPEG are, or the last, where directories of TIFF are.
    const std::size_t near = std::min<std::size_t>(bytes.size(), 300);
    const std::size_t place[] = {below(bytes.size()), below(near), bytes.size() - 1 - below(near)};
    std::uint8_t& byte = bytes[place[below(3)]];
    const std::uint8_t values[] = {0, 1, 0x7F, 0x80, 0xFF, static_cast<std::uint8_t>(below(256)),
                                   static_cast<std::uint8_t>(byte ^ (1U << below(8)))};
    byte = values[below(7)];
  }
  if (below(8) == 0) bytes.resize(1 + below(bytes.size()));
}

std::vector<std::uint8_t> contentOf(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) return 2;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::atoi(arguments[1]));
  std::mt19937 random(static_cast<unsigned>(std::atoi(arguments[2])));
  std::vector<std::vector<std::uint8_t>> files;
  for (int i = 3; i < count; ++i) files.push_back(contentOf(arguments[i]));
  long runs = 0;
  long decoded = 0;
  while (std::chrono::steady_clock::now() < end) {
    // On the heap and of just this size, so that a read beyond the end is seen.
    std::vector<std::uint8_t> bytes = files[random() % files.size()];
    mutate(bytes, random);
    bytes.shrink_to_fit();
    decoded += tryDecode(bytes.data(), bytes.size()) ? 1 : 0;
    ++runs;
  }
  std::printf("%ld files, %ld decoded\n", runs, decoded);
  return decoded > 0 && decoded < runs ? 0 : 1;
}

#endif
