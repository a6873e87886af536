#include "training/vocabulary_training.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "encoder.hpp"
#include "numbers.hpp"
#include "training/random.hpp"

namespace edgesift::vehicles {

namespace {

constexpr double kLeastVarianceShare = 0.01;
constexpr int kSweeps = 30;

/// Eigenvectors of a symmetric matrix by Jacobi's rotations; `matrix` ends diagonal, column i of `vectors` belongs to
/// its i-th entry.
void diagonalize(std::vector<double>& matrix, std::vector<double>& vectors, int n) {
  const auto at = [n](int i, int j) { return static_cast<std::size_t>(i) * n + j; };
  vectors.assign(matrix.size(), 0);
  for (int i = 0; i < n; ++i) vectors[at(i, i)] = 1;
  for (int sweep = 0; sweep < kSweeps; ++sweep)
    for (int p = 0; p < n; ++p)
      for (int q = p + 1; q < n; ++q) {
        const double off = matrix[at(p, q)];
        if (std::fabs(off) < 1e-300) continue;
        const double theta = (matrix[at(q, q)] - matrix[at(p, p)]) / (2 * off);
        const double tangent = std::copysign(1.0, theta) / (std::fabs(theta) + std::sqrt(theta * theta + 1));
        const double cosine = 1 / std::sqrt(tangent * tangent + 1);
        const double sine = tangent * cosine;
        for (int k = 0; k < n; ++k) {
          const double a = matrix[at(k, p)];
          const double b = matrix[at(k, q)];
          matrix[at(k, p)] = cosine * a - sine * b;
          matrix[at(k, q)] = sine * a + cosine * b;
        }
        for (int k = 0; k < n; ++k) {
          const double a = matrix[at(p, k)];
          const double b = matrix[at(q, k)];
          matrix[at(p, k)] = cosine * a - sine * b;
          matrix[at(q, k)] = sine * a + cosine * b;
        }
        for (int k = 0; k < n; ++k) {
          const double a = vectors[at(k, p)];
          const double b = vectors[at(k, q)];
          vectors[at(k, p)] = cosine * a - sine * b;
          vectors[at(k, q)] = sine * a + cosine * b;
        }
      }
}

class MixtureFit {
 public:
  MixtureFit(const float* samples, std::size_t count, int dimensions, int components)
      : samples_(samples),
        count_(count),
        dimensions_(dimensions),
        components_(components),
        columns_(paddedColumns(components)),
        kernels_(kernelsFor(bestInstructionSet())),
        scores_(static_cast<std::size_t>(kChunk) * columns_),
        rows_(static_cast<std::size_t>(kChunk) * 2 * dimensions) {
    measureVariances();
  }

  void start(Random& random) {
    std::vector<std::size_t> order(count_);
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (int k = 0; k < components_; ++k) {
      std::swap(order[k], order[k + random.below(count_ - k)]);
      const float* sample = samples_ + order[k] * dimensions_;
      mixture_.means.insert(mixture_.means.end(), sample, sample + dimensions_);
      for (int d = 0; d < dimensions_; ++d) mixture_.variances.push_back(static_cast<float>(variances_[d]));
      mixture_.weights.push_back(1.0f / static_cast<float>(components_));
    }
  }

  /// `hard`: every sample belongs to the nearest component alone, and all have the samples' own variances.
  void improve(bool hard) {
    std::vector<double> shares(components_);
    std::vector<double> sums(static_cast<std::size_t>(components_) * dimensions_);
    std::vector<double> squares(sums.size());
    prepare();
    for (std::size_t begin = 0; begin < count_; begin += kChunk) {
      const int rows = static_cast<int>(std::min<std::size_t>(kChunk, count_ - begin));
      scoreChunk(begin, rows);
      for (int i = 0; i < rows; ++i) {
        posteriors(scores_.data() + static_cast<std::size_t>(i) * columns_, hard);
        const float* sample = samples_ + (begin + i) * dimensions_;
        for (int k = 0; k < components_; ++k) {
          const double posterior = scores_[static_cast<std::size_t>(i) * columns_ + k];
          if (!(posterior > 1e-4)) continue;
          shares[k] += posterior;
          for (int d = 0; d < dimensions_; ++d) {
            sums[static_cast<std::size_t>(k) * dimensions_ + d] += posterior * sample[d];
            squares[static_cast<std::size_t>(k) * dimensions_ + d] += posterior * sample[d] * sample[d];
          }
        }
      }
    }
    for (int k = 0; k < components_; ++k) {
      if (shares[k] < 1) continue;  // what no sample belongs to stays as it is
      mixture_.weights[k] = static_cast<float>(shares[k] / static_cast<double>(count_));
      for (int d = 0; d < dimensions_; ++d) {
        const std::size_t at = static_cast<std::size_t>(k) * dimensions_ + d;
        const double mean = sums[at] / shares[k];
        mixture_.means[at] = static_cast<float>(mean);
        if (hard) continue;
        const double variance = squares[at] / shares[k] - mean * mean;
        mixture_.variances[at] = static_cast<float>(std::max(variance, kLeastVarianceShare * variances_[d]));
      }
    }
  }

  Mixture take() { return std::move(mixture_); }

 private:
  static constexpr int kChunk = 96;

