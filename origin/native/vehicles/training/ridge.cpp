#include "training/ridge.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "encoder.hpp"
#include "training/parallel.hpp"

namespace edgesift::vehicles {

namespace {

constexpr std::size_t kBlock = kPanel;
/// Columns of earlier blocks that are subtracted at a time: a panel of them stays in the second-level cache.
constexpr std::size_t kDepth = 512;
constexpr std::size_t kTaskRows = 192;

class Cholesky {
 public:
  Cholesky(const Selection& selection, float lambda, int threads)
      : kernels_(kernelsFor(bestInstructionSet())),
        threads_(threads),
        count_(selection.count),
        padded_((selection.count + kBlock - 1) / kBlock * kBlock),
        factor_(padded_ * padded_) {
    for (std::size_t i = 0; i < count_; ++i) {
      const float* row = selection.kernel + static_cast<std::size_t>(selection.rows[i]) * selection.size;
      for (std::size_t j = 0; j <= i; ++j) at(i, j) = row[selection.rows[j]];
      at(i, i) += lambda;
    }
    for (std::size_t i = count_; i < padded_; ++i) at(i, i) = 1;
    for (std::size_t block = 0; block < padded_; block += kBlock) decompose(block);
  }

  /// [count][columns], in place.
  void solve(float* targets, std::size_t columns) const {
    const std::size_t wide = paddedColumns(static_cast<int>(columns));
    inParallel(wide / kBlock, threads_, [&](std::size_t task) { solvePanel(targets, columns, task * kBlock); });
  }

 private:
  float& at(std::size_t i, std::size_t j) { return factor_[i * padded_ + j]; }
  const float& at(std::size_t i, std::size_t j) const { return factor_[i * padded_ + j]; }

  void decompose(std::size_t block) {
    subtractEarlier(block);
    factorDiagonal(block);
    const std::size_t below = padded_ - block - kBlock;
    inParallel((below + kTaskRows - 1) / kTaskRows, threads_, [&](std::size_t task) {
      const std::size_t begin = block + kBlock + task * kTaskRows;
      for (std::size_t i = begin; i < std::min(begin + kTaskRows, padded_); ++i) solveRow(block, i);
    });
  }

  void subtractEarlier(std::size_t block) {
    if (block == 0) return;
    std::vector<float> panel(block * kBlock);
    for (std::size_t j = 0; j < kBlock; ++j)
      for (std::size_t k = 0; k < block; ++k) panel[k * kBlock + j] = -at(block + j, k);
    const std::size_t rows = padded_ - block;
    inParallel((rows + kTaskRows - 1) / kTaskRows, threads_, [&](std::size_t task) {
      const std::size_t begin = block + task * kTaskRows;
      const std::size_t count = std::min(kTaskRows, padded_ - begin);
      for (std::size_t k = 0; k < block; k += kDepth)
        kernels_.multiply(&at(begin, k), static_cast<std::ptrdiff_t>(padded_), static_cast<int>(count),
                          panel.data() + k * kBlock, static_cast<int>(std::min(kDepth, block - k)), kPanel, nullptr,
                          &at(begin, block), static_cast<std::ptrdiff_t>(padded_));
    });
  }

  void factorDiagonal(std::size_t block) {
    for (std::size_t j = block; j < block + kBlock; ++j) {
      double pivot = at(j, j);
      for (std::size_t k = block; k < j; ++k) pivot -= static_cast<double>(at(j, k)) * at(j, k);
      if (!(pivot > 0)) throw std::runtime_error("the kernel matrix is not positive definite");
      const double root = std::sqrt(pivot);
      at(j, j) = static_cast<float>(root);
      for (std::size_t i = j + 1; i < block + kBlock; ++i) {
        double sum = at(i, j);
        for (std::size_t k = block; k < j; ++k) sum -= static_cast<double>(at(i, k)) * at(j, k);
        at(i, j) = static_cast<float>(sum / root);
      }
    }
  }

  void solveRow(std::size_t block, std::size_t i) {
    for (std::size_t j = block; j < block + kBlock; ++j) {
      double sum = at(i, j);
      for (std::size_t k = block; k < j; ++k) sum -= static_cast<double>(at(i, k)) * at(j, k);
      at(i, j) = static_cast<float>(sum / at(j, j));
    }
  }

