#include "place_set.hpp"

#include <algorithm>

namespace edgesift {

void PlaceSet::clear() {
  if (count_ != 0) std::fill(slots_.begin(), slots_.end(), 0);
  count_ = 0;
}

bool PlaceSet::insert(int octave, int layer, int row, int column) {
  if (4 * (count_ + 1) > 3 * slots_.size()) grow();
  std::uint64_t key = static_cast<std::uint64_t>(octave) << 6 | static_cast<std::uint64_t>(layer);
  key = (key << 26 | static_cast<std::uint64_t>(row)) << 26 | static_cast<std::uint64_t>(column);
  // Layers count from 1, so no key is 0, the mark of an empty slot.
  std::uint64_t& slot = slotFor(key);
  if (slot == key) return false;
  slot = key;
  ++count_;
  return true;
}

std::uint64_t& PlaceSet::slotFor(std::uint64_t key) {
  // Multiplicative hashing (D. Knuth, "The Art of Computer Programming", volume 3, section 6.4).
  std::size_t i = (key * 0x9e3779b97f4a7c15u) >> 40;
  for (;; ++i) {
    std::uint64_t& slot = slots_[i & (slots_.size() - 1)];
    if (slot == 0 || slot == key) return slot;
  }
}

void PlaceSet::grow() {
  std::vector<std::uint64_t> old(2 * slots_.size());
  old.swap(slots_);
  for (const std::uint64_t key : old)
    if (key != 0) slotFor(key) = key;
}

}  // namespace edgesift
