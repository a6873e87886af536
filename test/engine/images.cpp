#include "images.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace images {
namespace {

/// xorshift32 (G. Marsaglia, "Xorshift RNGs", 2003).
class Random {
 public:
  explicit Random(std::uint32_t seed) : state_(seed * 2654435761u + 1) {}
  std::uint32_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return state_;
  }
  float unit() { return static_cast<float>(next() >> 8) / 16777216.0f; }
  int below(int n) { return static_cast<int>(next() % static_cast<std::uint32_t>(n)); }

 private:
  std::uint32_t state_;
};

std::uint8_t clampToByte(float value) { return static_cast<std::uint8_t>(std::clamp(value, 0.0f, 255.0f)); }

void addNoise(std::vector<float>& canvas, int width, int height, int cell, float amplitude, Random& random) {
  const int across = width / cell + 2;
  const int down = height / cell + 2;
  std::vector<float> grid(static_cast<std::size_t>(across) * down);
  for (float& value : grid) value = random.unit() - 0.5f;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const float u = static_cast<float>(x % cell) / static_cast<float>(cell);
      const float v = static_cast<float>(y % cell) / static_cast<float>(cell);
      const float* corner = &grid[static_cast<std::size_t>(y / cell) * across + x / cell];
      const float top = corner[0] * (1 - u) + corner[1] * u;
      const float bottom = corner[across] * (1 - u) + corner[across + 1] * u;
      canvas[static_cast<std::size_t>(y) * width + x] += amplitude * (top * (1 - v) + bottom * v);
    }
  }
}

void addSpot(std::vector<float>& canvas, int width, int height, Random& random) {
  const float sigma = 1 + 12 * random.unit() * random.unit();
  const float amplitude = 200 * (random.unit() - 0.5f);
  const float cx = random.unit() * static_cast<float>(width);
  const float cy = random.unit() * static_cast<float>(height);
  const int reach = static_cast<int>(3 * sigma) + 1;
  for (int y = std::max(0, static_cast<int>(cy) - reach); y < std::min(height, static_cast<int>(cy) + reach); ++y)
    for (int x = std::max(0, static_cast<int>(cx) - reach); x < std::min(width, static_cast<int>(cx) + reach); ++x) {
      const float dx = (static_cast<float>(x) - cx) / sigma;
      const float dy = (static_cast<float>(y) - cy) / sigma;
      canvas[static_cast<std::size_t>(y) * width + x] += amplitude * std::exp(-0.5f * (dx * dx + dy * dy));
    }
}

void addBox(std::vector<float>& canvas, int width, int height, Random& random) {
  const int left = random.below(width);
  const int top = random.below(height);
  const int right = std::min(width, left + 1 + random.below(width));
  const int bottom = std::min(height, top + 1 + random.below(height));
  const float grey = 255 * random.unit();
  for (int y = top; y < bottom; ++y)
    for (int x = left; x < right; ++x) canvas[static_cast<std::size_t>(y) * width + x] = grey;
}

}  // namespace

const std::vector<std::string>& kinds() {
  static const std::vector<std::string> names = {"texture", "blobs", "noise",   "flat",
                                                 "ramp",    "checkers", "stripes", "edges"};
  return names;
}

Grey make(const std::string& kind, int width, int height, std::uint32_t seed) {
  Random random(seed);
  std::vector<float> canvas(static_cast<std::size_t>(width) * height, 128.0f);
  const auto fill = [&](auto value) {
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) canvas[static_cast<std::size_t>(y) * width + x] = value(x, y);
  };
  if (kind == "texture") {
    for (int cell = 2; cell <= 64; cell *= 2) addNoise(canvas, width, height, cell, 40 + 10 * std::log2(cell), random);
  } else if (kind == "blobs") {
    const int spots = 4 + width * height / 400;
    for (int i = 0; i < spots; ++i) addSpot(canvas, width, height, random);
  } else if (kind == "noise") {
    fill([&](int, int) { return 255 * random.unit(); });
  } else if (kind == "flat") {
    fill([&](int, int) { return static_cast<float>(seed % 256); });
  } else if (kind == "ramp") {
    fill([&](int x, int y) { return static_cast<float>((x + 2 * y) % 256); });
  } else if (kind == "checkers") {
    const int cell = 3 + static_cast<int>(seed % 9);
    fill([&](int x, int y) { return (x / cell + y / cell) % 2 == 0 ? 30.0f : 220.0f; });
  } else if (kind == "stripes") {
    fill([&](int x, int y) { return 128 + 100 * std::sin(0.11f * static_cast<float>(x) + 0.07f * static_cast<float>(y)); });
  } else if (kind == "edges") {
    for (int i = 0; i < 40 && width > 0 && height > 0; ++i) addBox(canvas, width, height, random);
  } else {
    throw std::invalid_argument("no such kind of image: " + kind);
  }
  Grey grey;
  grey.width = width;
  grey.height = height;
  grey.pixels.resize(canvas.size());
  std::transform(canvas.begin(), canvas.end(), grey.pixels.begin(), clampToByte);
  return grey;
}

}  // namespace images
