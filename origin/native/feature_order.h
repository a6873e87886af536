#pragma once

#include <cstdint>
#include <vector>

#include "engine.h"

namespace edgesift::addon {

/// Indices of the keypoints in the order of a result, at most `limit` of them (0: all).
///
/// OpenCV collects keypoints from threads, so its own order is not defined. Ours is total: response
/// descending, then y, x, size, angle, octave ascending, all compared by value. Keypoints equal in all six
/// have equal descriptors, so their order cannot be seen. The cut comes after the sort because
/// cv::KeyPointsFilter::retainBest keeps every keypoint that ties with the weakest one retained.
std::vector<std::uint32_t> orderFeatures(const std::vector<Keypoint>& keypoints, int limit);

}  // namespace edgesift::addon
