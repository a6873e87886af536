// Extrema of the difference of Gaussians among their 26 neighbours (Lowe 2004, section 3.1).

namespace edgesift::EDGESIFT_SIMD {
namespace {

constexpr int kScanStride = kScanBlock + 2 * kRowQuantum;

/// Greatest and least difference among three rows and the layers around each layer, column by column. Differences
/// are not stored: level l + 1 minus level l.
template <int Layers>
EDGESIFT_INLINE void columnExtremes(const float* const* levels, int layerCount, int begin, int end, float* highest,
                                    float* lowest) {
  const int layers = Layers > 0 ? Layers : layerCount;
  for (int x = begin; x < end; x += kLanes) {
    Floats lower[3];
    for (int i = 0; i < 3; ++i) lower[i] = load(levels[i] + x);
    // Extremes of the two layers before the current one.
    Floats highestBefore = broadcast(0);
    Floats lowestBefore = broadcast(0);
    Floats highestPair = broadcast(0);
    Floats lowestPair = broadcast(0);
#pragma GCC unroll 8
    for (int l = 0; l <= layers; ++l) {
      Floats difference[3];
      for (int i = 0; i < 3; ++i) {
        const Floats upper = load(levels[3 * (l + 1) + i] + x);
        difference[i] = upper - lower[i];
        lower[i] = upper;
      }
      const Floats high = maximum(maximum(difference[0], difference[1]), difference[2]);
      const Floats low = minimum(minimum(difference[0], difference[1]), difference[2]);
      if (l >= 2) {
        store(highest + (l - 2) * kScanStride + x - begin, maximum(highestPair, high));
        store(lowest + (l - 2) * kScanStride + x - begin, minimum(lowestPair, low));
      }
      if (l >= 1) {
        highestPair = maximum(highestBefore, high);
        lowestPair = minimum(lowestBefore, low);
      }
      highestBefore = high;
      lowestBefore = low;
    }
    store(highest + (layers - 1) * kScanStride + x - begin, highestPair);
    store(lowest + (layers - 1) * kScanStride + x - begin, lowestPair);
  }
}

/// Where a difference is other than one of its eight neighbours in its layer. On a plateau all of a quadratic's
/// derivatives within the layer are 0: its extremum stays in place and has no curvature, so that refinement rejects it,
/// as cv::SIFT does.
EDGESIFT_INLINE std::uint32_t unevenMask(const float* const* lower, const float* const* upper, int x, Floats value) {
  Floats high = value;
  Floats low = value;
  for (int i = 0; i < 3; ++i)
    for (int offset = -1; offset <= 1; ++offset) {
      const Floats difference = load(upper[i] + x + offset) - load(lower[i] + x + offset);
      high = maximum(high, difference);
      low = minimum(low, difference);
    }
  return maskGreater(high, low);
}

template <int Layers>
int scanRowOf(const float* const* levels, int layerCount, int row, int begin, int end, float threshold,
              float* scratch, Candidate* out) {
  const int layers = Layers > 0 ? Layers : layerCount;
  float* highest = scratch;
  float* lowest = scratch + layers * kScanStride;
  const Floats positive = broadcast(threshold);
  const Floats negative = broadcast(-threshold);
  Candidate* next = out;
  for (int block = begin / kRowQuantum * kRowQuantum; block < end; block += kScanBlock) {
    const int blockEnd = block + kScanBlock < end ? block + kScanBlock : end;
    // One vector more on either side, for the neighbours.
    const int first = block - kRowQuantum;
    columnExtremes<Layers>(levels, layerCount, first, blockEnd + 1, highest, lowest);
    for (int x = block; x < blockEnd; x += kLanes) {
      std::uint32_t inside = ~std::uint32_t{0};
      if (x < begin) inside = begin - x < 32 ? inside << (begin - x) : 0;
      if (x + kLanes > end) inside &= (std::uint32_t{1} << (end - x)) - 1;
#pragma GCC unroll 8
      for (int layer = 1; layer <= layers; ++layer) {
        const Floats value = load(levels[3 * (layer + 1) + 1] + x) - load(levels[3 * layer + 1] + x);
        const std::uint32_t strong = maskGreater(absolute(value), positive) & inside;
        if (strong == 0) continue;
        const float* high = highest + (layer - 1) * kScanStride + x - first;
        const float* low = lowest + (layer - 1) * kScanStride + x - first;
        const Floats high9 = maximum(maximum(load(high - 1), load(high)), load(high + 1));
        const Floats low9 = minimum(minimum(load(low - 1), load(low)), load(low + 1));
        std::uint32_t extremal = ((maskGreater(value, positive) & maskGreaterEqual(value, high9)) |
                                  (maskGreater(negative, value) & maskGreaterEqual(low9, value))) &
                                 strong;
        // Above that, what is as flat gives no candidates.
        if (threshold < 1 && extremal != 0) {
          extremal &= unevenMask(levels + 3 * layer, levels + 3 * (layer + 1), x, value);
        }
        for (; extremal != 0; extremal &= extremal - 1) *next++ = {layer, row, x + __builtin_ctz(extremal)};
      }
    }
  }
  return static_cast<int>(next - out);
}

int scanRow(const float* const* levels, int layers, int row, int begin, int end, float threshold, float* scratch,
            Candidate* out) {
  if (layers == 3) return scanRowOf<3>(levels, layers, row, begin, end, threshold, scratch, out);
  return scanRowOf<0>(levels, layers, row, begin, end, threshold, scratch, out);
}

}  // namespace
}  // namespace edgesift::EDGESIFT_SIMD
