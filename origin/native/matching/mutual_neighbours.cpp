// Compiled once for every instruction set by Highway, which picks the best one of the processor at run time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "matching/mutual_neighbours.cpp"
#include <hwy/foreach_target.h>  // must come first
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "engine.h"
#include "matching/mutual_neighbours.h"

#ifndef EDGESIFT_MATCHING_TILES
#define EDGESIFT_MATCHING_TILES
namespace edgesift::addon {

// Rows of the first image that a kernel call works on: with two vectors of columns, eight sums in registers.
constexpr std::size_t kRows = 4;
// Columns of the second image in a tile: 128 KiB of floats, which stay in the second-level cache.
constexpr std::size_t kTileColumns = 256;

// With a tile of columns some milliseconds.
constexpr std::size_t kRowsBetweenChecks = 4096;
static_assert(kRowsBetweenChecks % kRows == 0, "a kernel call ends at a check");

// Larger than any squared distance, 128 * 255²; finite, so that differences with it are numbers.
constexpr float kNothingYet = 1e8F;
// What fills up the last rows and tile: never near anything.
constexpr float kPaddingNorm = 1e9F;

/// For each descriptor the two smallest squared distances seen so far, and where the smallest one was.
struct Nearest {
  explicit Nearest(std::size_t count) : best(count, kNothingYet), next(count, kNothingYet), index(count) {}

  void see(std::size_t at, float distance, std::size_t other) {
    if (distance < best[at]) {
      next[at] = best[at];
      best[at] = distance;
      index[at] = static_cast<std::uint32_t>(other);
    } else if (distance < next[at]) {
      next[at] = distance;
    }
  }

  std::vector<float> best;
  std::vector<float> next;
  std::vector<std::uint32_t> index;
};

/// Where element k of column c of a tile lies, for vectors of `lanes` floats: pairs of vectors, so that a kernel
/// reads its columns' elements one after the other.
inline std::size_t packedIndex(std::size_t c, std::size_t k, std::size_t lanes) {
  const std::size_t pair = 2 * lanes;
  return (c / pair * kDescriptorLength + k) * pair + c % pair;
}

}  // namespace edgesift::addon
#endif

