#pragma once

#include <cstdint>

#include "engine.h"

namespace edgesift::addon {

/// Writes width * height bytes, bit for bit those of OpenCV's BGR2GRAY since 4.0: 0.299 R + 0.587 G + 0.114 B
/// (ITU-R BT.601) with weights of 15 bits, rounded to the nearest. One channel is copied.
void writeGrey(const Image& image, std::uint8_t* target);

}  // namespace edgesift::addon
