#include "kernels.hpp"
#include "simd/avx512.hpp"

#define EDGESIFT_SIMD avx512
#include "kernels/all.inl"
