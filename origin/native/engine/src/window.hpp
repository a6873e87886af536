#pragma once

#include <vector>

#include "octave.hpp"

namespace edgesift {

/// A part of an octave's levels around one place, made again from level 0. For the few keypoints that wander, while
/// they are refined, to rows the rings no longer or not yet hold. Same operations, so the same pixels.
class Window {
 public:
  Window(const ScalePlan& plan, const Kernels& kernels, const Work& work);

  /// `image` for the first octave, else the whole level 0.
  void build(const DoubledImage& image, int row, int column);
  void build(const LevelView& bottom, int row, int column);

  /// Of building one in a level of that size, at most.
  double operations(int rows, int columns) const noexcept;

  const std::vector<LevelView>& levels() const noexcept { return levels_; }

 private:
  /// Sets up the view of the box of that half side, clipped to the level.
  LevelView reserve(std::vector<float>& memory, int rows, int columns, int row, int column, int halfSide) const;
  void blur(const LevelView& from, const GaussianTaps& taps, int mirrored, LevelView& to);
  void mirror(LevelView& level, int count) const;
  void buildUpper(int row, int column);

  const ScalePlan& plan_;
  const Kernels& kernels_;
  const Work& work_;
  /// Of each level, what it has to hold around the place.
  std::vector<int> halfSides_;
  std::vector<LevelView> levels_;
  std::vector<std::vector<float>> memory_;
  std::vector<float> doubledMemory_;
  std::vector<float> filtered_;
  std::vector<const float*> inputs_;
};

}  // namespace edgesift
