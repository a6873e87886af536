// Elementary functions that give the same bits everywhere. Those of the C library differ between versions and
// processors, so they cannot be used where a result reaches the output.
#pragma once

namespace edgesift {

/// e^x in double precision, for -700 < x < 700; relative error below 1e-15.
double exponential(double x) noexcept;

/// 2^x in double precision, for -1000 < x < 1000.
double powerOfTwo(double x) noexcept;

struct SineCosine {
  double sine;
  double cosine;
};

/// Sine and cosine of an angle in radians, for |x| < 100; absolute error below 1e-15.
SineCosine sineCosine(double x) noexcept;

/// Nearest integer, ties to even (OpenCV's cvRound).
int roundToEven(double x) noexcept;

}  // namespace edgesift
