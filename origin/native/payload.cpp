#include "payload.h"

#include <cstring>

namespace edgesift::addon {

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the payload is little-endian; this machine is not"
#endif

namespace {

template <typename Value>
std::uint8_t* append(std::uint8_t* target, const Value* values, std::size_t count) {
  if (count > 0) std::memcpy(target, values, count * sizeof(Value));
  return target + count * sizeof(Value);
}

}  // namespace

void writePayload(const Features& features, std::uint8_t* target) {
  const std::size_t count = features.count;
  target = append(target, features.xy, 2 * count);
  target = append(target, features.size, count);
  target = append(target, features.angle, count);
  target = append(target, features.response, count);
  target = append(target, features.octave, count);
  append(target, features.descriptors, count * kDescriptorLength);
}

}  // namespace edgesift::addon
