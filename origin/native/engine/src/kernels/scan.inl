// Extrema of the difference of Gaussians among their 26 neighbours (Lowe 2004, section 3.1).

namespace edgesift::EDGESIFT_SIMD {
namespace {

constexpr int kScanStride = kScanBlock + 2 * kRowQuantum;

static_assert(kScanRows == 2);

/// Greatest and least difference among three rows and the layers around each layer, column by column, for each of two
/// rows. The two share the rows between them. Differences are not stored: level l + 1 minus level l.
template <int Layers>
EDGESIFT_INLINE void columnExtremes(const float* const* levels, int layerCount, int begin, int end, float* highest,
                                    float* lowest) {
  const int layers = Layers > 0 ? Layers : layerCount;
  for (int x = begin; x < end; x += kLanes) {
    Floats lower[kScanRows + 2];
    for (int i = 0; i < kScanRows + 2; ++i) lower[i] = load(levels[i] + x);
    // Extremes of the layer before the current one, and of the two before.
    Floats highestBefore[kScanRows];
    Floats lowestBefore[kScanRows];
    Floats highestPair[kScanRows];
    Floats lowestPair[kScanRows];
    for (int r = 0; r < kScanRows; ++r)
      highestBefore[r] = lowestBefore[r] = highestPair[r] = lowestPair[r] = broadcast(0.0f);
#pragma GCC unroll 8
    for (int l = 0; l <= layers; ++l) {
      Floats difference[kScanRows + 2];
      for (int i = 0; i < kScanRows + 2; ++i) {
        const Floats upper = load(levels[(kScanRows + 2) * (l + 1) + i] + x);
        difference[i] = upper - lower[i];
        lower[i] = upper;
      }
      const Floats highestShared = maximum(difference[1], difference[2]);
      const Floats lowestShared = minimum(difference[1], difference[2]);
      for (int r = 0; r < kScanRows; ++r) {
        const Floats high = maximum(difference[3 * r], highestShared);
        const Floats low = minimum(difference[3 * r], lowestShared);
        if (l >= 2) {
          const int at = (kScanRows * (l - 2) + r) * kScanStride + x - begin;
          store(highest + at, maximum(highestPair[r], high));
          store(lowest + at, minimum(lowestPair[r], low));
        }
        if (l >= 1) {
          highestPair[r] = maximum(highestBefore[r], high);
          lowestPair[r] = minimum(lowestBefore[r], low);
        }
        highestBefore[r] = high;
        lowestBefore[r] = low;
      }
    }
    for (int r = 0; r < kScanRows; ++r) {
      const int at = (kScanRows * (layers - 1) + r) * kScanStride + x - begin;
      store(highest + at, highestPair[r]);
      store(lowest + at, lowestPair[r]);
    }
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
int scanRowsOf(const float* const* levels, int layerCount, Band rows, Band columns, float threshold, float* scratch,
               Candidate* out) {
  constexpr int kRows = kScanRows + 2;
  const int layers = Layers > 0 ? Layers : layerCount;
  float* highest = scratch;
  float* lowest = scratch + layers * kScanRows * kScanStride;
  const Floats positive = broadcast(threshold);
  const Floats negative = broadcast(-threshold);
  Candidate* next = out;
  for (int block = columns.begin / kRowQuantum * kRowQuantum; block < columns.end; block += kScanBlock) {
    const int blockEnd = block + kScanBlock < columns.end ? block + kScanBlock : columns.end;
    // One vector more on either side, for the neighbours.
    const int first = block - kRowQuantum;
    columnExtremes<Layers>(levels, layerCount, first, blockEnd + 1, highest, lowest);
    for (int r = 0; r < rows.end - rows.begin; ++r) {
      for (int x = block; x < blockEnd; x += kLanes) {
        std::uint32_t inside = ~std::uint32_t{0};
        if (x < columns.begin) inside = columns.begin - x < 32 ? inside << (columns.begin - x) : 0;
        if (x + kLanes > columns.end) inside &= (std::uint32_t{1} << (columns.end - x)) - 1;
#pragma GCC unroll 8
        for (int layer = 1; layer <= layers; ++layer) {
          const float* const* lower = levels + kRows * layer + r;
          const float* const* upper = lower + kRows;
          const Floats value = load(upper[1] + x) - load(lower[1] + x);
          const int at = (kScanRows * (layer - 1) + r) * kScanStride + x - first;
          const float* high = highest + at;
          const float* low = lowest + at;
          const Floats high9 = maximum(maximum(load(high - 1), load(high)), load(high + 1));
          const Floats low9 = minimum(minimum(load(low - 1), load(low)), load(low + 1));
          std::uint32_t extremal = ((maskGreater(value, positive) & maskGreaterEqual(value, high9)) |
                                    (maskGreater(negative, value) & maskGreaterEqual(low9, value))) &
                                   inside;
          if (extremal == 0) continue;
          // Above that, what is as flat gives no candidates.
          if (threshold < 1) extremal &= unevenMask(lower, upper, x, value);
          for (; extremal != 0; extremal &= extremal - 1)
            *next++ = {layer, rows.begin + r, x + __builtin_ctz(extremal)};
        }
      }
    }
  }
  return static_cast<int>(next - out);
}

int scanRows(const float* const* levels, int layers, Band rows, Band columns, float threshold, float* scratch,
             Candidate* out) {
  if (layers == 3) return scanRowsOf<3>(levels, layers, rows, columns, threshold, scratch, out);
  return scanRowsOf<0>(levels, layers, rows, columns, threshold, scratch, out);
}

}  // namespace
}  // namespace edgesift::EDGESIFT_SIMD
