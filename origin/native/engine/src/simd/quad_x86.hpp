// Four floats in an SSE register; fused operations need FMA.
#pragma once

#include <immintrin.h>

namespace edgesift {
namespace {

struct Quad {
  __m128 v;
};

static inline __attribute__((always_inline)) Quad loadQuad(const float* p) { return {_mm_loadu_ps(p)}; }
static inline __attribute__((always_inline)) void storeQuad(float* p, Quad a) { _mm_storeu_ps(p, a.v); }
static inline __attribute__((always_inline)) Quad broadcastQuad(float a) { return {_mm_set1_ps(a)}; }
static inline __attribute__((always_inline)) Quad operator+(Quad a, Quad b) { return {_mm_add_ps(a.v, b.v)}; }
static inline __attribute__((always_inline)) Quad operator*(Quad a, Quad b) { return {_mm_mul_ps(a.v, b.v)}; }
static inline __attribute__((always_inline)) Quad fusedMultiplyAdd(Quad a, Quad b, Quad c) {
  return {_mm_fmadd_ps(a.v, b.v, c.v)};
}

/// Eight floats.
struct Octet {
  __m256 v;
};

static inline __attribute__((always_inline)) Octet loadOctet(const float* p) { return {_mm256_loadu_ps(p)}; }
static inline __attribute__((always_inline)) void storeOctet(float* p, Octet a) { _mm256_storeu_ps(p, a.v); }
static inline __attribute__((always_inline)) Octet operator+(Octet a, Octet b) { return {_mm256_add_ps(a.v, b.v)}; }
static inline __attribute__((always_inline)) Quad lowHalf(Octet a) { return {_mm256_castps256_ps128(a.v)}; }
static inline __attribute__((always_inline)) Quad highHalf(Octet a) { return {_mm256_extractf128_ps(a.v, 1)}; }
/// Four floats, each divided in two: (q - q * fraction, q * fraction).
static inline __attribute__((always_inline)) Octet divided(const float* quad, float fraction) {
  const __m128 whole = _mm_loadu_ps(quad);
  const __m256 twice = _mm256_broadcast_ps(reinterpret_cast<const __m128*>(quad));
  const __m256 signs = _mm256_setr_ps(-0.0f, -0.0f, -0.0f, -0.0f, 0, 0, 0, 0);
  return {_mm256_fmadd_ps(twice, _mm256_xor_ps(_mm256_set1_ps(fraction), signs), _mm256_zextps128_ps256(whole))};
}

}  // namespace
}  // namespace edgesift
