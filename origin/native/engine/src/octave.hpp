#pragma once

#include <cstdint>
#include <vector>

#include "kernels.hpp"
#include "level_view.hpp"
#include "scale_plan.hpp"
#include "work.hpp"

namespace edgesift {

/// A grey image that someone else holds.
struct Image {
  const std::uint8_t* pixels;
  int width;
  int height;
  std::ptrdiff_t stride;

  const std::uint8_t* row(int y) const noexcept { return pixels + y * stride; }
};

/// Rows of an image doubled in size by linear interpolation; pixel (0, 0) is a quarter source pixel up and left of
/// the source's.
class DoubledImage {
 public:
  explicit DoubledImage(const Image& image) : image_(image) {}
  int rows() const noexcept { return 2 * image_.height; }
  int columns() const noexcept { return 2 * image_.width; }
  /// Writes these columns of a row to their places in `out`, and up to four more on either side.
  void row(int y, Band columns, const Kernels& kernels, float* out) const;

 private:
  Image image_;
};

/// Mirrors `count` pixels over those ends of a row of `columns` that are held.
void mirrorEnds(float* row, int columns, Band held, int count);

/// The levels of one band of an octave, made from top to bottom as the scan needs them and kept in rings.
class Octave {
 public:
  /// Floats of `memory` the octave needs. The first octave makes its level 0 out of the doubled image, the others
  /// are given theirs.
  static std::size_t floats(const ScalePlan& plan, int rows, int columns, bool isFirst);

  /// To be begun before anything else; one object serves all octaves in turn.
  Octave(const ScalePlan& plan, const Kernels& kernels, const Work& work);
  /// Begins a band of the first octave.
  void begin(const DoubledImage& image, Band band, float* memory);
  /// Begins a band of another one, with its whole level 0.
  void begin(const LevelView& bottom, Band band, float* memory);

  /// The band's part of the next octave's level 0 is written there as it becomes known: every second pixel of level
  /// `layers`.
  void feed(const LevelView& nextBottom) { next_ = nextBottom; }

  /// Makes level 0 as far as a strip beginning at row y needs it.
  void makeBottom(int y);
  /// Makes the other levels likewise. `makeBottom(y)` comes first.
  void makeLevels(int y);

  /// Views of level 0 .. layers + 1.
  const std::vector<LevelView>& levels() const noexcept { return levels_; }
  int rows() const noexcept { return levels_[0].rows; }
  int columns() const noexcept { return levels_[0].columns; }
  Band band() const noexcept { return band_; }

 private:
  /// Filtered rows between the two passes of a filter, each from the first column the level holds.
  struct RowRing {
    float* data = nullptr;
    std::size_t stride = 0;
    int rows = 0;
    int filled = 0;

    float* row(int y) const noexcept { return data + static_cast<std::size_t>(y % rows) * stride; }
  };

  static int rowRingRows(int radius) { return 2 * radius + kStripRows; }

  void allocate(int rows, int columns, bool isFirst, float* memory);
  int heldWidth(int level) const noexcept { return levels_[level].heldColumnsEnd - levels_[level].heldColumnsBegin; }
  void makeStrip(int level);
  void filterRowsUntil(int level, int end);
  void passDown(int row);

  const ScalePlan& plan_;
  const Kernels& kernels_;
  const Work& work_;
  const DoubledImage* image_ = nullptr;
  Band band_ = {0, 0};
  std::vector<LevelView> levels_;
  std::vector<RowRing> filtered_;
  std::vector<const float*> inputs_;
  float* doubled_ = nullptr;
  float* spare_ = nullptr;
  LevelView next_;
};

}  // namespace edgesift
