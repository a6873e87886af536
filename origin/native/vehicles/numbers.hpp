// Elementary functions that give the same bits everywhere.
#pragma once

namespace edgesift::vehicles {

/// e^x in single precision for -80 < x < 80; relative error below 1e-6.
float exponentialOf(float x) noexcept;

/// ln x in double precision, for normal numbers above 0; relative error below 1e-14.
double naturalLogarithm(double x) noexcept;

/// Cube root of x in [0, 16].
double cubeRoot(double x) noexcept;

/// x^2.4 for x in [0, 2].
double powerOfGamma(double x) noexcept;

}  // namespace edgesift::vehicles
