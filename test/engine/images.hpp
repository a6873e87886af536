// Images made from a formula, so that tests need no files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace images {

struct Grey {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> pixels;
};

/// "texture": noise of many scales; "blobs": Gaussian spots; "noise": independent pixels; "flat"; "ramp";
/// "checkers"; "stripes"; "edges": large areas with sharp borders. Throws std::invalid_argument for another kind.
Grey make(const std::string& kind, int width, int height, std::uint32_t seed);

const std::vector<std::string>& kinds();

}  // namespace images
