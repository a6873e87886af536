#pragma once

#include <cstddef>
#include <cstdint>
#include <opencv2/core/types.hpp>
#include <vector>

namespace edgesift::addon {

/// Indices of the keypoints in the order of a result, at most `limit` of them (0: all).
///
/// OpenCV collects keypoints from threads, so its own order is not defined. Ours is total: response
/// descending, then y, x, size, angle, octave ascending, all compared by value. Keypoints equal in all six
/// have equal descriptors, so their order cannot be seen. The cut comes after the sort because
/// cv::KeyPointsFilter::retainBest keeps every keypoint that ties with the weakest one retained.
std::vector<std::uint32_t> featureOrder(const std::vector<cv::KeyPoint>& keypoints, int limit);

/// Writes the payload (payload.h) of the features at these indices. `descriptors` has kDescriptorLength bytes for each
/// keypoint.
void writeFeatures(const std::vector<cv::KeyPoint>& keypoints, const std::vector<std::uint8_t>& descriptors,
                   const std::vector<std::uint32_t>& order, std::uint8_t* target);

}  // namespace edgesift::addon
