// The vector operations of the kernels on AVX2 with FMA. See avx512.hpp for what each does.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "simd/quad_x86.hpp"

namespace edgesift::avx2 {

inline constexpr int kLanes = 8;
/// Accumulators and two windows of that size have to fit in 16 registers.
inline constexpr int kColumnBlock = 4;

struct Floats {
  __m256 v;
};

#define EDGESIFT_INLINE static inline __attribute__((always_inline))

EDGESIFT_INLINE Floats load(const float* p) { return {_mm256_loadu_ps(p)}; }
EDGESIFT_INLINE void store(float* p, Floats a) { _mm256_storeu_ps(p, a.v); }
EDGESIFT_INLINE Floats broadcast(float a) { return {_mm256_set1_ps(a)}; }
EDGESIFT_INLINE Floats operator+(Floats a, Floats b) { return {_mm256_add_ps(a.v, b.v)}; }
EDGESIFT_INLINE Floats operator-(Floats a, Floats b) { return {_mm256_sub_ps(a.v, b.v)}; }
EDGESIFT_INLINE Floats operator*(Floats a, Floats b) { return {_mm256_mul_ps(a.v, b.v)}; }
EDGESIFT_INLINE Floats operator/(Floats a, Floats b) { return {_mm256_div_ps(a.v, b.v)}; }
EDGESIFT_INLINE Floats fusedMultiplyAdd(Floats a, Floats b, Floats c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
EDGESIFT_INLINE Floats minimum(Floats a, Floats b) { return {_mm256_min_ps(a.v, b.v)}; }
EDGESIFT_INLINE Floats maximum(Floats a, Floats b) { return {_mm256_max_ps(a.v, b.v)}; }
EDGESIFT_INLINE Floats absolute(Floats a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
EDGESIFT_INLINE Floats squareRoot(Floats a) { return {_mm256_sqrt_ps(a.v)}; }
EDGESIFT_INLINE Floats floor(Floats a) { return {_mm256_floor_ps(a.v)}; }
EDGESIFT_INLINE Floats roundToEven(Floats a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
EDGESIFT_INLINE Floats negateWhere(Floats sign, Floats a) {
  return {_mm256_xor_ps(a.v, _mm256_and_ps(sign.v, _mm256_set1_ps(-0.0f)))};
}
#define EDGESIFT_SHIFTS
/// As many sums, and what is shifted for them, fit into 16 registers.
inline constexpr int kRowVectors = 4;
/// The instruction shifts within each half of the register.
inline constexpr int kShiftSpan = 4;
template <int Count>
EDGESIFT_INLINE Floats shiftedBy(Floats a, Floats b) {
  constexpr int kBytes = Count * static_cast<int>(sizeof(float));
  return {_mm256_castsi256_ps(_mm256_alignr_epi8(_mm256_castps_si256(b.v), _mm256_castps_si256(a.v), kBytes))};
}
EDGESIFT_INLINE constexpr bool isShifted(int) { return true; }
EDGESIFT_INLINE std::uint32_t maskGreater(Floats a, Floats b) {
  return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(a.v, b.v, _CMP_GT_OQ)));
}
EDGESIFT_INLINE std::uint32_t maskGreaterEqual(Floats a, Floats b) {
  return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(a.v, b.v, _CMP_GE_OQ)));
}
EDGESIFT_INLINE Floats selectGreaterEqual(Floats a, Floats b, Floats yes, Floats no) {
  return {_mm256_blendv_ps(no.v, yes.v, _mm256_cmp_ps(a.v, b.v, _CMP_GE_OQ))};
}
EDGESIFT_INLINE void storeIntegers(std::int32_t* p, Floats a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_cvttps_epi32(a.v));
}
EDGESIFT_INLINE void storeSum(std::int32_t* p, Floats a, Floats b, std::int32_t mask) {
  const __m256i masked = _mm256_and_si256(_mm256_cvttps_epi32(b.v), _mm256_set1_epi32(mask));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_add_epi32(_mm256_cvttps_epi32(a.v), masked));
}

EDGESIFT_INLINE void storeQuads(float* out, Floats a, Floats b, Floats c, Floats d) {
  const __m256 abLow = _mm256_unpacklo_ps(a.v, b.v);
  const __m256 abHigh = _mm256_unpackhi_ps(a.v, b.v);
  const __m256 cdLow = _mm256_unpacklo_ps(c.v, d.v);
  const __m256 cdHigh = _mm256_unpackhi_ps(c.v, d.v);
  _mm256_storeu_ps(out, _mm256_shuffle_ps(abLow, cdLow, 0x44));
  _mm256_storeu_ps(out + 8, _mm256_shuffle_ps(abLow, cdLow, 0xee));
  _mm256_storeu_ps(out + 16, _mm256_shuffle_ps(abHigh, cdHigh, 0x44));
  _mm256_storeu_ps(out + 24, _mm256_shuffle_ps(abHigh, cdHigh, 0xee));
}
EDGESIFT_INLINE constexpr int quadOffset(int lane) { return (lane & 3) * kLanes + (lane >> 2) * 4; }

EDGESIFT_INLINE Floats mixedQuads(Floats a, Floats b, Floats c, Floats d) {
  return {_mm256_blend_ps(_mm256_blend_ps(a.v, b.v, 0x22), _mm256_blend_ps(c.v, d.v, 0x88), 0xcc)};
}
EDGESIFT_INLINE Floats sumOfQuads(Floats a, Floats b, Floats c, Floats d) {
  return {_mm256_hadd_ps(_mm256_hadd_ps(a.v, b.v), _mm256_hadd_ps(c.v, d.v))};
}

}  // namespace edgesift::avx2
