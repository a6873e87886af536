#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "edgesift/sift.hpp"

namespace edgesift::addon {

/// Borrowed SIFT descriptors: count rows of kDescriptorLength bytes.
struct Descriptors {
  const std::uint8_t* rows;
  std::size_t count;
};

struct Match {
  std::uint32_t first;            ///< row in the first image's descriptors
  std::uint32_t second;           ///< row in the second image's
  std::uint32_t squaredDistance;  ///< Euclidean, exact
};

/// Pairs that are each other's nearest neighbours and, in both directions, nearer than `ratio` times the second
/// nearest (Lowe 2004, section 7.1; that of the nearest to the second nearest distance, in (0, 1]). A tie for the
/// nearest is no match. In ascending order of `first`. Compares all with all; every instruction set gives the same.
///
/// Throws std::bad_alloc, Cancelled.
std::vector<Match> mutualNeighbours(Descriptors first, Descriptors second, double ratio,
                                    const Cancellation& cancellation);

}  // namespace edgesift::addon
