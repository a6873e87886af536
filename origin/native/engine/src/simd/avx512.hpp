// The vector operations of the kernels on AVX-512 (F, BW, DQ, VL).
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "simd/quad_x86.hpp"

namespace edgesift::avx512 {

inline constexpr int kLanes = 16;
/// Rows the column filter makes at once: accumulators and two windows of that size have to fit in 32 registers.
inline constexpr int kColumnBlock = 8;

struct Floats {
  __m512 v;
};

#define EDGESIFT_INLINE static inline __attribute__((always_inline))

EDGESIFT_INLINE Floats load(const float* p) { return {_mm512_loadu_ps(p)}; }
EDGESIFT_INLINE void store(float* p, Floats a) { _mm512_storeu_ps(p, a.v); }
EDGESIFT_INLINE Floats broadcast(float a) { return {_mm512_set1_ps(a)}; }
EDGESIFT_INLINE Floats operator+(Floats a, Floats b) { return {_mm512_add_ps(a.v, b.v)}; }
EDGESIFT_INLINE Floats operator-(Floats a, Floats b) { return {_mm512_sub_ps(a.v, b.v)}; }
EDGESIFT_INLINE Floats operator*(Floats a, Floats b) { return {_mm512_mul_ps(a.v, b.v)}; }
EDGESIFT_INLINE Floats operator/(Floats a, Floats b) { return {_mm512_div_ps(a.v, b.v)}; }
EDGESIFT_INLINE Floats fusedMultiplyAdd(Floats a, Floats b, Floats c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
EDGESIFT_INLINE Floats minimum(Floats a, Floats b) { return {_mm512_min_ps(a.v, b.v)}; }
EDGESIFT_INLINE Floats maximum(Floats a, Floats b) { return {_mm512_max_ps(a.v, b.v)}; }
EDGESIFT_INLINE Floats absolute(Floats a) { return {_mm512_abs_ps(a.v)}; }
EDGESIFT_INLINE Floats squareRoot(Floats a) { return {_mm512_sqrt_ps(a.v)}; }
EDGESIFT_INLINE Floats floor(Floats a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
}
EDGESIFT_INLINE Floats roundToEven(Floats a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
/// Negates where the sign of the other is negative.
EDGESIFT_INLINE Floats negateWhere(Floats sign, Floats a) {
  const __m512i signBit = _mm512_set1_epi32(INT32_MIN);
  return {_mm512_castsi512_ps(
      _mm512_ternarylogic_epi32(_mm512_castps_si512(a.v), _mm512_castps_si512(sign.v), signBit, 0x78))};
}
/// The row filter takes pixels from registers: loads that cross cache lines would take longer than its
/// multiplications.
#define EDGESIFT_SHIFTS
/// Vectors that the row filter makes at once.
inline constexpr int kRowVectors = 8;
inline constexpr int kShiftSpan = 16;
/// load(p + Count), of load(p) and load(p + kShiftSpan).
template <int Count>
EDGESIFT_INLINE Floats shiftedBy(Floats a, Floats b) {
  return {_mm512_castsi512_ps(_mm512_alignr_epi32(_mm512_castps_si512(b.v), _mm512_castps_si512(a.v), Count))};
}
/// Some loads among the shifts: both units work at the same time.
EDGESIFT_INLINE constexpr bool isShifted(int count) { return count % 4 != 1; }
/// Bit i is set where a[i] > b[i] (a[i] >= b[i]).
EDGESIFT_INLINE std::uint32_t maskGreater(Floats a, Floats b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ); }
EDGESIFT_INLINE std::uint32_t maskGreaterEqual(Floats a, Floats b) {
  return _mm512_cmp_ps_mask(a.v, b.v, _CMP_GE_OQ);
}
/// a[i] >= b[i] ? yes[i] : no[i]
EDGESIFT_INLINE Floats selectGreaterEqual(Floats a, Floats b, Floats yes, Floats no) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_GE_OQ), no.v, yes.v)};
}
/// Stores floats that hold integers.
EDGESIFT_INLINE void storeIntegers(std::int32_t* p, Floats a) { _mm512_storeu_si512(p, _mm512_cvttps_epi32(a.v)); }
/// Stores a[i] + (b[i] & mask), of floats that hold integers.
EDGESIFT_INLINE void storeSum(std::int32_t* p, Floats a, Floats b, std::int32_t mask) {
  const __m512i masked = _mm512_and_si512(_mm512_cvttps_epi32(b.v), _mm512_set1_epi32(mask));
  _mm512_storeu_si512(p, _mm512_add_epi32(_mm512_cvttps_epi32(a.v), masked));
}

/// Lanes 4 * i .. 4 * i + 3 of the k-th vector are those of lane 4 * i + k of a, b, c and d.
struct Transposed {
  Floats v[4];
};
EDGESIFT_INLINE Transposed transposedQuads(Floats a, Floats b, Floats c, Floats d) {
  const __m512 abLow = _mm512_unpacklo_ps(a.v, b.v);
  const __m512 abHigh = _mm512_unpackhi_ps(a.v, b.v);
  const __m512 cdLow = _mm512_unpacklo_ps(c.v, d.v);
  const __m512 cdHigh = _mm512_unpackhi_ps(c.v, d.v);
  return {{{_mm512_shuffle_ps(abLow, cdLow, 0x44)},
           {_mm512_shuffle_ps(abLow, cdLow, 0xee)},
           {_mm512_shuffle_ps(abHigh, cdHigh, 0x44)},
           {_mm512_shuffle_ps(abHigh, cdHigh, 0xee)}}};
}
/// Stores (a[i], b[i], c[i], d[i]) as four neighbouring floats at out + quadOffset(i).
EDGESIFT_INLINE void storeQuads(float* out, Floats a, Floats b, Floats c, Floats d) {
  const Transposed quads = transposedQuads(a, b, c, d);
  for (int k = 0; k < 4; ++k) store(out + k * kLanes, quads.v[k]);
}
EDGESIFT_INLINE constexpr int quadOffset(int lane) { return (lane & 3) * kLanes + (lane >> 2) * 4; }

/// (a[i], b[i + 1], c[i + 2], d[i + 3]) for every fourth i.
EDGESIFT_INLINE Floats mixedQuads(Floats a, Floats b, Floats c, Floats d) {
  const __m512 ab = _mm512_mask_blend_ps(0x2222, a.v, b.v);
  return {_mm512_mask_blend_ps(0x8888, _mm512_mask_blend_ps(0x4444, ab, c.v), d.v)};
}
/// Lane 4 * i + k is the sum of the k-th argument's lanes 4 * i .. 4 * i + 3, (0 + 1) + (2 + 3).
EDGESIFT_INLINE Floats sumOfQuads(Floats a, Floats b, Floats c, Floats d) {
  const Transposed quads = transposedQuads(a, b, c, d);
  return (quads.v[0] + quads.v[1]) + (quads.v[2] + quads.v[3]);
}

}  // namespace edgesift::avx512
