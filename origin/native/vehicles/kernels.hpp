// What the encoder needs done fast. Each instruction set fills in one table; all give the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "edgesift/sift.hpp"

namespace edgesift::vehicles {

/// Matrices on the right-hand side are packed in panels of this many columns: [columns / 64][depth][64].
inline constexpr int kPanel = 64;
/// Vectors that are summed up are padded to a multiple of this.
inline constexpr int kVectorQuantum = 16;

struct Kernels {
  /// out[m][n] = initial[n] + sum over k, in ascending order and fused, of a[m][k] * b[k][n], for m < rows and n < columns
  /// (a multiple of kPanel); adds to `out` where `initial` is null.
  void (*multiply)(const float* a, std::ptrdiff_t aStride, int rows, const float* panels, int depth, int columns,
                   const float* initial, float* out, std::ptrdiff_t outStride);

  /// Indices of the values that are at least the greatest minus `margin`; `count` is a multiple of kVectorQuantum.
  int (*nearGreatest)(const float* values, int count, float margin, std::int32_t* indices);

  /// sum[i] += weight * values[i], fused; `count` is a multiple of kVectorQuantum.
  void (*addScaled)(float weight, const float* values, int count, float* sum);

  /// Sum of values[i] * weights[i]; of `packed`, byte i of a block of 32 holds weights i (low half) and i + 32 (high half)
  /// of 64, each plus 8. `count` is a multiple of 64; exact while the sum stays below 2^31.
  std::int32_t (*dotPacked)(const std::uint8_t* packed, const std::int16_t* values, int count);
};

const Kernels& kernelsFor(InstructionSet set);

namespace portable {
extern const Kernels kernels;
}
namespace avx2 {
extern const Kernels kernels;
}
namespace avx512 {
extern const Kernels kernels;
}
namespace neon {
extern const Kernels kernels;
}

}  // namespace edgesift::vehicles
