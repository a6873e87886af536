// The colours of a vehicle as one vector: statistics of blocks in a Gaussian mixture, and a soft histogram.
#pragma once

#include <vector>

#include "resampling.hpp"

namespace edgesift::vehicles {

/// L / 30, a / 15, b / 15, log of the deviation of L, 4 x, 4 y.
inline constexpr int kBlockDimensions = 6;
inline constexpr int kBlocks = 24 * 24;
inline constexpr int kHistogramBins = 7 * 9 * 9;

/// [576][6]: CIE L*a*b* (D65, sRGB) of 24 x 24 blocks of the part.
std::vector<float> colourBlocks(const RgbView& image, const Rectangle& part);

struct ColourVocabulary {
  /// [K], [K][6], [K][6].
  std::vector<float> weights;
  std::vector<float> means;
  std::vector<float> variances;

  /// Of a description, padded to a multiple of 64.
  int length() const;
};

/// Fisher vector of the blocks and the square roots of a soft histogram of 7 x 9 x 9 colours around the centre; each
/// normalised and divided by the root of 2: the dot product of two is the mean of their cosines. Not finite values in
/// the vocabulary give not finite descriptions, no worse.
std::vector<float> describeColour(const RgbView& image, const Rectangle& part, const ColourVocabulary& vocabulary);

}  // namespace edgesift::vehicles
