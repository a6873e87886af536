#pragma once

#include <cstddef>

namespace edgesift {

/// Columns or rows of a level, the end excluded.
struct Band {
  int begin;
  int end;
};

/// One level of the scale space of an octave, of which some rows (and, for a window, some columns) are in memory.
/// Coordinates are those of the whole level.
struct LevelView {
  /// Pixel (firstColumn, row of slot 0).
  float* data = nullptr;
  std::ptrdiff_t stride = 0;
  /// Row y is in slot (y - firstRow) & slotMask.
  int slotMask = -1;
  int firstRow = 0;
  int firstColumn = 0;
  /// Size of the whole level.
  int rows = 0;
  int columns = 0;
  /// What is in memory, ends excluded.
  int heldRowsBegin = 0;
  int heldRowsEnd = 0;
  int heldColumnsBegin = 0;
  int heldColumnsEnd = 0;

  // Inlined without exception: this header is compiled for several instruction sets.
  __attribute__((always_inline)) float* row(int y) const noexcept {
    return data + ((y - firstRow) & slotMask) * stride - firstColumn;
  }

  bool holdsRows(int begin, int end) const noexcept { return begin >= heldRowsBegin && end <= heldRowsEnd; }

  /// Whether the part inside the level of the box with that centre and half side is in memory.
  bool holdsBox(int y, int x, int halfSide) const noexcept {
    const int top = y - halfSide < 0 ? 0 : y - halfSide;
    const int left = x - halfSide < 0 ? 0 : x - halfSide;
    const int bottom = y + halfSide >= rows ? rows : y + halfSide + 1;
    const int right = x + halfSide >= columns ? columns : x + halfSide + 1;
    return holdsRows(top, bottom) && left >= heldColumnsBegin && right <= heldColumnsEnd;
  }
};

/// Index of the pixel that stands for index i outside of [0, count): mirrored at the outermost pixel, which is not
/// repeated (OpenCV's BORDER_REFLECT_101).
inline int reflect(int i, int count) noexcept {
  if (count == 1) return 0;
  while (i < 0 || i >= count) i = i < 0 ? -i : 2 * count - 2 - i;
  return i;
}

}  // namespace edgesift
