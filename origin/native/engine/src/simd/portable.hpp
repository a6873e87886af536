// The vector operations of the kernels in plain C++. See avx512.hpp for what each does.
#pragma once

#include <cstdint>
#include <cstring>

namespace edgesift::portable {

inline constexpr int kLanes = 4;
inline constexpr int kColumnBlock = 4;

/// A vector type of the compiler (GCC, Clang), which makes of it what the processor has.
using Lanes = float __attribute__((vector_size(4 * sizeof(float))));

struct Floats {
  Lanes v;
};

#define EDGESIFT_INLINE static inline __attribute__((always_inline))

EDGESIFT_INLINE Floats load(const float* p) {
  Floats result;
  std::memcpy(&result.v, p, sizeof result.v);
  return result;
}
EDGESIFT_INLINE void store(float* p, Floats a) { std::memcpy(p, &a.v, sizeof a.v); }
EDGESIFT_INLINE Floats broadcast(float a) { return {Lanes{a, a, a, a}}; }
EDGESIFT_INLINE Floats operator+(Floats a, Floats b) { return {a.v + b.v}; }
EDGESIFT_INLINE Floats operator-(Floats a, Floats b) { return {a.v - b.v}; }
EDGESIFT_INLINE Floats operator*(Floats a, Floats b) { return {a.v * b.v}; }
EDGESIFT_INLINE Floats operator/(Floats a, Floats b) { return {a.v / b.v}; }
EDGESIFT_INLINE Floats minimum(Floats a, Floats b) { return {a.v < b.v ? a.v : b.v}; }
EDGESIFT_INLINE Floats maximum(Floats a, Floats b) { return {a.v > b.v ? a.v : b.v}; }
EDGESIFT_INLINE Floats selectGreaterEqual(Floats a, Floats b, Floats yes, Floats no) {
  return {a.v >= b.v ? yes.v : no.v};
}
EDGESIFT_INLINE Floats fusedMultiplyAdd(Floats a, Floats b, Floats c) {
  return {Lanes{__builtin_fmaf(a.v[0], b.v[0], c.v[0]), __builtin_fmaf(a.v[1], b.v[1], c.v[1]),
                __builtin_fmaf(a.v[2], b.v[2], c.v[2]), __builtin_fmaf(a.v[3], b.v[3], c.v[3])}};
}


template <typename Operation>
EDGESIFT_INLINE Floats each(Floats a, Operation operation) {
  return {Lanes{operation(a.v[0]), operation(a.v[1]), operation(a.v[2]), operation(a.v[3])}};
}

EDGESIFT_INLINE Floats absolute(Floats a) {
  return each(a, [](float x) { return __builtin_fabsf(x); });
}
EDGESIFT_INLINE Floats squareRoot(Floats a) {
  return each(a, [](float x) { return __builtin_sqrtf(x); });
}
EDGESIFT_INLINE Floats floor(Floats a) {
  return each(a, [](float x) { return __builtin_floorf(x); });
}
EDGESIFT_INLINE Floats roundToEven(Floats a) {
  return each(a, [](float x) { return __builtin_nearbyintf(x); });
}
EDGESIFT_INLINE Floats negateWhere(Floats sign, Floats a) {
  return {Lanes{__builtin_signbit(sign.v[0]) ? -a.v[0] : a.v[0], __builtin_signbit(sign.v[1]) ? -a.v[1] : a.v[1],
                __builtin_signbit(sign.v[2]) ? -a.v[2] : a.v[2], __builtin_signbit(sign.v[3]) ? -a.v[3] : a.v[3]}};
}
EDGESIFT_INLINE std::uint32_t maskGreater(Floats a, Floats b) {
  std::uint32_t mask = 0;
  for (int i = 0; i < kLanes; ++i) mask |= static_cast<std::uint32_t>(a.v[i] > b.v[i]) << i;
  return mask;
}
EDGESIFT_INLINE std::uint32_t maskGreaterEqual(Floats a, Floats b) {
  std::uint32_t mask = 0;
  for (int i = 0; i < kLanes; ++i) mask |= static_cast<std::uint32_t>(a.v[i] >= b.v[i]) << i;
  return mask;
}
EDGESIFT_INLINE void storeIntegers(std::int32_t* p, Floats a) {
  for (int i = 0; i < kLanes; ++i) p[i] = static_cast<std::int32_t>(a.v[i]);
}
EDGESIFT_INLINE void storeSum(std::int32_t* p, Floats a, Floats b, std::int32_t mask) {
  for (int i = 0; i < kLanes; ++i)
    p[i] = static_cast<std::int32_t>(a.v[i]) + (static_cast<std::int32_t>(b.v[i]) & mask);
}
EDGESIFT_INLINE void storeQuads(float* out, Floats a, Floats b, Floats c, Floats d) {
  const Lanes rows[4] = {a.v, b.v, c.v, d.v};
  for (int i = 0; i < kLanes; ++i)
    for (int k = 0; k < 4; ++k) out[4 * i + k] = rows[k][i];
}
EDGESIFT_INLINE constexpr int quadOffset(int lane) { return lane * 4; }

EDGESIFT_INLINE Floats mixedQuads(Floats a, Floats b, Floats c, Floats d) {
  return {Lanes{a.v[0], b.v[1], c.v[2], d.v[3]}};
}
EDGESIFT_INLINE Floats sumOfQuads(Floats a, Floats b, Floats c, Floats d) {
  const auto sum = [](Lanes v) { return (v[0] + v[1]) + (v[2] + v[3]); };
  return {Lanes{sum(a.v), sum(b.v), sum(c.v), sum(d.v)}};
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

}  // namespace edgesift::portable
