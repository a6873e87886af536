#include "elementary.hpp"

#include <cstdint>
#include <cstring>

namespace edgesift {
namespace {

// ln 2 and pi/2 each split in two: the first part has few enough bits that its product with a small integer is
// exact (W. Cody and W. Waite, "Software Manual for the Elementary Functions", 1980).
constexpr double kLn2High = 6.93147180369123816490e-01;
constexpr double kLn2Low = 1.90821492927058770002e-10;
constexpr double kHalfPiHigh = 1.57079632673412561417e+00;
constexpr double kHalfPiLow = 6.07710050650619224932e-11;

/// 1.5 * 2^52: adding and subtracting it rounds to the nearest integer, ties to even.
constexpr double kRoundingShift = 6755399441055744.0;

double nearestInteger(double x) noexcept {
  const double shifted = x + kRoundingShift;
  return shifted - kRoundingShift;
}

/// 2^exponent, for an exponent of a normal number.
double scaleOf(int exponent) noexcept {
  const std::uint64_t bits = static_cast<std::uint64_t>(exponent + 1023) << 52;
  double scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return scale;
}

/// Taylor series of e^x for |x| <= ln(2)/2.
double exponentialNearZero(double x) noexcept {
  double sum = 1.0;
  for (int n = 14; n >= 1; --n) sum = 1.0 + sum * x / n;
  return sum;
}

}  // namespace

double exponential(double x) noexcept {
  const double k = nearestInteger(x * 1.44269504088896338700);
  const double remainder = (x - k * kLn2High) - k * kLn2Low;
  return exponentialNearZero(remainder) * scaleOf(static_cast<int>(k));
}

double powerOfTwo(double x) noexcept {
  const double k = nearestInteger(x);
  return exponentialNearZero((x - k) * 0.69314718055994530942) * scaleOf(static_cast<int>(k));
}

SineCosine sineCosine(double x) noexcept {
  const double k = nearestInteger(x * 0.63661977236758134308);
  const double r = (x - k * kHalfPiHigh) - k * kHalfPiLow;
  const double r2 = r * r;
  // Horner form of the Taylor series: sin r = r(1 - r2/(2*3)(1 - r2/(4*5)(...))), cos r alike.
  double sine = 1.0;
  double cosine = 1.0;
  for (int n = 18; n >= 2; n -= 2) {
    sine = 1.0 - sine * r2 / (n * (n + 1));
    cosine = 1.0 - cosine * r2 / (n * (n - 1));
  }
  sine *= r;
  switch (static_cast<int>(k) & 3) {
    case 0: return {sine, cosine};
    case 1: return {cosine, -sine};
    case 2: return {-sine, -cosine};
    default: return {-cosine, sine};
  }
}

int roundToEven(double x) noexcept { return static_cast<int>(nearestInteger(x)); }

}  // namespace edgesift
