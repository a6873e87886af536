// Where in a photograph a vehicle is: every descriptor says how likely it lies on one, and the rectangle with the
// greatest sum is found exactly.
#pragma once

#include <vector>

#include "encoder.hpp"

namespace edgesift::vehicles {

/// Longer side of the image that is searched.
inline constexpr int kSearchSide = 320;
/// Values per component: a weight for each projected dimension, and a constant.
inline constexpr int kSearchWeights = kProjected + 1;

/// Grid of the search.
DenseParameters searchGrid();

struct SearchModel {
  /// [K][65]; the log-odds of a descriptor are the sum over its components of posterior * (weights * z + constant).
  std::vector<float> weights;
  /// Log-odds are limited to [-limit, limit], and `offset` is taken from each.
  float limit = 2;
  float offset = 0;
};

/// Log-odds on a grid of cells.
struct Saliency {
  int columns = 0;
  int rows = 0;
  /// Pixels of a cell's side.
  int cell = 4;
  std::vector<float> values;
};

/// `encoder` has described the image of the given size on the search grid.
Saliency saliency(Encoder& encoder, const SearchModel& model, int width, int height);

struct Finding {
  /// In cells; of no extent where no cell is above 0.
  Rectangle place;
  double sum = 0;
};

/// The rectangle with the greatest sum of values (J. Bentley, "Algorithm design techniques", CACM 27(9), 1984).
Finding bestRectangle(const Saliency& saliency);

}  // namespace edgesift::vehicles
