// Descriptors on a regular grid, at several scales: SIFT without keypoints, the flat-window variant of A. Vedaldi and
// B. Fulkerson, "VLFeat" (vl_dsift), with the square roots of R. Arandjelovic and A. Zisserman, "Three things everyone
// should know to improve object retrieval", CVPR 2012.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "edgesift/sift.hpp"

namespace edgesift {

struct DenseParameters {
  /// Sides of one of the 4 x 4 spatial bins, in pixels, one for each scale. Each 1 to 64.
  std::vector<int> binSizes = {3, 4, 6, 8, 11};
  /// Pixels between descriptors. 1 to 64.
  int step = 4;
};

/// The arrays belong to the extractor and stay valid until its next call.
struct DenseFeatures {
  std::size_t count = 0;
  /// [count][128]: 4 rows, 4 columns, 8 orientations; of L2 norm 1, or zero where the image is flat.
  const float* descriptors = nullptr;
  /// [count][2]: x, y of the descriptors' centres in pixels; the centre of the upper-left pixel is (0, 0).
  const float* xy = nullptr;
};

/// Image by image; keeps its working memory. An object serves one thread; different objects are independent.
class DenseExtractor {
 public:
  /// Longest side of an image, which bounds the memory: about 40 bytes a pixel, 600 a descriptor.
  static constexpr int kMostPixelsPerSide = 2048;

  /// Throws std::invalid_argument if the instruction set is not supported.
  explicit DenseExtractor(InstructionSet set = bestInstructionSet());
  ~DenseExtractor();
  DenseExtractor(DenseExtractor&&) noexcept;
  DenseExtractor& operator=(DenseExtractor&&) noexcept;

  /// `grey`: `height` rows of `width` floats, 0 to 255. A scale whose descriptors do not fit gives none.
  /// Throws std::invalid_argument for parameters or sides out of range, std::bad_alloc.
  DenseFeatures extract(const float* grey, int width, int height, const DenseParameters& parameters = {});

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

/// Position in a descriptor of the mirrored image (left and right exchanged) of each of the 128 values.
const int* mirroredDescriptorOrder() noexcept;

}  // namespace edgesift
