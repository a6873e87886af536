#include "kernels.hpp"
#include "simd/portable.hpp"

#define EDGESIFT_SIMD portable
#include "kernels/all.inl"
