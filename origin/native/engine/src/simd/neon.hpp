// The vector operations of the kernels on AArch64 Advanced SIMD. See avx512.hpp for what each does.
#pragma once

#include <arm_neon.h>

#include <cstdint>

namespace edgesift::neon {

inline constexpr int kLanes = 4;
inline constexpr int kColumnBlock = 8;

struct Floats {
  float32x4_t v;
};

#define EDGESIFT_INLINE static inline __attribute__((always_inline))

EDGESIFT_INLINE Floats load(const float* p) { return {vld1q_f32(p)}; }
EDGESIFT_INLINE void store(float* p, Floats a) { vst1q_f32(p, a.v); }
EDGESIFT_INLINE Floats broadcast(float a) { return {vdupq_n_f32(a)}; }
EDGESIFT_INLINE Floats operator+(Floats a, Floats b) { return {vaddq_f32(a.v, b.v)}; }
EDGESIFT_INLINE Floats operator-(Floats a, Floats b) { return {vsubq_f32(a.v, b.v)}; }
EDGESIFT_INLINE Floats operator*(Floats a, Floats b) { return {vmulq_f32(a.v, b.v)}; }
EDGESIFT_INLINE Floats operator/(Floats a, Floats b) { return {vdivq_f32(a.v, b.v)}; }
EDGESIFT_INLINE Floats fusedMultiplyAdd(Floats a, Floats b, Floats c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
EDGESIFT_INLINE Floats minimum(Floats a, Floats b) { return {vminq_f32(a.v, b.v)}; }
EDGESIFT_INLINE Floats maximum(Floats a, Floats b) { return {vmaxq_f32(a.v, b.v)}; }
EDGESIFT_INLINE Floats absolute(Floats a) { return {vabsq_f32(a.v)}; }
EDGESIFT_INLINE Floats squareRoot(Floats a) { return {vsqrtq_f32(a.v)}; }
EDGESIFT_INLINE Floats floor(Floats a) { return {vrndmq_f32(a.v)}; }
EDGESIFT_INLINE Floats roundToEven(Floats a) { return {vrndnq_f32(a.v)}; }
EDGESIFT_INLINE Floats negateWhere(Floats sign, Floats a) {
  const uint32x4_t signs = vandq_u32(vreinterpretq_u32_f32(sign.v), vdupq_n_u32(0x80000000u));
  return {vreinterpretq_f32_u32(veorq_u32(vreinterpretq_u32_f32(a.v), signs))};
}
EDGESIFT_INLINE std::uint32_t bitsOf(uint32x4_t lanes) {
  const uint32x4_t weights = {1, 2, 4, 8};
  return vaddvq_u32(vandq_u32(lanes, weights));
}
EDGESIFT_INLINE std::uint32_t maskGreater(Floats a, Floats b) { return bitsOf(vcgtq_f32(a.v, b.v)); }
EDGESIFT_INLINE std::uint32_t maskGreaterEqual(Floats a, Floats b) { return bitsOf(vcgeq_f32(a.v, b.v)); }
EDGESIFT_INLINE Floats selectGreaterEqual(Floats a, Floats b, Floats yes, Floats no) {
  return {vbslq_f32(vcgeq_f32(a.v, b.v), yes.v, no.v)};
}
EDGESIFT_INLINE void storeIntegers(std::int32_t* p, Floats a) { vst1q_s32(p, vcvtq_s32_f32(a.v)); }
EDGESIFT_INLINE void storeSum(std::int32_t* p, Floats a, Floats b, std::int32_t mask) {
  vst1q_s32(p, vaddq_s32(vcvtq_s32_f32(a.v), vandq_s32(vcvtq_s32_f32(b.v), vdupq_n_s32(mask))));
}
EDGESIFT_INLINE void storeQuads(float* out, Floats a, Floats b, Floats c, Floats d) {
  vst4q_f32(out, (float32x4x4_t{{a.v, b.v, c.v, d.v}}));
}
EDGESIFT_INLINE constexpr int quadOffset(int lane) { return lane * 4; }

EDGESIFT_INLINE Floats mixedQuads(Floats a, Floats b, Floats c, Floats d) {
  const uint32x4_t odd = {0, ~0u, 0, ~0u};
  const uint32x4_t upper = {0, 0, ~0u, ~0u};
  return {vbslq_f32(upper, vbslq_f32(odd, d.v, c.v), vbslq_f32(odd, b.v, a.v))};
}
EDGESIFT_INLINE Floats sumOfQuads(Floats a, Floats b, Floats c, Floats d) {
  return {vpaddq_f32(vpaddq_f32(a.v, b.v), vpaddq_f32(c.v, d.v))};
}

using Quad = Floats;
EDGESIFT_INLINE Quad loadQuad(const float* p) { return load(p); }
EDGESIFT_INLINE void storeQuad(float* p, Quad a) { store(p, a); }
EDGESIFT_INLINE Quad broadcastQuad(float a) { return broadcast(a); }

/// Eight floats.
struct Octet {
  Quad low;
  Quad high;
};
EDGESIFT_INLINE Octet loadOctet(const float* p) { return {loadQuad(p), loadQuad(p + 4)}; }
EDGESIFT_INLINE void storeOctet(float* p, Octet a) {
  storeQuad(p, a.low);
  storeQuad(p + 4, a.high);
}
EDGESIFT_INLINE Octet operator+(Octet a, Octet b) { return {a.low + b.low, a.high + b.high}; }
EDGESIFT_INLINE Quad lowHalf(Octet a) { return a.low; }
EDGESIFT_INLINE Quad highHalf(Octet a) { return a.high; }
EDGESIFT_INLINE Octet divided(const float* quad, float fraction) {
  const Quad whole = loadQuad(quad);
  return {fusedMultiplyAdd(whole, broadcastQuad(-fraction), whole), whole * broadcastQuad(fraction)};
}

}  // namespace edgesift::neon
