#include "search.hpp"

#include <algorithm>
#include <cstddef>

namespace edgesift::vehicles {

namespace {

/// Cells that no descriptor lies in take the value of the nearest in their row, then of the nearest row.
void fillGaps(Saliency& map, const std::vector<int>& counts) {
  const auto index = [&map](int x, int y) { return static_cast<std::size_t>(y) * map.columns + x; };
  std::vector<int> filledRows;
  for (int y = 0; y < map.rows; ++y) {
    int nearest = -1;
    for (int x = 0; x < map.columns; ++x) {
      if (counts[index(x, y)] == 0) continue;
      for (int gap = nearest + 1; gap < x; ++gap)
        map.values[index(gap, y)] = map.values[index(nearest >= 0 && 2 * gap <= nearest + x ? nearest : x, y)];
      nearest = x;
    }
    if (nearest < 0) continue;
    for (int gap = nearest + 1; gap < map.columns; ++gap) map.values[index(gap, y)] = map.values[index(nearest, y)];
    filledRows.push_back(y);
  }
  if (filledRows.empty()) return;
  for (int y = 0; y < map.rows; ++y) {
    const auto distance = [y](int row) { return row > y ? row - y : y - row; };
    const int nearest = *std::min_element(filledRows.begin(), filledRows.end(),
                                          [&](int a, int b) { return distance(a) < distance(b); });
    if (nearest != y)
      std::copy_n(map.values.begin() + static_cast<std::ptrdiff_t>(index(0, nearest)), map.columns,
                  map.values.begin() + static_cast<std::ptrdiff_t>(index(0, y)));
  }
}

}  // namespace

DenseParameters searchGrid() { return {{4, 8}, 4}; }

Saliency saliency(Encoder& encoder, const SearchModel& model, int width, int height) {
  Saliency map;
  map.columns = (width + map.cell - 1) / map.cell;
  map.rows = (height + map.cell - 1) / map.cell;
  map.values.assign(static_cast<std::size_t>(map.columns) * map.rows, 0.0f);
  std::vector<int> counts(map.values.size());
  encoder.placeless([&](std::size_t descriptor, const float* row, const Assignment* assignments, int count) {
    float odds = 0;
    for (int i = 0; i < count; ++i) {
      const float* weights =
          model.weights.data() + static_cast<std::size_t>(assignments[i].component) * kSearchWeights;
      float sum[8] = {};
      for (int d = 0; d < kProjected; d += 8)
        for (int k = 0; k < 8; ++k) sum[k] += weights[d + k] * row[d + k];
      const float dot = ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
      odds += assignments[i].posterior * (dot + weights[kProjected]);
    }
    const float* xy = encoder.features().xy + 2 * descriptor;
    const int x = std::min(map.columns - 1, static_cast<int>(xy[0]) / map.cell);
    const int y = std::min(map.rows - 1, static_cast<int>(xy[1]) / map.cell);
    const std::size_t at = static_cast<std::size_t>(y) * map.columns + x;
    map.values[at] += std::clamp(odds, -model.limit, model.limit);
    ++counts[at];
  });
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] > 0) map.values[i] = map.values[i] / static_cast<float>(counts[i]) - model.offset;
  fillGaps(map, counts);
  return map;
}

Finding bestRectangle(const Saliency& map) {
  Finding best;
  std::vector<double> columns(map.columns);
  for (int top = 0; top < map.rows; ++top) {
    std::fill(columns.begin(), columns.end(), 0.0);
    for (int bottom = top; bottom < map.rows; ++bottom) {
      double sum = 0;
      int left = 0;
      for (int x = 0; x < map.columns; ++x) {
        columns[x] += map.values[static_cast<std::size_t>(bottom) * map.columns + x];
        if (sum <= 0) {
          sum = 0;
          left = x;
        }
        sum += columns[x];
        if (sum > best.sum) best = {{left, top, x - left + 1, bottom - top + 1}, sum};
      }
    }
  }
  return best;
}

}  // namespace edgesift::vehicles
