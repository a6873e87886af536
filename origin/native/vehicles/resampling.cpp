#include "resampling.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace edgesift::vehicles {

namespace {

/// Grey values of the part, the mean of factor x factor pixels each; what is left over at the right and below joins the
/// last cells.
GreyImage shrunkGrey(const RgbView& image, const Rectangle& part, int factor) {
  const int width = std::max(1, part.width / factor);
  const int height = std::max(1, part.height / factor);
  GreyImage result{width, height, std::vector<float>(static_cast<std::size_t>(width) * height)};
  for (int y = 0; y < height; ++y) {
    const int yEnd = y + 1 == height ? part.height : (y + 1) * factor;
    for (int x = 0; x < width; ++x) {
      const int xEnd = x + 1 == width ? part.width : (x + 1) * factor;
      std::uint64_t sums[3] = {};
      for (int j = y * factor; j < yEnd; ++j) {
        const std::uint8_t* pixel =
            image.pixels + 3 * (static_cast<std::size_t>(part.y + j) * image.width + part.x + x * factor);
        for (int i = x * factor; i < xEnd; ++i, pixel += 3)
          for (int c = 0; c < 3; ++c) sums[c] += pixel[c];
      }
      const std::uint64_t count = static_cast<std::uint64_t>(yEnd - y * factor) * (xEnd - x * factor);
      const double grey = 0.299 * static_cast<double>(sums[0]) + 0.587 * static_cast<double>(sums[1]) +
                          0.114 * static_cast<double>(sums[2]);
      result.values[static_cast<std::size_t>(y) * width + x] = static_cast<float>(grey / static_cast<double>(count));
    }
  }
  return result;
}

double cubic(double x) {
  x = std::fabs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

struct Taps {
  int first = 0;
  std::vector<float> weights;
};

/// For each of `to` samples the samples of `from` that it is made of.
std::vector<Taps> tapsOf(int from, int to) {
  const double ratio = static_cast<double>(from) / to;
  const double stretch = std::max(1.0, ratio);
  std::vector<Taps> result(to);
  for (int i = 0; i < to; ++i) {
    const double centre = (i + 0.5) * ratio - 0.5;
    const int first = std::max(0, static_cast<int>(std::ceil(centre - 2 * stretch)));
    const int last = std::min(from - 1, static_cast<int>(std::floor(centre + 2 * stretch)));
    std::vector<double> weights;
    double sum = 0;
    for (int k = first; k <= last; ++k) {
      weights.push_back(cubic((k - centre) / stretch));
      sum += weights.back();
    }
    result[i].first = first;
    for (const double weight : weights) result[i].weights.push_back(static_cast<float>(weight / sum));
  }
  return result;
}

GreyImage resized(const GreyImage& image, int width, int height) {
  if (image.width == width && image.height == height) return image;
  const std::vector<Taps> across = tapsOf(image.width, width);
  const std::vector<Taps> down = tapsOf(image.height, height);
  std::vector<float> rows(static_cast<std::size_t>(image.height) * width);
  for (int y = 0; y < image.height; ++y) {
    const float* in = image.values.data() + static_cast<std::size_t>(y) * image.width;
    for (int x = 0; x < width; ++x) {
      float sum = 0;
      for (std::size_t k = 0; k < across[x].weights.size(); ++k) sum += across[x].weights[k] * in[across[x].first + k];
      rows[static_cast<std::size_t>(y) * width + x] = sum;
    }
  }
  GreyImage result{width, height, std::vector<float>(static_cast<std::size_t>(width) * height)};
  for (int y = 0; y < height; ++y) {
    float* out = result.values.data() + static_cast<std::size_t>(y) * width;
    for (std::size_t k = 0; k < down[y].weights.size(); ++k) {
      const float weight = down[y].weights[k];
      const float* in = rows.data() + (down[y].first + k) * width;
      for (int x = 0; x < width; ++x) out[x] += weight * in[x];
    }
    for (int x = 0; x < width; ++x) out[x] = std::min(255.0f, std::max(0.0f, out[x]));
  }
  return result;
}

}  // namespace

GreyImage greyPart(const RgbView& image, const Rectangle& part, int longest) {
  const int longer = std::max(part.width, part.height);
  const auto scaled = [&](int side) {
    return std::max(1, static_cast<int>((2LL * side * longest + longer) / (2LL * longer)));
  };
  const int factor = std::max(1, longer / (2 * longest));
  return resized(shrunkGrey(image, part, factor), scaled(part.width), scaled(part.height));
}

std::vector<float> cellMeans(const RgbView& image, const Rectangle& part, int size) {
  std::vector<float> means(static_cast<std::size_t>(size) * size * 3);
  const auto begin = [size](int cell, int side) { return static_cast<int>(static_cast<long long>(cell) * side / size); };
  const auto end = [&](int cell, int side) { return std::max(begin(cell, side) + 1, begin(cell + 1, side)); };
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x) {
      std::uint64_t sums[3] = {};
      const int left = begin(x, part.width);
      const int right = end(x, part.width);
      const int top = begin(y, part.height);
      const int bottom = end(y, part.height);
      for (int j = top; j < bottom; ++j) {
        const std::uint8_t* pixel =
            image.pixels + 3 * (static_cast<std::size_t>(part.y + j) * image.width + part.x + left);
        for (int i = left; i < right; ++i, pixel += 3)
          for (int c = 0; c < 3; ++c) sums[c] += pixel[c];
      }
      const double count = static_cast<double>(right - left) * (bottom - top);
      for (int c = 0; c < 3; ++c) {
        const double mean = static_cast<double>(sums[c]) / count;
        means[3 * (static_cast<std::size_t>(y) * size + x) + c] = static_cast<float>(mean);
      }
    }
  return means;
}

}  // namespace edgesift::vehicles
