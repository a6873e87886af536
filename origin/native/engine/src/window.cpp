#include "window.hpp"

#include <algorithm>

namespace edgesift {

Window::Window(const ScalePlan& plan, const Kernels& kernels, const Work& work)
    : plan_(plan), kernels_(kernels), work_(work), halfSides_(static_cast<std::size_t>(plan.storedLevels)) {
  const int last = plan.storedLevels - 1;
  for (int i = last; i >= 0; --i) {
    const int needed = std::max(plan.trail[i], plan.neighbourhood);
    const int below = i == last ? plan.patchReach : halfSides_[i + 1] + plan.level[i + 1].radius;
    halfSides_[i] = std::max(needed, below);
  }
}

double Window::operations(int rows, int columns) const noexcept {
  double sum = 0;
  for (std::size_t i = 0; i < halfSides_.size(); ++i) {
    const int side = 2 * halfSides_[i] + 1;
    const int radius = i == 0 ? plan_.base.radius : plan_.level[i].radius;
    sum += static_cast<double>(std::min(side, rows)) * std::min(side, columns) * (3 * radius + 2);
  }
  return sum;
}

LevelView Window::reserve(std::vector<float>& memory, int rows, int columns, int row, int column,
                          int halfSide) const {
  LevelView view;
  view.rows = rows;
  view.columns = columns;
  view.heldRowsBegin = view.firstRow = std::max(0, row - halfSide);
  view.heldRowsEnd = std::min(rows, row + halfSide + 1);
  view.heldColumnsBegin = view.firstColumn = std::max(0, column - halfSide);
  view.heldColumnsEnd = std::min(columns, column + halfSide + 1);
  const std::size_t stride = plan_.rowFloats(view.heldColumnsEnd - view.heldColumnsBegin);
  // One row more takes what the column filter writes beyond the last.
  memory.resize(stride * static_cast<std::size_t>(view.heldRowsEnd - view.heldRowsBegin + 1));
  view.stride = static_cast<std::ptrdiff_t>(stride);
  view.data = memory.data() + plan_.leftMargin();
  return view;
}

void Window::mirror(LevelView& level, int count) const {
  for (int y = level.heldRowsBegin; y < level.heldRowsEnd; ++y)
    mirrorEnds(level.row(y), level.columns, {level.heldColumnsBegin, level.heldColumnsEnd}, count);
}

void Window::blur(const LevelView& from, const GaussianTaps& taps, int mirrored, LevelView& to) {
  const int width = to.heldColumnsEnd - to.heldColumnsBegin;
  const std::size_t stride = plan_.rowFloats(width);
  const int top = std::max(0, to.heldRowsBegin - taps.radius);
  const int bottom = std::min(to.rows, to.heldRowsEnd + taps.radius);
  filtered_.resize(stride * static_cast<std::size_t>(bottom - top));
  const auto filteredRow = [&](int y) { return filtered_.data() + stride * static_cast<std::size_t>(y - top); };
  for (int y = top; y < bottom; ++y) {
    work_.checkIsWanted();
    kernels_.filterRow(from.row(y) + to.heldColumnsBegin, filteredRow(y), width, taps.taps.data(), taps.radius);
  }

  inputs_.resize(static_cast<std::size_t>(2 * taps.radius + kStripRows));
  float* outputs[kStripRows];
  for (int begin = to.heldRowsBegin; begin < to.heldRowsEnd; begin += kStripRows) {
    work_.checkIsWanted();
    for (std::size_t k = 0; k < inputs_.size(); ++k) {
      const int y = reflect(begin - taps.radius + static_cast<int>(k), to.rows);
      inputs_[k] = filteredRow(std::clamp(y, top, bottom - 1));
    }
    for (int k = 0; k < kStripRows; ++k)
      outputs[k] = to.row(std::min(begin + k, to.heldRowsEnd)) + to.heldColumnsBegin;
    kernels_.filterColumns(inputs_.data(), outputs, width, taps.centre(), taps.radius);
  }
  mirror(to, mirrored);
}

void Window::build(const DoubledImage& image, int row, int column) {
  levels_.resize(plan_.storedLevels);
  memory_.resize(plan_.storedLevels);
  const int halfSide = halfSides_[0];
  LevelView doubled =
      reserve(doubledMemory_, image.rows(), image.columns(), row, column, halfSide + plan_.base.radius);
  for (int y = doubled.heldRowsBegin; y < doubled.heldRowsEnd; ++y)
    image.row(y, {doubled.heldColumnsBegin, doubled.heldColumnsEnd}, kernels_, doubled.row(y));
  mirror(doubled, plan_.base.radius);
  levels_[0] = reserve(memory_[0], image.rows(), image.columns(), row, column, halfSide);
  blur(doubled, plan_.base, plan_.level[1].radius + 4, levels_[0]);
  buildUpper(row, column);
}

void Window::build(const LevelView& bottom, int row, int column) {
  levels_.resize(plan_.storedLevels);
  memory_.resize(plan_.storedLevels);
  levels_[0] = bottom;
  buildUpper(row, column);
}

void Window::buildUpper(int row, int column) {
  for (int i = 1; i < plan_.storedLevels; ++i) {
    levels_[i] = reserve(memory_[i], levels_[0].rows, levels_[0].columns, row, column, halfSides_[i]);
    blur(levels_[i - 1], plan_.level[i], plan_.level[i + 1].radius + 4, levels_[i]);
  }
}

}  // namespace edgesift
