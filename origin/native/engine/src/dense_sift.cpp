#include "edgesift/dense_sift.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "elementary.hpp"
#include "kernels.hpp"

namespace edgesift {
namespace {

constexpr int kMargin = kRowQuantum;
constexpr int kGreatestBin = 64;

/// Weights of a Gaussian blur, from the centre outwards; their sum over both sides is 1.
std::vector<float> blurTaps(double sigma) {
  const int radius = std::max(1, static_cast<int>(std::ceil(3 * sigma)));
  std::vector<double> taps(radius + 1);
  double sum = 0;
  for (int i = 0; i <= radius; ++i) {
    taps[i] = exponential(-0.5 * i * i / (sigma * sigma));
    sum += i == 0 ? taps[i] : 2 * taps[i];
  }
  std::vector<float> result;
  for (const double tap : taps) result.push_back(static_cast<float>(tap / sum));
  return result;
}

/// Rows of floats with a margin on every side.
class Plane {
 public:
  void reshape(int width, int height) {
    stride_ = denseRowFloats(width) + 2 * kMargin;
    values_.assign(static_cast<std::size_t>(stride_) * (height + 2), 0.0f);
  }
  /// From -1 to height.
  float* row(int y) { return values_.data() + static_cast<std::size_t>(y + 1) * stride_ + kMargin; }

 private:
  int stride_ = 0;
  std::vector<float> values_;
};

}  // namespace

class DenseExtractor::Implementation {
 public:
  explicit Implementation(InstructionSet set) : kernels_(kernelsFor(set)) {}

  DenseFeatures extract(const float* grey, int width, int height, const DenseParameters& parameters) {
    check(width, height, parameters);
    width_ = width;
    height_ = height;
    step_ = parameters.step;
    descriptors_.clear();
    xy_.clear();
    for (const int binSize : parameters.binSizes) extractScale(grey, binSize);
    return {xy_.size() / 2, descriptors_.data(), xy_.data()};
  }

 private:
  static void check(int width, int height, const DenseParameters& parameters) {
    if (width < 0 || height < 0 || width > kMostPixelsPerSide || height > kMostPixelsPerSide)
      throw std::invalid_argument("the image's sides are out of range");
    if (parameters.step < 1 || parameters.step > kGreatestBin) throw std::invalid_argument("step out of range");
    for (const int binSize : parameters.binSizes)
      if (binSize < 1 || binSize > kGreatestBin) throw std::invalid_argument("bin size out of range");
  }

  void extractScale(const float* grey, int binSize) {
    const int extent = 3 * binSize;
    if (std::min(width_, height_) <= extent + 2) return;
    blur(grey, binSize);
    sumRows(binSize);
    const int left = (width_ - 1 - extent) % step_ / 2;
    const int top = (height_ - 1 - extent) % step_ / 2;
    const float centre = 0.5f * static_cast<float>(extent);
    for (int y = top; y + extent < height_; y += step_) {
      const std::array<const float*, 4> rows = {sums(y), sums(y + binSize), sums(y + 2 * binSize), sums(y + extent)};
      for (int x = left; x + extent < width_; x += step_) {
        const std::size_t at = descriptors_.size();
        descriptors_.resize(at + kDescriptorSize);
        kernels_.describeDense(rows.data(), x, binSize, descriptors_.data() + at);
        xy_.push_back(static_cast<float>(x) + centre);
        xy_.push_back(static_cast<float>(y) + centre);
      }
    }
  }

  /// Brings the image from the blur of a camera to the scale of the bins.
  void blur(const float* grey, int binSize) {
    const double ratio = binSize / 6.0;
    const double variance = ratio * ratio - 0.25;
    smooth_.reshape(width_, height_);
    if (variance <= 0) {
      for (int y = 0; y < height_; ++y) {
        std::copy_n(grey + static_cast<std::size_t>(y) * width_, width_, smooth_.row(y));
      }
    } else {
      convolve(grey, blurTaps(std::sqrt(variance)));
    }
    extrapolate();
  }

  /// Pixels beyond the border are those of the border.
  void convolve(const float* grey, const std::vector<float>& taps) {
    const int radius = static_cast<int>(taps.size()) - 1;
    padded_.assign(width_ + 2 * radius, 0.0f);
    columns_.assign(static_cast<std::size_t>(width_) * height_, 0.0f);
    for (int y = 0; y < height_; ++y) {
      const float* in = grey + static_cast<std::size_t>(y) * width_;
      for (int x = -radius; x < width_ + radius; ++x) padded_[x + radius] = in[std::clamp(x, 0, width_ - 1)];
      symmetricSum([&](int k) { return padded_.data() + radius + k; }, taps,
                   columns_.data() + static_cast<std::size_t>(y) * width_);
    }
    for (int y = 0; y < height_; ++y)
      symmetricSum(
          [&](int k) { return columns_.data() + static_cast<std::size_t>(std::clamp(y + k, 0, height_ - 1)) * width_; },
          taps, smooth_.row(y));
  }

