// What the stages need done fast. Each instruction set fills in one table; all give the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "edgesift/sift.hpp"
#include "level_view.hpp"

namespace edgesift {

/// Rows are processed in strips of this many.
inline constexpr int kStripRows = 8;
/// Rows of floats are a multiple of this wide (plus margins); kernels may write up to there.
inline constexpr int kRowQuantum = 16;

inline constexpr int kOrientationBins = 36;
inline constexpr int kDescriptorSize = 128;

/// Position of a pixel that is extremal among its neighbours in position and scale.
struct Candidate {
  int layer;
  int row;
  int column;
};

/// A square to be described, in the coordinates of its level.
struct DescriptorFrame {
  int row;
  int column;
  /// Pixels to visit around the centre.
  int radius;
  /// Orientation in degrees, counter-clockwise.
  float angle;
  /// Cosine and sine of it, divided by the side of one histogram's square.
  float cosine;
  float sine;
  /// Gaussian weight of offsets -radius .. radius; the weight of a pixel is the product of that of its row and
  /// that of its column. Readable kRowQuantum floats further.
  const float* weights;
};

/// A neighbourhood whose gradients vote for orientations.
struct OrientationFrame {
  int row;
  int column;
  int radius;
  /// As in DescriptorFrame.
  const float* weights;
};

struct Kernels {
  /// Makes one row of the doubled image out of two rows of it: (nearWeight * near + (4 - nearWeight) * far) / 4,
  /// then likewise along the row. Exact. Writes 2 * width floats.
  void (*doubleRow)(const std::uint8_t* near, const std::uint8_t* far, int nearWeight, int width, float* out);

  /// out[x] = sum of in[x + k - radius] * taps[k], summed from the left with fused operations, for x < width
  /// rounded up to kRowQuantum.
  void (*filterRow)(const float* in, float* out, int width, const float* taps, int radius);

  /// kStripRows rows at once: out[i][x] = taps[0] * rows[i + radius][x], then for k = 1 .. radius plus
  /// taps[k] * (rows[i + radius - k][x] + rows[i + radius + k][x]), fused. `taps` starts at the centre.
  void (*filterColumns)(const float* const* rows, float* const* out, int width, const float* taps, int radius);

  /// The 3x3 pixels around a place of the last level, from 2 * radius + 3 rows of the level below, each given from
  /// the first column that takes part. Same operations as filterRow and filterColumns. `taps` starts at the left.
  /// `scratch` holds four floats per row.
  void (*filterPatch)(const float* const* rows, const float* taps, int radius, float* scratch, float* out);

  /// Extrema in one or two neighbouring rows. `levels[(kScanRows + 2) * l + i]` is row `rows.begin - 1 + i` of level l,
  /// l < layers + 2. A candidate of the last layer has not been compared with the layer above it, which needs the last
  /// level. Returns the number of candidates.
  int (*scanRows)(const float* const* levels, int layers, Band rows, Band columns, float threshold, float* scratch,
                  Candidate* out);

  /// Smoothed histogram of gradient orientations.
  void (*orientationHistogram)(const LevelView& level, const OrientationFrame& frame, float* scratch,
                               float* histogram);

  void (*describe)(const LevelView& level, const DescriptorFrame& frame, float* scratch, std::uint8_t* descriptor);

  /// out[x][8]: magnitude of the gradient at each pixel, shared linearly between the two nearest orientations. Rows are
  /// readable from -1 to denseRowFloats(width). `scratch` holds 2 * denseRowFloats(width) floats.
  void (*orientationRow)(const float* above, const float* row, const float* below, int width, float* scratch,
                         float* out);

  /// sum[i] += entering[i] - leaving[i]; count is a multiple of kRowQuantum.
  void (*slideSum)(float* sum, const float* entering, const float* leaving, int count);

  /// out[x][8] = sum of (binSize - |i|) * in[x + i][8] for |i| < binSize; 0 beyond the row and where rounding makes it
  /// negative. `boxes` holds (width + binSize) * 8 floats.
  void (*triangleRow)(const float* in, int width, int binSize, float* boxes, float* out);

  /// Gathers 4 x 4 bins, `binSize` columns apart from `column` on, from four rows of sums, and normalises them.
  void (*describeDense)(const float* const* rows, int column, int binSize, float* out);
};

inline constexpr int kDenseOrientations = 8;
/// Mean of a Gaussian window, twice as wide as a bin, over each of four bins.
inline constexpr float kDenseBinWeights[4] = {0.755f, 0.969f, 0.969f, 0.755f};
/// Times the weight of the central pixel: a step of one grey level at one pixel gives 0.5, rounding far less than this.
inline constexpr float kDenseLeastNorm = 0.05f;
constexpr int denseRowFloats(int width) { return (width + kRowQuantum - 1) / kRowQuantum * kRowQuantum; }

inline constexpr int kScanBlock = 256;
/// Rows scanned at once: they share differences and comparisons.
inline constexpr int kScanRows = 2;

/// What scanRows, orientationHistogram and describe work in, one at a time. It belongs at the beginning of a large page:
/// on small ones, such as those of the stack, some processors take a quarter longer where the pages happen to lie badly.
inline constexpr int kSampleScratchFloats = 5 << 10;
constexpr int scanScratchFloats(int layers) { return 2 * kScanRows * layers * (kScanBlock + 2 * kRowQuantum); }
constexpr std::size_t kernelScratchFloats(int layers) {
  return scanScratchFloats(layers) > kSampleScratchFloats ? scanScratchFloats(layers) : kSampleScratchFloats;
}

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

}  // namespace edgesift
