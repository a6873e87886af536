#include "octave.hpp"

#include <algorithm>

namespace edgesift {

void DoubledImage::row(int y, Band columns, const Kernels& kernels, float* out) const {
  const int near = y / 2;
  const int far = std::clamp(y % 2 == 0 ? near - 1 : near + 1, 0, image_.height - 1);
  // At its ends the kernel takes the image to end; one pixel more on either side keeps that away.
  const int begin = std::max(0, columns.begin / 2 - 1);
  const int end = std::min(image_.width, columns.end / 2 + 2);
  kernels.doubleRow(image_.row(near) + begin, image_.row(far) + begin, 3, end - begin, out + 2 * begin);
}

void mirrorEnds(float* row, int columns, Band held, int count) {
  const int last = columns - 1;
  // Most rows are longer than the margin: no pixel is mirrored twice.
  const int simple = std::min(count, last);
  if (held.begin == 0) {
    std::reverse_copy(row + 1, row + simple + 1, row - simple);
    for (int i = simple + 1; i <= count; ++i) row[-i] = row[reflect(-i, columns)];
  }
  if (held.end == columns) {
    std::reverse_copy(row + last - simple, row + last, row + last + 1);
    for (int i = simple + 1; i <= count; ++i) row[last + i] = row[reflect(last + i, columns)];
  }
}

std::size_t Octave::floats(const ScalePlan& plan, int rows, int columns, bool isFirst) {
  std::size_t rowCount = 1;  // spare_
  for (int i = isFirst ? 0 : 1; i < plan.storedLevels; ++i) {
    rowCount += static_cast<std::size_t>(plan.ringRows(i, rows));
    rowCount += static_cast<std::size_t>(rowRingRows(i == 0 ? plan.base.radius : plan.level[i].radius));
  }
  if (isFirst) rowCount += 1;  // doubled_
  return rowCount * plan.bandRowFloats(columns);
}

Octave::Octave(const ScalePlan& plan, const Kernels& kernels, const Work& work)
    : plan_(plan), kernels_(kernels), work_(work) {
  levels_.resize(plan.storedLevels);
  filtered_.resize(plan.storedLevels);
  inputs_.resize(static_cast<std::size_t>(rowRingRows(plan.widestRadius)));
}

void Octave::begin(const DoubledImage& image, Band band, float* memory) {
  image_ = &image;
  band_ = band;
  allocate(image.rows(), image.columns(), true, memory);
}

void Octave::begin(const LevelView& bottom, Band band, float* memory) {
  image_ = nullptr;
  band_ = band;
  allocate(bottom.rows, bottom.columns, false, memory);
  levels_[0] = bottom;
}

void Octave::allocate(int rows, int columns, bool isFirst, float* memory) {
  const std::size_t stride = plan_.bandRowFloats(columns);
  const auto takeRows = [&](int count) {
    float* start = memory + plan_.leftMargin();
    memory += stride * static_cast<std::size_t>(count);
    return start;
  };
  next_ = {};
  for (int i = isFirst ? 0 : 1; i < plan_.storedLevels; ++i) {
    LevelView& level = levels_[i] = {};
    const int ringRows = plan_.ringRows(i, rows);
    level.data = takeRows(ringRows);
    level.stride = static_cast<std::ptrdiff_t>(stride);
    level.slotMask = ringRows == rows ? -1 : ringRows - 1;
    level.rows = rows;
    level.columns = columns;
    const Band held = plan_.heldColumns(i, band_, columns);
    level.firstColumn = level.heldColumnsBegin = held.begin;
    level.heldColumnsEnd = held.end;
    RowRing& ring = filtered_[i] = {};
    ring.rows = rowRingRows(i == 0 ? plan_.base.radius : plan_.level[i].radius);
    ring.data = takeRows(ring.rows);
    ring.stride = stride;
  }
  spare_ = takeRows(1);
  if (isFirst) doubled_ = takeRows(1);
}

void Octave::makeBottom(int y) {
  if (image_ == nullptr) return;
  const int end = std::min(rows(), y + kStripRows + plan_.lead[0]);
  while (levels_[0].heldRowsEnd < end) makeStrip(0);
}

void Octave::makeLevels(int y) {
  for (int i = 1; i < plan_.storedLevels; ++i) {
    const int end = std::min(rows(), y + kStripRows + plan_.lead[i]);
    while (levels_[i].heldRowsEnd < end) makeStrip(i);
  }
}

void Octave::filterRowsUntil(int level, int end) {
  RowRing& ring = filtered_[level];
  for (; ring.filled < end; ++ring.filled) {
    const LevelView& made = levels_[level];
    const GaussianTaps& taps = level == 0 ? plan_.base : plan_.level[level];
    const float* from;
    if (level == 0) {
      float* doubled = doubled_ - made.firstColumn;
      const Band needed = {std::max(0, made.heldColumnsBegin - taps.radius),
                           std::min(made.columns, made.heldColumnsEnd + taps.radius)};
      image_->row(ring.filled, needed, kernels_, doubled);
      mirrorEnds(doubled, made.columns, needed, taps.radius);
      from = doubled;
    } else {
      from = levels_[level - 1].row(ring.filled);
    }
    kernels_.filterRow(from + made.heldColumnsBegin, ring.row(ring.filled), heldWidth(level), taps.taps.data(),
                       taps.radius);
  }
}

void Octave::makeStrip(int i) {
  work_.checkIsWanted();
  LevelView& level = levels_[i];
  const GaussianTaps& taps = i == 0 ? plan_.base : plan_.level[i];
  const int begin = level.heldRowsEnd;
  const int end = std::min(begin + kStripRows, level.rows);
  filterRowsUntil(i, std::min(level.rows, begin + kStripRows + taps.radius));

  for (int k = 0; k < kStripRows + 2 * taps.radius; ++k)
    inputs_[k] = filtered_[i].row(reflect(begin - taps.radius + k, level.rows));
  float* outputs[kStripRows];
  for (int k = 0; k < kStripRows; ++k)
    outputs[k] = begin + k < end ? level.row(begin + k) + level.heldColumnsBegin : spare_;
  kernels_.filterColumns(inputs_.data(), outputs, heldWidth(i), taps.centre(), taps.radius);

  const int margin = plan_.level[i + 1].radius + 4;
  for (int y = begin; y < end; ++y) {
    mirrorEnds(level.row(y), level.columns, {level.heldColumnsBegin, level.heldColumnsEnd}, margin);
    if (i == plan_.layers) passDown(y);
  }
  level.heldRowsEnd = end;
  const int ringRows = plan_.ringRows(i, level.rows);
  level.heldRowsBegin = std::max(0, (end + kStripRows - 1) / kStripRows * kStripRows - ringRows);
  if (ringRows == level.rows) level.heldRowsBegin = 0;
}

void Octave::passDown(int row) {
  if (row % 2 != 0 || row / 2 >= next_.rows) return;
  const float* __restrict from = levels_[plan_.layers].row(row);
  float* __restrict to = next_.row(row / 2);
  const Band part = {band_.begin / 2, std::min((band_.end + 1) / 2, next_.columns)};
  for (int x = part.begin; x < part.end; ++x) to[x] = from[2 * x];
  mirrorEnds(to, next_.columns, part, plan_.level[1].radius + 4);
}

}  // namespace edgesift
