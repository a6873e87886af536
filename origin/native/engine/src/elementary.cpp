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

/// Horner's scheme.
template <int Count>
double polynomial(const double (&coefficients)[Count], double x) noexcept {
  double sum = coefficients[Count - 1];
  for (int i = Count - 2; i >= 0; --i) sum = sum * x + coefficients[i];
  return sum;
}

/// Taylor series of e^x for |x| <= ln(2)/2.
double exponentialNearZero(double x) noexcept {
  static constexpr double kReciprocalFactorials[] = {
      1.0,        1.0,         1.0 / 2,       1.0 / 6,        1.0 / 24,        1.0 / 120,       1.0 / 720,
      1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800};
  return polynomial(kReciprocalFactorials, x);
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
  // Taylor series in r^2.
  static constexpr double kSine[] = {1.0,          -1.0 / 6,         1.0 / 120,           -1.0 / 5040,
                                     1.0 / 362880, -1.0 / 39916800, 1.0 / 6227020800, -1.0 / 1307674368000};
  static constexpr double kCosine[] = {1.0,           -1.0 / 2,           1.0 / 24,
                                       -1.0 / 720,    1.0 / 40320,       -1.0 / 3628800,
                                       1.0 / 479001600, -1.0 / 87178291200, 1.0 / 20922789888000};
  const double sine = r * polynomial(kSine, r2);
  const double cosine = polynomial(kCosine, r2);
  switch (static_cast<int>(k) & 3) {
    case 0: return {sine, cosine};
    case 1: return {cosine, -sine};
    case 2: return {-sine, -cosine};
    default: return {-cosine, sine};
  }
}

int roundToEven(double x) noexcept { return static_cast<int>(nearestInteger(x)); }

}  // namespace edgesift