  template <typename Source>
  void symmetricSum(const Source& source, const std::vector<float>& taps, float* __restrict out) const {
    const float* __restrict centre = source(0);
    for (int x = 0; x < width_; ++x) out[x] = centre[x] * taps[0];
    for (int k = 1; k < static_cast<int>(taps.size()); ++k) {
      const float* __restrict before = source(-k);
      const float* __restrict after = source(k);
      const float tap = taps[k];
      for (int x = 0; x < width_; ++x) out[x] += (before[x] + after[x]) * tap;
    }
  }

  /// Central differences at the border become one-sided.
  void extrapolate() {
    for (int x = 0; x < width_; ++x) {
      smooth_.row(-1)[x] = 2 * smooth_.row(0)[x] - smooth_.row(1)[x];
      smooth_.row(height_)[x] = 2 * smooth_.row(height_ - 1)[x] - smooth_.row(height_ - 2)[x];
    }
    for (int y = 0; y < height_; ++y) {
      float* row = smooth_.row(y);
      row[-1] = 2 * row[0] - row[1];
      row[width_] = 2 * row[width_ - 1] - row[width_ - 2];
    }
  }

  float* sums(int y) { return sums_.data() + static_cast<std::size_t>(y) * rowFloats_; }

  /// Orientations of all pixels, summed in a triangle of half-width `binSize` down the columns and along the rows.
  void sumRows(int binSize) {
    rowFloats_ = denseRowFloats(width_ * kDenseOrientations);
    sums_.resize(static_cast<std::size_t>(rowFloats_) * height_);
    // Rows of orientations and of their box sums that are still needed; row y lies at y modulo the number of rows.
    const int ring = binSize + 1;
    orientations_.assign(static_cast<std::size_t>(rowFloats_) * ring, 0.0f);
    boxes_.assign(static_cast<std::size_t>(rowFloats_) * ring, 0.0f);
    nothing_.assign(rowFloats_, 0.0f);
    box_.assign(rowFloats_, 0.0f);
    triangle_.assign(rowFloats_, 0.0f);
    scratch_.resize(2 * denseRowFloats(width_));
    rowBoxes_.resize(static_cast<std::size_t>(width_ + binSize) * kDenseOrientations);
    for (int y = 1 - binSize; y < height_; ++y) {
      const int entering = y + binSize - 1;
      if (entering < height_)
        kernels_.orientationRow(smooth_.row(entering - 1), smooth_.row(entering), smooth_.row(entering + 1), width_,
                                scratch_.data(), inRing(orientations_, entering, ring));
      kernels_.slideSum(box_.data(), entering < height_ ? inRing(orientations_, entering, ring) : nothing_.data(),
                        y - 1 >= 0 ? inRing(orientations_, y - 1, ring) : nothing_.data(), rowFloats_);
      const int boxRow = y + binSize - 1;
      std::copy_n(box_.data(), rowFloats_, inRing(boxes_, boxRow, ring));
      kernels_.slideSum(triangle_.data(), box_.data(),
                        boxRow >= binSize ? inRing(boxes_, boxRow - binSize, ring) : nothing_.data(), rowFloats_);
      if (y >= 0 && isUsed(y, binSize)) {
        kernels_.triangleRow(triangle_.data(), width_, binSize, rowBoxes_.data(), sums(y));
      }
    }
  }

  /// Whether a row of bins lies on row y.
  bool isUsed(int y, int binSize) const {
    const int top = (height_ - 1 - 3 * binSize) % step_ / 2;
    for (int bin = 0; bin < 4; ++bin)
      if ((y - top - bin * binSize) % step_ == 0) return true;
    return false;
  }

  float* inRing(std::vector<float>& rows, int row, int ring) const {
    return rows.data() + static_cast<std::size_t>(row % ring) * rowFloats_;
  }

  const Kernels& kernels_;
  int width_ = 0;
  int height_ = 0;
  int step_ = 0;
  int rowFloats_ = 0;
  Plane smooth_;
  std::vector<float> padded_, columns_, orientations_, boxes_, nothing_, box_, triangle_, scratch_, rowBoxes_, sums_;
  std::vector<float> descriptors_, xy_;
};

DenseExtractor::DenseExtractor(InstructionSet set) : implementation_(std::make_unique<Implementation>(set)) {}
DenseExtractor::~DenseExtractor() = default;
DenseExtractor::DenseExtractor(DenseExtractor&&) noexcept = default;
DenseExtractor& DenseExtractor::operator=(DenseExtractor&&) noexcept = default;

DenseFeatures DenseExtractor::extract(const float* grey, int width, int height, const DenseParameters& parameters) {
  return implementation_->extract(grey, width, height, parameters);
}

const int* mirroredDescriptorOrder() noexcept {
  static const std::array<int, kDescriptorSize> order = [] {
    std::array<int, kDescriptorSize> result{};
    for (int row = 0; row < 4; ++row)
      for (int column = 0; column < 4; ++column)
        for (int o = 0; o < kDenseOrientations; ++o)
          result[(row * 4 + column) * kDenseOrientations + o] =
              (row * 4 + 3 - column) * kDenseOrientations + (12 - o) % kDenseOrientations;
    return result;
  }();
  return order.data();
}

}  // namespace edgesift
