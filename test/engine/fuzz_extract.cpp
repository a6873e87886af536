// libFuzzer target: the input chooses size, stride, parameters and pixels.
//
//   fuzz_extract -max_len=4096 -max_total_time=60
//
// Images are small: with wide filters and without a contrast threshold, patches of the last level cost most of the
// time, and a build with sanitizers takes seconds.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "edgesift/sift.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 9) return 0;
  const int width = 1 + data[0] % 64;
  const int height = 1 + data[1] % 64;
  const std::ptrdiff_t stride = width + data[2] % 33;
  edgesift::Parameters p;
  p.features = data[3] % 4 == 0 ? 1 + data[3] : 0;
  p.octaveLayers = 1 + data[4] % 6;
  p.contrastThreshold = data[5] / 1000.0;
  p.edgeThreshold = 0.5 + data[6];
  p.sigma = 0.1 + data[7] / 80.0;
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(stride * (height - 1) + width));
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = data[8 + i % (size - 8)];
  static edgesift::Extractor extractor;
  extractor.extract(pixels.data(), width, height, stride, p);
  return 0;
}
