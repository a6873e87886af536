#pragma once

#include <cstddef>
#include <vector>

#include "edgesift/sift.hpp"
#include "gaussian_taps.hpp"
#include "level_view.hpp"

namespace edgesift {

/// cv::SIFT ignores extrema this close to the border.
inline constexpr int kBorder = 5;

/// What follows from the parameters alone: filters, and how many rows each level has to keep.
///
/// An octave with n layers has levels 0 .. n + 2. Level n + 2 is never made as a whole, only 3x3 pixels around
/// candidates. Levels are made row by row, each a lead ahead of the strip that is scanned.
struct ScalePlan {
  /// Throws std::invalid_argument for parameters out of range.
  explicit ScalePlan(const Parameters& parameters);

  Parameters parameters;
  int layers;
  /// Levels that are made: layers + 2.
  int storedLevels;
  /// Blurs the doubled image, taken to have a blur of 1 pixel, to sigma (Lowe 2004, section 3.3).
  GaussianTaps base;
  /// level[i] makes level i out of level i - 1; level[0] is empty.
  std::vector<GaussianTaps> level;
  int widestRadius;
  /// Greatest half side of the square around a keypoint that orientation and descriptor look at.
  int neighbourhood;
  /// The same without the corners, for keypoints of each layer.
  std::vector<int> reach;
  /// Half side of what the last level's 3x3 pixels take from the level below.
  int patchReach;
  /// Rows a level has to be made beyond the strip, and columns on either side of the band; rows kept before the strip.
  std::vector<int> lead;
  std::vector<int> trail;

  /// Least difference of grey levels an extremum exceeds; a whole number as in cv::SIFT.
  float threshold() const noexcept;

  /// Of making all levels of all octaves of a doubled image of that size and looking for extrema in them.
  double pyramidOperations(int rows, int columns) const noexcept;

  /// Columns of the bands an octave that wide is processed in, one after the other; the last may be narrower. What a
  /// band's strips look at then stays in the caches, however wide the image is.
  int bandColumns(int columns) const noexcept;
  /// The columns around the band that level `i` holds.
  Band heldColumns(int i, Band band, int columns) const noexcept;
  /// Floats per row of the levels of a band in an octave that wide.
  std::size_t bandRowFloats(int columns) const noexcept;

  /// Rows level `i` keeps of an octave that is `rows` high: all of them or a power of two.
  int ringRows(int i, int rows) const noexcept;
  /// Floats per row, margins for mirrored pixels included.
  std::size_t rowFloats(int columns) const noexcept;
  /// Floats of the margin left of the first pixel.
  int leftMargin() const noexcept;
};

/// Whether an octave of that size can hold a keypoint.
inline bool hasInterior(int rows, int columns) noexcept { return rows > 2 * kBorder && columns > 2 * kBorder; }

}  // namespace edgesift
