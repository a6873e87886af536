#include "kernels.hpp"
#include "simd/avx2.hpp"

#define EDGESIFT_SIMD avx2
#include "kernels/all.inl"
