#pragma once

#include <cstdint>
#include <vector>

namespace edgesift {

/// Places in scale space that have given a keypoint. Several candidates may be refined to the same one.
class PlaceSet {
 public:
  /// Keeps the memory.
  void clear();

  /// False if the place was there already. Rows and columns below 2^26, layers below 2^6, octaves below 2^5.
  bool insert(int octave, int layer, int row, int column);

 private:
  void grow();
  std::uint64_t& slotFor(std::uint64_t key);

  std::vector<std::uint64_t> slots_ = std::vector<std::uint64_t>(1024);
  std::size_t count_ = 0;
};

}  // namespace edgesift
