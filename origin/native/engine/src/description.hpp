#pragma once

#include <array>
#include <vector>

#include "kernels.hpp"
#include "refinement.hpp"
#include "scale_plan.hpp"

namespace edgesift {

/// Angles of a keypoint in degrees, [0, 360).
struct Orientations {
  /// No two neighbours are both peaks.
  std::array<float, kOrientationBins / 2> angles;
  int count = 0;

  const float* begin() const noexcept { return angles.data(); }
  const float* end() const noexcept { return angles.data() + count; }
};

/// Orientations and descriptors of refined points (Lowe 2004, sections 5 and 6). `scale` is that of keypointScale,
/// `scratch` has room for kernelScratchFloats.
class Description {
 public:
  Description(const ScalePlan& plan, const Kernels& kernels);

  /// Asks for the pixels around a point.
  void prefetch(const LevelView& level, const RefinedPoint& point) const;

  Orientations orientations(const LevelView& level, const RefinedPoint& point, float scale, float* scratch);

  /// Of the orientations of one point.
  double orientationOperations(float scale) const noexcept;

  /// Of one descriptor.
  double operations(const LevelView& level, float scale) const noexcept;

  /// Writes the kDescriptorSize elements of the descriptor at that angle.
  void describe(const LevelView& level, const RefinedPoint& point, float scale, float angle, float* scratch,
                std::uint8_t* descriptor);

 private:
  const ScalePlan& plan_;
  const Kernels& kernels_;
  std::vector<float> weights_;
};

}  // namespace edgesift
