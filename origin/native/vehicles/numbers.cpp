#include "numbers.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>

namespace edgesift::vehicles {

namespace {

/// Newton's iteration for y^n = x: a step from anywhere leads above the root, from where it falls until rounding stops it.
double root(double x, int n) noexcept {
  if (!(x > 0)) return 0;
  const auto step = [x, n](double y) {
    double power = 1;
    for (int k = 1; k < n; ++k) power *= y;
    return ((n - 1) * y + x / power) / n;
  };
  // Dividing the exponent of the floating-point number gets within a few percent.
  constexpr std::uint64_t kOne = 0x3ff0000000000000u;
  std::uint64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  bits = kOne - (kOne - bits) / n;
  if (x > 1) bits = kOne;
  double y;
  std::memcpy(&y, &bits, sizeof y);
  y = step(y);
  for (int i = 0; i < 200; ++i) {
    const double next = step(y);
    if (!(next < y)) break;
    y = next;
  }
  return y;
}

}  // namespace

float exponentialOf(float x) noexcept {
  constexpr float kShift = 12582912.0f;  // 1.5 * 2^23: rounds to the nearest integer
  const float whole = (x * 1.44269504f + kShift) - kShift;
  const float r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
  float sum = 1.0f / 720;
  sum = sum * r + 1.0f / 120;
  sum = sum * r + 1.0f / 24;
  sum = sum * r + 1.0f / 6;
  sum = sum * r + 0.5f;
  sum = sum * r + 1.0f;
  sum = sum * r + 1.0f;
  const std::uint32_t bits = static_cast<std::uint32_t>(static_cast<int>(whole) + 127) << 23;
  float scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return sum * scale;
}

double naturalLogarithm(double x) noexcept {
  int exponent = 0;
  double mantissa = std::frexp(x, &exponent);
  if (mantissa < 0.70710678118654752440) {
    mantissa *= 2;
    --exponent;
  }
  // ln m = 2 artanh((m - 1) / (m + 1)).
  const double t = (mantissa - 1) / (mantissa + 1);
  const double square = t * t;
  double sum = 0;
  for (int k = 21; k >= 1; k -= 2) sum = sum * square + 1.0 / k;
  return 2 * t * sum + exponent * 0.69314718055994530942;
}

double cubeRoot(double x) noexcept { return root(x, 3); }

double powerOfGamma(double x) noexcept {
  const double fifth = root(x, 5);
  return x * x * fifth * fifth;
}

}  // namespace edgesift::vehicles
