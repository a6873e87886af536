#pragma once

#include <cstddef>
#include <cstdint>

#include "engine.h"

namespace edgesift::addon {

/// Bytes of one feature: x, y, size, angle, response (F32 each), octave (I32), descriptor (U8[128]).
constexpr std::size_t kFeatureBytes = 6 * 4 + kDescriptorLength;

/// Writes features.count * kFeatureBytes bytes: the tensors of the feature payload one after the other,
/// little-endian: xy F32[N,2], size F32[N], angle F32[N], response F32[N], octave I32[N], descriptors U8[N,128].
void writePayload(const Features& features, std::uint8_t* target);

}  // namespace edgesift::addon
