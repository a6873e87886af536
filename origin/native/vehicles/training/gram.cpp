#include "training/gram.hpp"

#include <algorithm>
#include <vector>

#include "encoder.hpp"
#include "training/parallel.hpp"

namespace edgesift::vehicles {

namespace {

/// Columns of the result that a task computes; elements of the encodings that it holds as floats at a time.
constexpr std::size_t kColumns = 256;
constexpr std::size_t kDepth = 256;
constexpr std::size_t kRows = 48;

/// Columns [begin, begin + kColumns) of the rows from `begin` on.
void gramColumns(const EncodingTable& table, const Kernels& kernels, std::size_t begin, float* out) {
  const std::size_t columns = std::min(kColumns, table.count - begin);
  const std::size_t padded = paddedColumns(static_cast<int>(columns));
  const std::size_t rows = table.count - begin;
  std::vector<float> sums(rows * padded);
  std::vector<float> panels(padded * kDepth);
  std::vector<float> left(kRows * kDepth);
  for (std::size_t from = 0; from < table.length; from += kDepth) {
    const std::size_t depth = std::min(kDepth, table.length - from);
    for (std::size_t n = 0; n < columns; ++n) {
      const std::int16_t* values = table.values + (begin + n) * table.length + from;
      float* panel = panels.data() + n / kPanel * depth * kPanel + n % kPanel;
      for (std::size_t k = 0; k < depth; ++k) panel[k * kPanel] = values[k];
    }
    for (std::size_t row = 0; row < rows; row += kRows) {
      const std::size_t count = std::min(kRows, rows - row);
      for (std::size_t i = 0; i < count; ++i) {
        const std::int16_t* values = table.values + (begin + row + i) * table.length + from;
        for (std::size_t k = 0; k < depth; ++k) left[i * depth + k] = values[k];
      }
      kernels.multiply(left.data(), static_cast<std::ptrdiff_t>(depth), static_cast<int>(count), panels.data(),
                       static_cast<int>(depth), static_cast<int>(padded), nullptr, sums.data() + row * padded,
                       static_cast<std::ptrdiff_t>(padded));
    }
  }
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t n = 0; n < columns && n <= row; ++n) {
      const float value = sums[row * padded + n] * table.scales[begin + row] * table.scales[begin + n];
      out[(begin + row) * table.count + begin + n] = value;
      out[(begin + n) * table.count + begin + row] = value;
    }
}

}  // namespace

void gramMatrix(const EncodingTable& table, int threads, float* out) {
  const Kernels& kernels = kernelsFor(bestInstructionSet());
  inParallel((table.count + kColumns - 1) / kColumns, threads,
             [&](std::size_t task) { gramColumns(table, kernels, task * kColumns, out); });
}

void combineEncodings(const EncodingTable& table, const float* coefficients, int columns, int threads, float* out) {
  const Kernels& kernels = kernelsFor(bestInstructionSet());
  std::vector<float> left(static_cast<std::size_t>(columns) * table.count);
  for (std::size_t n = 0; n < table.count; ++n)
    for (int c = 0; c < columns; ++c)
      left[static_cast<std::size_t>(c) * table.count + n] = coefficients[n * columns + c] * table.scales[n];
  inParallel(table.length / kPanel, threads, [&](std::size_t task) {
    std::vector<float> panel(kDepth * kPanel);
    std::vector<float> sums(static_cast<std::size_t>(columns) * kPanel);
    for (std::size_t from = 0; from < table.count; from += kDepth) {
      const std::size_t depth = std::min(kDepth, table.count - from);
      for (std::size_t k = 0; k < depth; ++k)
        for (std::size_t i = 0; i < kPanel; ++i)
          panel[k * kPanel + i] = table.values[(from + k) * table.length + task * kPanel + i];
      kernels.multiply(left.data() + from, static_cast<std::ptrdiff_t>(table.count), columns, panel.data(),
                       static_cast<int>(depth), kPanel, nullptr, sums.data(), kPanel);
    }
    for (int c = 0; c < columns; ++c)
      std::copy_n(sums.begin() + c * kPanel, kPanel, out + static_cast<std::size_t>(c) * table.length + task * kPanel);
  });
}

void multiplyMatrices(const float* a, const float* b, std::size_t rows, std::size_t depth, std::size_t columns,
                      int threads, float* out) {
  const Kernels& kernels = kernelsFor(bestInstructionSet());
  const std::vector<float> panels = packPanels(b, static_cast<int>(depth), static_cast<int>(columns));
  const std::size_t padded = paddedColumns(static_cast<int>(columns));
  inParallel((rows + kRows - 1) / kRows, threads, [&](std::size_t task) {
    const std::size_t begin = task * kRows;
    const std::size_t count = std::min(kRows, rows - begin);
    std::vector<float> products(count * padded);
    kernels.multiply(a + begin * depth, static_cast<std::ptrdiff_t>(depth), static_cast<int>(count), panels.data(),
                     static_cast<int>(depth), static_cast<int>(padded), nullptr, products.data(),
                     static_cast<std::ptrdiff_t>(padded));
    for (std::size_t row = 0; row < count; ++row)
      std::copy_n(products.begin() + static_cast<std::ptrdiff_t>(row * padded), columns, out + (begin + row) * columns);
  });
}

}  // namespace edgesift::vehicles
