// Compiled once per instruction set, each in a namespace of its own. Standard headers with inline functions stay
// out of these files: the linker might pick the copy that was compiled for the wider instruction set.

// clang-format off
#include "kernels/filter.inl"
#include "kernels/scan.inl"
#include "kernels/gradient.inl"
#include "kernels/orientation.inl"
#include "kernels/descriptor.inl"
#include "kernels/dense.inl"
// clang-format on

namespace edgesift::EDGESIFT_SIMD {

extern const Kernels kernels = {
    doubleRow, filterRow, filterColumns, filterPatch, scanRows, orientationHistogram, describe,
    orientationRow, slideSum, triangleRow, describeDense,
};

}  // namespace edgesift::EDGESIFT_SIMD