HWY_BEFORE_NAMESPACE();
namespace edgesift::addon {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

std::size_t lanes() { return hn::Lanes(hn::ScalableTag<float>()); }

/// products[r][c] = row r times column c of a packed tile. Sums of 128 products of integers up to 255 stay below
/// 2^24, so floats hold them exactly, in any order of addition.
void multiply(const float* rows, const float* tile, float (*products)[kTileColumns]) {
  const hn::ScalableTag<float> d;
  const std::size_t width = hn::Lanes(d);
  for (std::size_t column = 0; column < kTileColumns; column += 2 * width) {
    const float* packed = tile + column * kDescriptorLength;
    auto sum00 = hn::Zero(d), sum01 = sum00, sum10 = sum00, sum11 = sum00;
    auto sum20 = sum00, sum21 = sum00, sum30 = sum00, sum31 = sum00;
    for (std::size_t k = 0; k < kDescriptorLength; ++k, packed += 2 * width) {
      const auto left = hn::LoadU(d, packed);
      const auto right = hn::LoadU(d, packed + width);
      const auto row0 = hn::Set(d, rows[k]);
      const auto row1 = hn::Set(d, rows[kDescriptorLength + k]);
      const auto row2 = hn::Set(d, rows[2 * kDescriptorLength + k]);
      const auto row3 = hn::Set(d, rows[3 * kDescriptorLength + k]);
      sum00 = hn::MulAdd(row0, left, sum00);
      sum01 = hn::MulAdd(row0, right, sum01);
      sum10 = hn::MulAdd(row1, left, sum10);
      sum11 = hn::MulAdd(row1, right, sum11);
      sum20 = hn::MulAdd(row2, left, sum20);
      sum21 = hn::MulAdd(row2, right, sum21);
      sum30 = hn::MulAdd(row3, left, sum30);
      sum31 = hn::MulAdd(row3, right, sum31);
    }
    hn::StoreU(sum00, d, products[0] + column);
    hn::StoreU(sum01, d, products[0] + column + width);
    hn::StoreU(sum10, d, products[1] + column);
    hn::StoreU(sum11, d, products[1] + column + width);
    hn::StoreU(sum20, d, products[2] + column);
    hn::StoreU(sum21, d, products[2] + column + width);
    hn::StoreU(sum30, d, products[3] + column);
    hn::StoreU(sum31, d, products[3] + column + width);
  }
}

/// Shows one row's squared distances to a tile of columns, |a|² + |b|² - 2ab, to both sides.
void compare(const float* products, const float* columnNorms, float rowNorm, std::size_t row,
             std::size_t firstColumn, Nearest& ofRows, Nearest& ofColumns) {
  const hn::ScalableTag<float> d;
  const std::size_t width = hn::Lanes(d);
  const auto norm = hn::Set(d, rowNorm);
  const auto two = hn::Set(d, 2.0F);
  HWY_ALIGN float distances[kTileColumns];
  for (std::size_t column = 0; column < kTileColumns; column += width) {
    const auto sums = hn::Add(norm, hn::LoadU(d, columnNorms + column));
    const auto distance = hn::Sub(sums, hn::Mul(two, hn::LoadU(d, products + column)));
    const auto columnBounds = hn::LoadU(d, ofColumns.next.data() + firstColumn + column);
    const auto bounds = hn::Max(hn::Set(d, ofRows.next[row]), columnBounds);
    if (hn::AllFalse(d, hn::Lt(distance, bounds))) continue;
    hn::StoreU(distance, d, distances);
    for (std::size_t lane = 0; lane < width; ++lane) {
      ofRows.see(row, distances[lane], firstColumn + column + lane);
      ofColumns.see(firstColumn + column + lane, distances[lane], row);
    }
  }
}

/// Compares rows [begin, end) with one packed tile of columns.
void compareTile(const std::vector<float>& rows, const std::vector<float>& rowNorms, std::size_t begin,
                 std::size_t end, const float* tile, const float* columnNorms, std::size_t firstColumn,
                 Nearest& ofRows, Nearest& ofColumns) {
  float products[kRows][kTileColumns];
  for (std::size_t row = begin; row < end; row += kRows) {
    multiply(rows.data() + row * kDescriptorLength, tile, products);
    for (std::size_t r = 0; r < kRows; ++r) {
      compare(products[r], columnNorms, rowNorms[row + r], row + r, firstColumn, ofRows, ofColumns);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace edgesift::addon
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace edgesift::addon {

namespace {

HWY_EXPORT(lanes);
HWY_EXPORT(compareTile);

std::size_t roundUp(std::size_t value, std::size_t step) { return (value + step - 1) / step * step; }

/// Squared lengths of descriptors, then of padding up to `size`.
std::vector<float> norms(Descriptors descriptors, std::size_t size, const Cancellation& cancellation) {
  std::vector<float> result(size, kPaddingNorm);
  for (std::size_t i = 0; i < descriptors.count; ++i) {
    if (i % kRowsBetweenChecks == 0) cancellation.throwIfRequested();
    const std::uint8_t* row = descriptors.rows + i * kDescriptorLength;
    result[i] = static_cast<float>(
        std::accumulate(row, row + kDescriptorLength, 0, [](int sum, int value) { return sum + value * value; }));
  }
  return result;
}

/// Rows as floats, then zeros up to `size` rows.
std::vector<float> floatRows(Descriptors descriptors, std::size_t size, const Cancellation& cancellation) {
  std::vector<float> rows;
  rows.reserve(size * kDescriptorLength);
  for (std::size_t i = 0; i < descriptors.count; ++i) {
    if (i % kRowsBetweenChecks == 0) cancellation.throwIfRequested();
    const std::uint8_t* row = descriptors.rows + i * kDescriptorLength;
    rows.insert(rows.end(), row, row + kDescriptorLength);
  }
  rows.resize(size * kDescriptorLength);
  return rows;
}

/// The columns from `begin` on as one tile, in the order in which the kernel reads them.
void pack(Descriptors descriptors, std::size_t begin, std::size_t lanes, std::vector<float>& tile) {
  std::fill(tile.begin(), tile.end(), 0.0F);
  const std::size_t count = std::min(kTileColumns, descriptors.count - begin);
  for (std::size_t c = 0; c < count; ++c) {
    const std::uint8_t* row = descriptors.rows + (begin + c) * kDescriptorLength;
    for (std::size_t k = 0; k < kDescriptorLength; ++k) tile[packedIndex(c, k, lanes)] = row[k];
  }
}

bool isClearlyNearest(const Nearest& side, std::size_t at, double ratio) {
  return side.best[at] < ratio * ratio * side.next[at];
}

}  // namespace

std::vector<Match> mutualNeighbours(Descriptors first, Descriptors second, double ratio,
                                    const Cancellation& cancellation) {
  const std::size_t rows = roundUp(first.count, kRows);
  const std::size_t columns = roundUp(second.count, kTileColumns);
  const std::vector<float> rowNorms = norms(first, rows, cancellation);
  const std::vector<float> columnNorms = norms(second, columns, cancellation);
  const std::vector<float> floats = floatRows(first, rows, cancellation);
  std::vector<float> tile(kTileColumns * kDescriptorLength);
  Nearest ofRows(rows);
  Nearest ofColumns(columns);
  const std::size_t lanes = HWY_DYNAMIC_DISPATCH(lanes)();
  for (std::size_t column = 0; column < columns; column += kTileColumns) {
    pack(second, column, lanes, tile);
    for (std::size_t row = 0; row < rows; row += kRowsBetweenChecks) {
      cancellation.throwIfRequested();
      HWY_DYNAMIC_DISPATCH(compareTile)
      (floats, rowNorms, row, std::min(rows, row + kRowsBetweenChecks), tile.data(), columnNorms.data() + column,
       column, ofRows, ofColumns);
    }
  }

  std::vector<Match> matches;
  for (std::size_t row = 0; row < first.count; ++row) {
    const std::uint32_t column = ofRows.index[row];
    if (second.count == 0 || ofColumns.index[column] != row) continue;
    if (!isClearlyNearest(ofRows, row, ratio) || !isClearlyNearest(ofColumns, column, ratio)) continue;
    matches.push_back({static_cast<std::uint32_t>(row), column, static_cast<std::uint32_t>(ofRows.best[row])});
  }
  return matches;
}

}  // namespace edgesift::addon
#endif
