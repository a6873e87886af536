#include "payload.h"

#include <cstring>

namespace edgesift::addon {

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the payload is little-endian; this machine is not"
#endif

namespace {

template <typename Value>
std::uint8_t* append(std::uint8_t* target, Value value) {
  static_assert(sizeof(Value) == 4, "every number of the payload has four bytes");
  std::memcpy(target, &value, sizeof(Value));
  return target + sizeof(Value);
}

}  // namespace

void writePayload(const Features& features, const std::vector<std::uint32_t>& order, std::uint8_t* target) {
  const std::vector<Keypoint>& keypoints = features.keypoints;
  for (const std::uint32_t i : order) {
    target = append(target, keypoints[i].x);
    target = append(target, keypoints[i].y);
  }
  for (const std::uint32_t i : order) target = append(target, keypoints[i].size);
  for (const std::uint32_t i : order) target = append(target, keypoints[i].angle);
  for (const std::uint32_t i : order) target = append(target, keypoints[i].response);
  for (const std::uint32_t i : order) target = append(target, keypoints[i].octave);
  for (const std::uint32_t i : order) {
    std::memcpy(target, features.descriptors.data() + i * kDescriptorLength, kDescriptorLength);
    target += kDescriptorLength;
  }
}

}  // namespace edgesift::addon
