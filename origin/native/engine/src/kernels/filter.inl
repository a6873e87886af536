// Doubling and Gaussian filters.

namespace edgesift::EDGESIFT_SIMD {
namespace {

// Pixel i of the doubled row lies a quarter pixel left (i even) or right of source pixel i / 2. Integers below
// 2^12, so every operation is exact.
void doubleRow(const std::uint8_t* near, const std::uint8_t* far, int nearWeight, int width, float* out) {
  const int farWeight = 4 - nearWeight;
  const auto blend = [&](int x) { return static_cast<std::int16_t>(nearWeight * near[x] + farWeight * far[x]); };
  out[0] = static_cast<float>(4 * blend(0)) * 0.0625f;
  // In parts that stay in the first-level cache; twice as many integers as floats fit into a register.
  constexpr int kPart = 256;
  for (int begin = 0; begin + 1 < width; begin += kPart) {
    const int count = begin + kPart < width ? kPart : width - 1 - begin;
    std::int16_t blended[kPart + 1];
    for (int i = 0; i <= count; ++i) blended[i] = blend(begin + i);
    float* to = out + 2 * begin + 1;
    for (int i = 0; i < count; ++i) {
      const auto left = static_cast<std::int16_t>(3 * blended[i] + blended[i + 1]);
      const auto right = static_cast<std::int16_t>(blended[i] + 3 * blended[i + 1]);
      to[2 * i] = static_cast<float>(left) * 0.0625f;
      to[2 * i + 1] = static_cast<float>(right) * 0.0625f;
    }
  }
  out[2 * width - 1] = static_cast<float>(4 * blend(width - 1)) * 0.0625f;
}

/// `Vectors` neighbouring vectors of a filtered row.
template <int Vectors>
EDGESIFT_INLINE void filterRowPart(const float* in, float* out, const float* taps, int radius) {
  const float* start = in - radius;
  Floats sum[Vectors];
  const Floats first = broadcast(taps[0]);
  for (int i = 0; i < Vectors; ++i) sum[i] = load(start + i * kLanes) * first;
  for (int k = 1; k <= 2 * radius; ++k) {
    const Floats tap = broadcast(taps[k]);
    for (int i = 0; i < Vectors; ++i) sum[i] = fusedMultiplyAdd(load(start + i * kLanes + k), tap, sum[i]);
  }
  for (int i = 0; i < Vectors; ++i) store(out + i * kLanes, sum[i]);
}

#ifdef EDGESIFT_SHIFTS
/// load(p + Offset), out of whole vectors that neighbouring taps share.
template <int Offset>
EDGESIFT_INLINE Floats loadShifted(const float* p) {
  constexpr int kCount = Offset % kShiftSpan;
  if constexpr (kCount == 0 || !isShifted(kCount)) return load(p + Offset);
  else return shiftedBy<kCount>(load(p + Offset - kCount), load(p + Offset - kCount + kShiftSpan));
}

template <int Length, int K>
EDGESIFT_INLINE void addTapsFrom(const float* in, const float* taps, Floats* sum) {
  const Floats tap = broadcast(taps[K]);
#pragma GCC unroll 8
  for (int i = 0; i < kRowVectors; ++i) sum[i] = fusedMultiplyAdd(loadShifted<K>(in + i * kLanes), tap, sum[i]);
  if constexpr (K + 1 < Length) addTapsFrom<Length, K + 1>(in, taps, sum);
}

template <int Radius>
void filterRowOf(const float* in, float* out, int width, const float* taps) {
  int x = 0;
  for (; x + kRowVectors * kLanes <= width; x += kRowVectors * kLanes) {
    const float* start = in + x - Radius;
    Floats sum[kRowVectors];
#pragma GCC unroll 8
    for (int i = 0; i < kRowVectors; ++i) sum[i] = load(start + i * kLanes) * broadcast(taps[0]);
    addTapsFrom<2 * Radius + 1, 1>(start, taps, sum);
#pragma GCC unroll 8
    for (int i = 0; i < kRowVectors; ++i) store(out + x + i * kLanes, sum[i]);
  }
  for (; x < width; x += kRowQuantum) filterRowPart<kRowQuantum / kLanes>(in + x, out + x, taps, Radius);
}
#endif

void filterRow(const float* in, float* out, int width, const float* taps, int radius) {
#ifdef EDGESIFT_SHIFTS
  switch (radius) {
    case 5: return filterRowOf<5>(in, out, width, taps);
    case 6: return filterRowOf<6>(in, out, width, taps);
    case 8: return filterRowOf<8>(in, out, width, taps);
    case 10: return filterRowOf<10>(in, out, width, taps);
    default: break;
  }
#endif
  constexpr int kVectors = 8;
  int x = 0;
  for (; x + kVectors * kLanes <= width; x += kVectors * kLanes)
    filterRowPart<kVectors>(in + x, out + x, taps, radius);
  for (; x < width; x += kRowQuantum) filterRowPart<kRowQuantum / kLanes>(in + x, out + x, taps, radius);
}

/// kColumnBlock rows of the column filter. Two windows of rows move away from the centre, one row a step; a row
/// stays in its register until it has left the window.
template <int Radius>
void filterColumnBlock(const float* const* rows, float* const* out, int width, const float* taps) {
  constexpr int B = kColumnBlock;
  for (int x = 0; x < width; x += kLanes) {
    Floats above[B];
    Floats below[B];
    Floats sum[B];
    const Floats centre = broadcast(taps[0]);
#pragma GCC unroll 16
    for (int i = 0; i < B; ++i) {
      const Floats row = load(rows[Radius + i] + x);
      above[(Radius + i) % B] = row;
      below[(Radius + i) % B] = row;
      sum[i] = row * centre;
    }
#pragma GCC unroll 32
    for (int k = 1; k <= Radius; ++k) {
      const Floats tap = broadcast(taps[k]);
      above[(Radius - k) % B] = load(rows[Radius - k] + x);
      below[(Radius + B - 1 + k) % B] = load(rows[Radius + B - 1 + k] + x);
#pragma GCC unroll 16
      for (int i = 0; i < B; ++i)
        sum[i] = fusedMultiplyAdd(above[(Radius + i - k) % B] + below[(Radius + i + k) % B], tap, sum[i]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < B; ++i) store(out[i] + x, sum[i]);
  }
}

/// The same for any radius.
void filterColumnBlock(const float* const* rows, float* const* out, int width, const float* taps, int radius) {
  constexpr int B = kColumnBlock;
  for (int x = 0; x < width; x += kLanes) {
    Floats sum[B];
    for (int i = 0; i < B; ++i) sum[i] = load(rows[radius + i] + x) * broadcast(taps[0]);
    for (int k = 1; k <= radius; ++k) {
      const Floats tap = broadcast(taps[k]);
      for (int i = 0; i < B; ++i)
        sum[i] = fusedMultiplyAdd(load(rows[radius + i - k] + x) + load(rows[radius + i + k] + x), tap, sum[i]);
    }
    for (int i = 0; i < B; ++i) store(out[i] + x, sum[i]);
  }
}

void filterColumns(const float* const* rows, float* const* out, int width, const float* taps, int radius) {
  for (int i = 0; i < kStripRows; i += kColumnBlock) {
    const float* const* from = rows + i;
    float* const* to = out + i;
    switch (radius) {
      case 4: filterColumnBlock<4>(from, to, width, taps); break;
      case 5: filterColumnBlock<5>(from, to, width, taps); break;
      case 6: filterColumnBlock<6>(from, to, width, taps); break;
      case 7: filterColumnBlock<7>(from, to, width, taps); break;
      case 8: filterColumnBlock<8>(from, to, width, taps); break;
      case 9: filterColumnBlock<9>(from, to, width, taps); break;
      case 10: filterColumnBlock<10>(from, to, width, taps); break;
      case 11: filterColumnBlock<11>(from, to, width, taps); break;
      case 12: filterColumnBlock<12>(from, to, width, taps); break;
      default: filterColumnBlock(from, to, width, taps, radius);
    }
  }
}

/// Three neighbouring pixels (and one more) of `Rows` filtered rows.
template <int Rows>
EDGESIFT_INLINE void filterPatchRows(const float* const* rows, const float* taps, int length, float* out) {
  Quad sum[Rows];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) sum[i] = loadQuad(rows[i]) * broadcastQuad(taps[0]);
  for (int k = 1; k < length; ++k) {
    const Quad tap = broadcastQuad(taps[k]);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) sum[i] = fusedMultiplyAdd(loadQuad(rows[i] + k), tap, sum[i]);
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) storeQuad(out + 4 * i, sum[i]);
}

void filterPatch(const float* const* rows, const float* taps, int radius, float* scratch, float* out) {
  constexpr int kRowsAtOnce = 10;
  const int length = 2 * radius + 1;
  const int count = length + 2;
  const float* centre = taps + radius;
  if (count < kRowsAtOnce) {
    for (int i = 0; i < count; ++i) filterPatchRows<1>(rows + i, taps, length, scratch + 4 * i);
  } else {
    for (int i = 0; i < count; i += kRowsAtOnce) {
      // The last group overlaps the one before: rows done one by one would take longer.
      const int first = i + kRowsAtOnce <= count ? i : count - kRowsAtOnce;
      filterPatchRows<kRowsAtOnce>(rows + first, taps, length, scratch + 4 * first);
    }
  }
  const auto filtered = [&](int row) { return loadQuad(scratch + 4 * row); };
  for (int y = 0; y < 3; ++y) {
    Quad sum = filtered(radius + y) * broadcastQuad(centre[0]);
    for (int k = 1; k <= radius; ++k)
      sum = fusedMultiplyAdd(filtered(radius + y - k) + filtered(radius + y + k), broadcastQuad(centre[k]), sum);
    float pixels[4];
    storeQuad(pixels, sum);
    for (int x = 0; x < 3; ++x) out[3 * y + x] = pixels[x];
  }
}

}  // namespace
}  // namespace edgesift::EDGESIFT_SIMD
