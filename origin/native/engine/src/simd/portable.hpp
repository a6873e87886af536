// The vector operations of the kernels in plain C++. See avx512.hpp for what each does.
#pragma once

#include <cmath>
#include <cstdint>

namespace edgesift::portable {

inline constexpr int kLanes = 4;
inline constexpr int kColumnBlock = 4;

struct Floats {
  float v[kLanes];
};

#define EDGESIFT_INLINE static inline __attribute__((always_inline))

template <typename Operation>
EDGESIFT_INLINE Floats each(Operation operation) {
  Floats result;
  for (int i = 0; i < kLanes; ++i) result.v[i] = operation(i);
  return result;
}

EDGESIFT_INLINE Floats load(const float* p) {
  return each([&](int i) { return p[i]; });
}
EDGESIFT_INLINE void store(float* p, Floats a) {
  for (int i = 0; i < kLanes; ++i) p[i] = a.v[i];
}
EDGESIFT_INLINE Floats broadcast(float a) {
  return each([&](int) { return a; });
}
EDGESIFT_INLINE Floats operator+(Floats a, Floats b) {
  return each([&](int i) { return a.v[i] + b.v[i]; });
}
EDGESIFT_INLINE Floats operator-(Floats a, Floats b) {
  return each([&](int i) { return a.v[i] - b.v[i]; });
}
EDGESIFT_INLINE Floats operator*(Floats a, Floats b) {
  return each([&](int i) { return a.v[i] * b.v[i]; });
}
EDGESIFT_INLINE Floats operator/(Floats a, Floats b) {
  return each([&](int i) { return a.v[i] / b.v[i]; });
}
EDGESIFT_INLINE Floats fusedMultiplyAdd(Floats a, Floats b, Floats c) {
  return each([&](int i) { return __builtin_fmaf(a.v[i], b.v[i], c.v[i]); });
}
EDGESIFT_INLINE Floats minimum(Floats a, Floats b) {
  return each([&](int i) { return a.v[i] < b.v[i] ? a.v[i] : b.v[i]; });
}
EDGESIFT_INLINE Floats maximum(Floats a, Floats b) {
  return each([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
}
EDGESIFT_INLINE Floats absolute(Floats a) {
  return each([&](int i) { return __builtin_fabsf(a.v[i]); });
}
EDGESIFT_INLINE Floats squareRoot(Floats a) {
  return each([&](int i) { return __builtin_sqrtf(a.v[i]); });
}
EDGESIFT_INLINE Floats floor(Floats a) {
  return each([&](int i) { return __builtin_floorf(a.v[i]); });
}
EDGESIFT_INLINE Floats roundToEven(Floats a) {
  return each([&](int i) { return __builtin_nearbyintf(a.v[i]); });
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
EDGESIFT_INLINE Floats selectGreaterEqual(Floats a, Floats b, Floats yes, Floats no) {
  return each([&](int i) { return a.v[i] >= b.v[i] ? yes.v[i] : no.v[i]; });
}
EDGESIFT_INLINE void storeIntegers(std::int32_t* p, Floats a) {
  for (int i = 0; i < kLanes; ++i) p[i] = static_cast<std::int32_t>(a.v[i]);
}
EDGESIFT_INLINE void storeQuads(float* out, Floats a, Floats b, Floats c, Floats d) {
  for (int i = 0; i < kLanes; ++i) {
    out[4 * i] = a.v[i];
    out[4 * i + 1] = b.v[i];
    out[4 * i + 2] = c.v[i];
    out[4 * i + 3] = d.v[i];
  }
}
EDGESIFT_INLINE constexpr int quadOffset(int lane) { return lane * 4; }

using Quad = Floats;
EDGESIFT_INLINE Quad loadQuad(const float* p) { return load(p); }
EDGESIFT_INLINE void storeQuad(float* p, Quad a) { store(p, a); }
EDGESIFT_INLINE Quad broadcastQuad(float a) { return broadcast(a); }

}  // namespace edgesift::portable
