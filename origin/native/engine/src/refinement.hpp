#pragma once

#include <vector>

#include "kernels.hpp"
#include "scale_plan.hpp"

namespace edgesift {

/// A keypoint before it is given orientations, in pixels of its octave.
struct RefinedPoint {
  int layer;
  int row;
  int column;
  /// Offset from that pixel and layer, each below 0.5 in magnitude.
  float rowOffset;
  float columnOffset;
  float layerOffset;
  float response;
};

/// Where a refinement stands. It can be taken up again on other views of the same levels.
struct Walk {
  Candidate at;
  int step = 0;
};

enum class Outcome {
  accepted,
  rejected,
  /// The views do not hold what the next step needs.
  unavailable,
};

/// Fits a quadratic to the difference of Gaussians around a candidate, moves on while its extremum is nearer to
/// another pixel, and rejects low contrast and edges (Lowe 2004, section 4; M. Brown and D. Lowe, BMVC 2002).
class Refinement {
 public:
  Refinement(const ScalePlan& plan, const Kernels& kernels);

  /// Of one step in that layer. The last one's takes making pixels of the level above it.
  double operations(int layer) const noexcept;

  Outcome refine(const std::vector<LevelView>& levels, Walk& walk, RefinedPoint& point);

 private:
  /// Difference of Gaussians in three layers, three rows, three columns around a place.
  struct Cube {
    float value[3][3][3];
  };

  bool isAvailable(const std::vector<LevelView>& levels, const Candidate& at) const;
  Cube cubeAround(const std::vector<LevelView>& levels, const Candidate& at);
  void lastLevelPatch(const LevelView& below, const Candidate& at, float* out);
  bool isKeypoint(const Cube& cube, const float (&offset)[3], float& response) const;

  const ScalePlan& plan_;
  const Kernels& kernels_;
  std::vector<const float*> patchRows_;
  std::vector<float> patchScratch_;
};

}  // namespace edgesift