  void measureVariances() {
    for (int d = 0; d < dimensions_; ++d) {
      double sum = 0;
      double squares = 0;
      for (std::size_t i = 0; i < count_; ++i) {
        const double value = samples_[i * dimensions_ + d];
        sum += value;
        squares += value * value;
      }
      const double mean = sum / static_cast<double>(count_);
      variances_.push_back(std::max(1e-12, squares / static_cast<double>(count_) - mean * mean));
    }
  }

  void prepare() {
    std::vector<float> matrix(static_cast<std::size_t>(2 * dimensions_) * components_);
    offset_.assign(columns_, -1e30f);
    for (int k = 0; k < components_; ++k) {
      double constant = naturalLogarithm(mixture_.weights[k]);
      for (int d = 0; d < dimensions_; ++d) {
        const double mean = mixture_.means[static_cast<std::size_t>(k) * dimensions_ + d];
        const double variance = mixture_.variances[static_cast<std::size_t>(k) * dimensions_ + d];
        matrix[static_cast<std::size_t>(d) * components_ + k] = static_cast<float>(mean / variance);
        matrix[static_cast<std::size_t>(dimensions_ + d) * components_ + k] = static_cast<float>(-0.5 / variance);
        constant -= 0.5 * (naturalLogarithm(variance) + mean * mean / variance);
      }
      offset_[k] = static_cast<float>(constant);
    }
    panels_ = packPanels(matrix.data(), 2 * dimensions_, components_);
  }

  void scoreChunk(std::size_t begin, int rows) {
    for (int i = 0; i < rows; ++i)
      for (int d = 0; d < dimensions_; ++d) {
        const float value = samples_[(begin + i) * dimensions_ + d];
        rows_[static_cast<std::size_t>(i) * 2 * dimensions_ + d] = value;
        rows_[static_cast<std::size_t>(i) * 2 * dimensions_ + dimensions_ + d] = value * value;
      }
    kernels_.multiply(rows_.data(), 2 * dimensions_, rows, panels_.data(), 2 * dimensions_, columns_, offset_.data(),
                      scores_.data(), columns_);
  }

  void posteriors(float* scores, bool hard) const {
    const float greatest = *std::max_element(scores, scores + components_);
    if (hard) {
      const auto best = std::max_element(scores, scores + components_) - scores;
      std::fill_n(scores, components_, 0.0f);
      scores[best] = 1;
      return;
    }
    float sum = 0;
    for (int k = 0; k < components_; ++k) {
      const float below = scores[k] - greatest;
      scores[k] = below > -15 ? exponentialOf(below) : 0;
      sum += scores[k];
    }
    for (int k = 0; k < components_; ++k) scores[k] /= sum;
  }

  const float* samples_;
  std::size_t count_;
  int dimensions_;
  int components_;
  int columns_;
  const Kernels& kernels_;
  std::vector<double> variances_;
  std::vector<float> panels_, offset_, scores_, rows_;
  Mixture mixture_;
};

}  // namespace

Projection principalComponents(const float* descriptors, std::size_t count) {
  if (count < 2) throw std::invalid_argument("fewer than two descriptors");
  std::vector<double> mean(kDescriptor);
  for (std::size_t i = 0; i < count; ++i)
    for (int d = 0; d < kDescriptor; ++d) mean[d] += descriptors[i * kDescriptor + d];
  for (double& value : mean) value /= static_cast<double>(count);
  std::vector<double> covariance(kDescriptor * kDescriptor);
  std::vector<double> difference(kDescriptor);
  for (std::size_t i = 0; i < count; ++i) {
    for (int d = 0; d < kDescriptor; ++d) difference[d] = descriptors[i * kDescriptor + d] - mean[d];
    for (int p = 0; p < kDescriptor; ++p)
      for (int q = 0; q < kDescriptor; ++q) covariance[p * kDescriptor + q] += difference[p] * difference[q];
  }
  std::vector<double> vectors;
  diagonalize(covariance, vectors, kDescriptor);
  std::vector<int> order(kDescriptor);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return covariance[a * kDescriptor + a] > covariance[b * kDescriptor + b];
  });
  Projection result;
  result.matrix.resize(kDescriptor * kProjected);
  for (int n = 0; n < kProjected; ++n) {
    double greatest = 0;
    for (int k = 0; k < kDescriptor; ++k) {
      const double value = vectors[k * kDescriptor + order[n]];
      if (std::fabs(value) > std::fabs(greatest)) greatest = value;
    }
    for (int k = 0; k < kDescriptor; ++k)
      result.matrix[k * kProjected + n] =
          static_cast<float>(std::copysign(1.0, greatest) * vectors[k * kDescriptor + order[n]]);
  }
  result.mean.assign(mean.begin(), mean.end());
  return result;
}

Mixture fitMixture(const float* samples, std::size_t count, int dimensions, int components, std::uint64_t seed,
                   int clusteringRounds, int maximisationRounds) {
  if (components < 1 || count < static_cast<std::size_t>(components))
    throw std::invalid_argument("fewer samples than components");
  Random random(seed);
  MixtureFit fit(samples, count, dimensions, components);
  fit.start(random);
  for (int round = 0; round < clusteringRounds; ++round) fit.improve(true);
  for (int round = 0; round < maximisationRounds; ++round) fit.improve(false);
  return fit.take();
}

}  // namespace edgesift::vehicles
