#pragma once

#include <cstddef>
#include <cstdint>

#include "edgesift/sift.hpp"

namespace edgesift::addon {

/// Whether the bytes begin with a zlib stream (RFC 1950) that ends with the right checksum and gives at most
/// `mostBytes`. libtiff looks at neither where a damaged stream gives more than it asked for. Throws Cancelled.
bool isSoundDeflateStream(const std::uint8_t* bytes, std::size_t size, std::size_t mostBytes,
                          const Cancellation& cancellation);

}  // namespace edgesift::addon