  /// Columns [first, first + kBlock) of the targets.
  void solvePanel(float* targets, std::size_t columns, std::size_t first) const {
    const std::size_t used = std::min(kBlock, columns - first);
    // Negative, as the multiplications subtract.
    std::vector<float> solved(padded_ * kBlock);
    std::vector<float> rest(kBlock * kBlock);
    std::vector<float> transposed(kBlock * padded_);
    for (std::size_t block = 0; block < padded_; block += kBlock) {
      for (std::size_t i = 0; i < kBlock; ++i)
        for (std::size_t c = 0; c < kBlock; ++c)
          rest[i * kBlock + c] = block + i < count_ && c < used ? targets[(block + i) * columns + first + c] : 0;
      subtract(&at(block, 0), padded_, solved.data(), block, rest.data());
      for (std::size_t i = 0; i < kBlock; ++i)
        for (std::size_t c = 0; c < kBlock; ++c) {
          double sum = rest[i * kBlock + c];
          for (std::size_t k = 0; k < i; ++k) sum += static_cast<double>(at(block + i, block + k)) * solved[(block + k) * kBlock + c];
          solved[(block + i) * kBlock + c] = static_cast<float>(-sum / at(block + i, block + i));
        }
    }
    for (std::size_t block = padded_; block > 0;) {
      block -= kBlock;
      const std::size_t after = padded_ - block - kBlock;
      for (std::size_t k = 0; k < after; ++k)
        for (std::size_t i = 0; i < kBlock; ++i) transposed[i * after + k] = at(block + kBlock + k, block + i);
      for (std::size_t i = 0; i < kBlock * kBlock; ++i) rest[i] = -solved[block * kBlock + i];
      subtract(transposed.data(), after, solved.data() + (block + kBlock) * kBlock, after, rest.data());
      for (std::size_t i = kBlock; i-- > 0;)
        for (std::size_t c = 0; c < kBlock; ++c) {
          double sum = rest[i * kBlock + c];
          for (std::size_t k = i + 1; k < kBlock; ++k) sum += static_cast<double>(at(block + k, block + i)) * solved[(block + k) * kBlock + c];
          solved[(block + i) * kBlock + c] = static_cast<float>(-sum / at(block + i, block + i));
        }
    }
    for (std::size_t i = 0; i < count_; ++i)
      for (std::size_t c = 0; c < used; ++c) targets[i * columns + first + c] = -solved[i * kBlock + c];
  }

  void subtract(const float* left, std::size_t stride, const float* panel, std::size_t depth, float* rest) const {
    for (std::size_t k = 0; k < depth; k += kDepth)
      kernels_.multiply(left + k, static_cast<std::ptrdiff_t>(stride), kBlock, panel + k * kBlock,
                        static_cast<int>(std::min(kDepth, depth - k)), kPanel, nullptr, rest, kBlock);
  }

  const Kernels& kernels_;
  int threads_;
  std::size_t count_;
  std::size_t padded_;
  std::vector<float> factor_;
};

}  // namespace

void solveRidge(const Selection& selection, float lambda, int columns, int threads, float* targets) {
  const Cholesky cholesky(selection, lambda, threads);
  cholesky.solve(targets, static_cast<std::size_t>(columns));
}

void predict(const Selection& selection, const std::uint32_t* tests, std::size_t testCount, const float* coefficients,
             int columns, float* out) {
  const Kernels& kernels = kernelsFor(bestInstructionSet());
  const std::vector<float> panels = packPanels(coefficients, static_cast<int>(selection.count), columns);
  const std::size_t padded = paddedColumns(columns);
  std::vector<float> row(selection.count);
  std::vector<float> sums(padded);
  const std::vector<float> zeros(padded);
  for (std::size_t test = 0; test < testCount; ++test) {
    const float* kernel = selection.kernel + static_cast<std::size_t>(tests[test]) * selection.size;
    for (std::size_t i = 0; i < selection.count; ++i) row[i] = kernel[selection.rows[i]];
    kernels.multiply(row.data(), static_cast<std::ptrdiff_t>(selection.count), 1, panels.data(),
                     static_cast<int>(selection.count), static_cast<int>(padded), zeros.data(), sums.data(),
                     static_cast<std::ptrdiff_t>(padded));
    std::copy_n(sums.begin(), columns, out + test * columns);
  }
}

}  // namespace edgesift::vehicles
