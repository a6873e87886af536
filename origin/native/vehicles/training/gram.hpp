// Products of many encodings.
#pragma once

#include <cstddef>
#include <cstdint>

namespace edgesift::vehicles {

/// Encodings as QuantizedEncoding keeps them: [count][length] and [count].
struct EncodingTable {
  const std::int16_t* values = nullptr;
  const float* scales = nullptr;
  std::size_t count = 0;
  /// A multiple of 64.
  std::size_t length = 0;
};

/// All dot products: `out` is [count][count], symmetric. The result does not depend on the number of threads.
void gramMatrix(const EncodingTable& table, int threads, float* out);

/// Weighted sums of the encodings: out[c][length] = sum over n of coefficients[n][c] * encoding n.
void combineEncodings(const EncodingTable& table, const float* coefficients, int columns, int threads, float* out);

/// `out`, [rows][columns], of `a`, [rows][depth], and `b`, [depth][columns].
void multiplyMatrices(const float* a, const float* b, std::size_t rows, std::size_t depth, std::size_t columns,
                      int threads, float* out);

}  // namespace edgesift::vehicles
