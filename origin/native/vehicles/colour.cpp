#include "colour.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "elementary.hpp"
#include "numbers.hpp"

namespace edgesift::vehicles {

namespace {

constexpr int kSide = 96;
constexpr int kBlockSide = 4;
constexpr int kBlocksPerSide = kSide / kBlockSide;

struct Lab {
  float l;
  float a;
  float b;
};

double linear(double value) {
  const double scaled = value / 255;
  return scaled <= 0.04045 ? scaled / 12.92 : powerOfGamma((scaled + 0.055) / 1.055);
}

/// Of 8-bit values; the table is between them exact enough for colours.
double linearOf(float value) {
  static const std::array<double, 257> table = [] {
    std::array<double, 257> result{};
    for (int i = 0; i < 257; ++i) result[i] = linear(i);
    return result;
  }();
  const int whole = static_cast<int>(value);
  return table[whole] + (table[whole + 1] - table[whole]) * (value - static_cast<float>(whole));
}

double compressed(double t) {
  constexpr double kDelta = 6.0 / 29;
  return t > kDelta * kDelta * kDelta ? cubeRoot(t) : t / (3 * kDelta * kDelta) + 4.0 / 29;
}

Lab labOf(const float* rgb) {
  const double r = linearOf(rgb[0]);
  const double g = linearOf(rgb[1]);
  const double b = linearOf(rgb[2]);
  const double x = compressed((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
  const double y = compressed(0.2126729 * r + 0.7151522 * g + 0.0721750 * b);
  const double z = compressed((0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883);
  return {static_cast<float>(116 * y - 16), static_cast<float>(500 * (x - y)), static_cast<float>(200 * (y - z))};
}

std::vector<Lab> labCells(const RgbView& image, const Rectangle& part) {
  const std::vector<float> means = cellMeans(image, part, kSide);
  std::vector<Lab> cells;
  cells.reserve(means.size() / 3);
  for (std::size_t i = 0; i < means.size(); i += 3) cells.push_back(labOf(means.data() + i));
  return cells;
}

std::vector<float> blocksOf(const std::vector<Lab>& cells) {
  std::vector<float> blocks;
  for (int y = 0; y < kBlocksPerSide; ++y)
    for (int x = 0; x < kBlocksPerSide; ++x) {
      double l = 0;
      double a = 0;
      double b = 0;
      double squares = 0;
      for (int j = 0; j < kBlockSide; ++j)
        for (int i = 0; i < kBlockSide; ++i) {
          const Lab& cell = cells[static_cast<std::size_t>(y * kBlockSide + j) * kSide + x * kBlockSide + i];
          l += cell.l;
          a += cell.a;
          b += cell.b;
          squares += static_cast<double>(cell.l) * cell.l;
        }
      constexpr double kCount = kBlockSide * kBlockSide;
      const double deviation = std::sqrt(std::max(0.0, squares / kCount - (l / kCount) * (l / kCount)));
      blocks.push_back(static_cast<float>(l / kCount / 30));
      blocks.push_back(static_cast<float>(a / kCount / 15));
      blocks.push_back(static_cast<float>(b / kCount / 15));
      blocks.push_back(static_cast<float>(naturalLogarithm(deviation + 1)));
      blocks.push_back(4 * ((static_cast<float>(x) + 0.5f) / kBlocksPerSide - 0.5f));
      blocks.push_back(4 * ((static_cast<float>(y) + 0.5f) / kBlocksPerSide - 0.5f));
    }
  return blocks;
}

void appendNormalized(const std::vector<double>& values, std::vector<float>& out) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  const double scale = squares > 0 ? 1 / std::sqrt(2 * squares) : 0;
  for (const double value : values) out.push_back(static_cast<float>(value * scale));
}

std::vector<double> fisherVector(const std::vector<float>& blocks, const ColourVocabulary& vocabulary) {
  const int components = static_cast<int>(vocabulary.weights.size());
  std::vector<double> offsets;
  for (int k = 0; k < components; ++k) {
    double offset = naturalLogarithm(vocabulary.weights[k]);
    for (int d = 0; d < kBlockDimensions; ++d)
      offset -= 0.5 * naturalLogarithm(vocabulary.variances[k * kBlockDimensions + d]);
    offsets.push_back(offset);
  }
  std::vector<double> sums(static_cast<std::size_t>(components) * 2 * kBlockDimensions);
  std::vector<double> shares(components);
  for (int block = 0; block < kBlocks; ++block) {
    const float* z = blocks.data() + static_cast<std::size_t>(block) * kBlockDimensions;
    double greatest = -1e300;
    for (int k = 0; k < components; ++k) {
      double likelihood = offsets[k];
      for (int d = 0; d < kBlockDimensions; ++d) {
        const double difference = z[d] - vocabulary.means[k * kBlockDimensions + d];
        likelihood -= 0.5 * difference * difference / vocabulary.variances[k * kBlockDimensions + d];
      }
      shares[k] = likelihood;
      greatest = std::max(greatest, likelihood);
    }
    double sum = 0;
    for (double& share : shares) {
      share = share > greatest - 20 ? exponential(share - greatest) : 0;
      sum += share;
    }
    for (int k = 0; k < components; ++k) {
      const double posterior = shares[k] / sum;
      if (!(posterior > 1e-3)) continue;
      for (int d = 0; d < kBlockDimensions; ++d) {
        const double deviation = std::sqrt(static_cast<double>(vocabulary.variances[k * kBlockDimensions + d]));
        const double u = (z[d] - vocabulary.means[k * kBlockDimensions + d]) / deviation;
        double* sumsOfComponent = sums.data() + static_cast<std::size_t>(k) * 2 * kBlockDimensions;
        sumsOfComponent[d] += posterior * u / std::sqrt(static_cast<double>(vocabulary.weights[k]));
        sumsOfComponent[kBlockDimensions + d] +=
            posterior * (u * u - 1) / std::sqrt(2.0 * static_cast<double>(vocabulary.weights[k]));
      }
    }
  }
  for (double& value : sums) value = std::copysign(std::sqrt(std::fabs(value)), value);
  return sums;
}

struct Share {
  int bin;
  double weight;
};

/// The two nearest of `bins` bins whose centres divide [least, greatest] evenly.
std::array<Share, 2> sharesOf(double value, double least, double greatest, int bins) {
  const double place = std::clamp((value - least) / (greatest - least) * (bins - 1), 0.0, bins - 1.0);
  const int lower = std::min(static_cast<int>(place), bins - 2);
  return {Share{lower, 1 - (place - lower)}, Share{lower + 1, place - lower}};
}

std::vector<double> histogram(const std::vector<Lab>& cells) {
  std::vector<double> bins(kHistogramBins);
  for (int y = 0; y < kSide; ++y)
    for (int x = 0; x < kSide; ++x) {
      const double dx = ((x + 0.5) / kSide - 0.5) / 0.25;
      const double dy = ((y + 0.5) / kSide - 0.5) / 0.22;
      const double weight = exponential(-0.5 * (dx * dx + dy * dy));
      const Lab& cell = cells[static_cast<std::size_t>(y) * kSide + x];
      for (const Share& l : sharesOf(cell.l, 0, 100, 7))
        for (const Share& a : sharesOf(cell.a, -60, 60, 9))
          for (const Share& b : sharesOf(cell.b, -60, 60, 9))
            bins[(l.bin * 9 + a.bin) * 9 + b.bin] += weight * l.weight * a.weight * b.weight;
    }
  for (double& bin : bins) bin = std::sqrt(bin);
  return bins;
}

}  // namespace

int ColourVocabulary::length() const {
  const int used = static_cast<int>(weights.size()) * 2 * kBlockDimensions + kHistogramBins;
  return (used + 63) / 64 * 64;
}

std::vector<float> colourBlocks(const RgbView& image, const Rectangle& part) {
  return blocksOf(labCells(image, part));
}

std::vector<float> describeColour(const RgbView& image, const Rectangle& part, const ColourVocabulary& vocabulary) {
  const std::vector<Lab> cells = labCells(image, part);
  std::vector<float> description;
  appendNormalized(fisherVector(blocksOf(cells), vocabulary), description);
  appendNormalized(histogram(cells), description);
  description.resize(vocabulary.length());
  return description;
}

}  // namespace edgesift::vehicles
