#include "keypoint_store.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>
#include <tuple>

namespace edgesift {
namespace {

/// Numbers that order non-negative floats descending.
std::uint32_t descendingKey(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return ~bits;
}

}  // namespace

void KeypointStore::clear(int limit, int most) {
  count_ = 0;
  limit_ = static_cast<std::size_t>(limit);
  const auto selected = static_cast<std::size_t>(most);
  const bool selectsAll = limit == 0 || limit > most;
  capacity_ = most == 0 ? std::numeric_limits<std::size_t>::max() : selectsAll ? selected : 2 * selected;
  highest_.clear();
}

bool KeypointStore::isWanted(float response) const noexcept {
  return limit_ == 0 || highest_.size() < limit_ || response >= highest_.front();
}

std::uint8_t* KeypointStore::add(const Keypoint& keypoint) {
  if (count_ == capacity_) throw TooManyKeypoints("more keypoints than may be selected, or selected from");
  if (limit_ != 0) {
    if (highest_.size() == limit_) {
      std::pop_heap(highest_.begin(), highest_.end(), std::greater<>());
      highest_.pop_back();
    }
    highest_.push_back(keypoint.response);
    std::push_heap(highest_.begin(), highest_.end(), std::greater<>());
  }
  if (count_ / kBlock == blocks_.size()) blocks_.push_back(std::make_unique<Block>());
  Block& block = *blocks_[count_ / kBlock];
  block.keypoints[count_ % kBlock] = keypoint;
  return block.descriptors[count_++ % kBlock].data();
}

void KeypointStore::order() {
  order_.resize(count_);
  for (std::size_t i = 0; i < count_; ++i)
    order_[i] = (std::uint64_t{descendingKey(keypoint(i).response)} << 32) | i;
  std::sort(order_.begin(), order_.end());

  const auto rest = [this](std::uint64_t entry) {
    const Keypoint& k = keypoint(entry & 0xffffffff);
    return std::tie(k.y, k.x, k.size, k.angle, k.octave);
  };
  for (auto begin = order_.begin(); begin != order_.end();) {
    auto end = begin + 1;
    while (end != order_.end() && *end >> 32 == *begin >> 32) ++end;
    if (end - begin > 1)
      std::sort(begin, end, [&](std::uint64_t a, std::uint64_t b) { return rest(a) < rest(b); });
    begin = end;
  }
}

Features KeypointStore::select() {
  order();
  const std::size_t count = limit_ == 0 ? count_ : std::min(count_, limit_);
  xy_.resize(2 * count);
  size_.resize(count);
  angle_.resize(count);
  response_.resize(count);
  octave_.resize(count);
  descriptors_.resize(kDescriptorSize * count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t from = order_[i] & 0xffffffff;
    const Keypoint& k = keypoint(from);
    xy_[2 * i] = k.x;
    xy_[2 * i + 1] = k.y;
    size_[i] = k.size;
    angle_[i] = k.angle;
    response_[i] = k.response;
    octave_[i] = k.octave;
    const Descriptor& descriptor = blocks_[from / kBlock]->descriptors[from % kBlock];
    std::memcpy(&descriptors_[kDescriptorSize * i], descriptor.data(), kDescriptorSize);
  }
  Features features;
  features.count = count;
  features.found = count_;
  features.xy = xy_.data();
  features.size = size_.data();
  features.angle = angle_.data();
  features.response = response_.data();
  features.octave = octave_.data();
  features.descriptors = descriptors_.data();
  return features;
}

}  // namespace edgesift
