#include "training/ridge.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <unordered_map>
#include <utility>
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
  Cholesky(const Selection& selection, const float* penalties, int threads)
      : kernels_(kernelsFor(bestInstructionSet())),
        threads_(threads),
        count_(selection.count),
        padded_((selection.count + kBlock - 1) / kBlock * kBlock),
        factor_(padded_ * padded_) {
    for (std::size_t i = 0; i < count_; ++i) {
      const float* row = selection.kernel + static_cast<std::size_t>(selection.rows[i]) * selection.size;
      for (std::size_t j = 0; j <= i; ++j) at(i, j) = row[selection.rows[j]];
      at(i, i) += penalties[i];
    }
    for (std::size_t i = count_; i < padded_; ++i) at(i, i) = 1;
    for (std::size_t block = 0; block < padded_; block += kBlock) decompose(block);
  }

  /// [count][columns], in place.
  void solve(float* targets, std::size_t columns) const {
    const std::size_t wide = paddedColumns(static_cast<int>(columns));
    inParallel(wide / kBlock, threads_, [&](std::size_t task) { solvePanel(targets, columns, task * kBlock); });
  }

  /// Columns `rows` of inverse(factor), [kBlock] of them in each panel [rows of the factor][kBlock]; negative.
  std::vector<std::vector<float>> inverseColumns(const std::vector<std::size_t>& rows) const {
    const std::size_t first = *std::min_element(rows.begin(), rows.end()) / kBlock * kBlock;
    std::vector<std::vector<float>> panels;
    for (std::size_t begin = 0; begin < rows.size(); begin += kBlock) {
      const std::size_t used = std::min(kBlock, rows.size() - begin);
      panels.push_back(forward(first, [&](std::size_t block, float* rest) {
        std::fill_n(rest, kBlock * kBlock, 0.0f);
        for (std::size_t c = 0; c < used; ++c) {
          const std::size_t row = rows[begin + c];
          if (row >= block && row < block + kBlock) rest[(row - block) * kBlock + c] = 1;
        }
      }));
    }
    return panels;
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

  /// Solves with the factor alone, from row `first` on: `fill(block, rest)` gives the right sides of a block of rows.
  /// The result is negative, as the multiplications subtract.
  template <typename Fill>
  std::vector<float> forward(std::size_t first, const Fill& fill) const {
    std::vector<float> solved(padded_ * kBlock);
    std::vector<float> rest(kBlock * kBlock);
    for (std::size_t block = first; block < padded_; block += kBlock) {
      fill(block, rest.data());
      subtract(&at(block, first), padded_, solved.data() + first * kBlock, block - first, rest.data());
      for (std::size_t i = 0; i < kBlock; ++i)
        for (std::size_t c = 0; c < kBlock; ++c) {
          double sum = rest[i * kBlock + c];
          for (std::size_t k = 0; k < i; ++k) {
            sum += static_cast<double>(at(block + i, block + k)) * solved[(block + k) * kBlock + c];
          }
          solved[(block + i) * kBlock + c] = static_cast<float>(-sum / at(block + i, block + i));
        }
    }
    return solved;
  }

  /// Columns [first, first + kBlock) of the targets.
  void solvePanel(float* targets, std::size_t columns, std::size_t first) const {
    const std::size_t used = std::min(kBlock, columns - first);
    std::vector<float> solved = forward(0, [&](std::size_t block, float* rest) {
      for (std::size_t i = 0; i < kBlock; ++i)
        for (std::size_t c = 0; c < kBlock; ++c)
          rest[i * kBlock + c] = block + i < count_ && c < used ? targets[(block + i) * columns + first + c] : 0;
    });
    std::vector<float> rest(kBlock * kBlock);
    std::vector<float> transposed(kBlock * padded_);
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
          for (std::size_t k = i + 1; k < kBlock; ++k) {
            sum += static_cast<double>(at(block + k, block + i)) * solved[(block + k) * kBlock + c];
          }
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

/// Rows of each group, in the order of the groups' first rows.
std::vector<std::vector<std::size_t>> rowsOfGroups(const std::uint32_t* groups, std::size_t count) {
  std::unordered_map<std::uint32_t, std::size_t> known;
  std::vector<std::vector<std::size_t>> result;
  for (std::size_t row = 0; row < count; ++row) {
    const auto [found, isNew] = known.try_emplace(groups[row], result.size());
    if (isNew) result.emplace_back();
    result[found->second].push_back(row);
  }
  return result;
}

/// Groups that fill a panel together, or one group that needs several.
std::vector<std::vector<std::vector<std::size_t>>> batchesOf(const std::vector<std::vector<std::size_t>>& groups) {
  std::vector<std::vector<std::vector<std::size_t>>> batches;
  std::size_t filled = kBlock;
  for (const std::vector<std::size_t>& group : groups) {
    if (filled + group.size() > kBlock) {
      batches.emplace_back();
      filled = 0;
    }
    batches.back().push_back(group);
    filled += group.size();
  }
  return batches;
}

/// Solves a small symmetric positive definite system, [n][n] and [n][columns], in place.
void solveSmall(std::vector<double>& matrix, std::size_t n, std::vector<double>& sides, std::size_t columns) {
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t i = j + 1; i < n; ++i) {
      const double factor = matrix[i * n + j] / matrix[j * n + j];
      for (std::size_t k = j; k < n; ++k) matrix[i * n + k] -= factor * matrix[j * n + k];
      for (std::size_t c = 0; c < columns; ++c) sides[i * columns + c] -= factor * sides[j * columns + c];
    }
  for (std::size_t i = n; i-- > 0;)
    for (std::size_t c = 0; c < columns; ++c) {
      double sum = sides[i * columns + c];
      for (std::size_t k = i + 1; k < n; ++k) sum -= matrix[i * n + k] * sides[k * columns + c];
      sides[i * columns + c] = sum / matrix[i * n + i];
    }
}

/// Subtracts from the targets in `leftOut` the residuals that the groups of a batch have in regressions without them.
void leaveOut(const Cholesky& cholesky, const std::vector<std::vector<std::size_t>>& batch, std::size_t columns,
              const float* coefficients, float* leftOut) {
  std::vector<std::size_t> rows;
  for (const std::vector<std::size_t>& group : batch) rows.insert(rows.end(), group.begin(), group.end());
  const std::vector<std::vector<float>> panels = cholesky.inverseColumns(rows);
  const std::size_t height = panels.front().size() / kBlock;
  std::size_t first = 0;
  for (const std::vector<std::size_t>& group : batch) {
    const std::size_t n = group.size();
    std::vector<double> inverse(n * n);
    for (std::size_t row = 0; row < height; ++row)
      for (std::size_t i = 0; i < n; ++i) {
        const double value = panels[(first + i) / kBlock][row * kBlock + (first + i) % kBlock];
        if (value == 0) continue;
        for (std::size_t j = 0; j < n; ++j)
          inverse[i * n + j] += value * panels[(first + j) / kBlock][row * kBlock + (first + j) % kBlock];
      }
    std::vector<double> residuals(n * columns);
    for (std::size_t i = 0; i < n; ++i) {
      std::copy_n(coefficients + group[i] * columns, columns, residuals.data() + i * columns);
    }
    solveSmall(inverse, n, residuals, columns);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t c = 0; c < columns; ++c)
        leftOut[group[i] * columns + c] -= static_cast<float>(residuals[i * columns + c]);
    first += n;
  }
}

}  // namespace

void solveRidge(const RidgeProblem& problem, int threads, float* targets, float* leftOut) {
  const std::size_t count = problem.selection.count;
  const std::size_t columns = static_cast<std::size_t>(problem.columns);
  const Cholesky cholesky(problem.selection, problem.penalties, threads);
  std::copy_n(targets, count * columns, leftOut);
  cholesky.solve(targets, columns);
  const auto batches = batchesOf(rowsOfGroups(problem.groups, count));
  inParallel(batches.size(), threads,
             [&](std::size_t task) { leaveOut(cholesky, batches[task], columns, targets, leftOut); });
}

}  // namespace edgesift::vehicles
