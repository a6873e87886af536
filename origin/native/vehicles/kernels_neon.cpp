#include "kernels.hpp"
#include "simd/neon.hpp"

#define EDGESIFT_SIMD neon
#include "kernels/all.inl"
