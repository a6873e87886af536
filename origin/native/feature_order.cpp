#include "feature_order.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace edgesift::addon {

namespace {

bool precedes(const Keypoint& a, const Keypoint& b) {
  if (a.response != b.response) return a.response > b.response;
  if (a.y != b.y) return a.y < b.y;
  if (a.x != b.x) return a.x < b.x;
  if (a.size != b.size) return a.size < b.size;
  if (a.angle != b.angle) return a.angle < b.angle;
  return a.octave < b.octave;
}

}  // namespace

std::vector<std::uint32_t> orderFeatures(const std::vector<Keypoint>& keypoints, int limit) {
  std::vector<std::uint32_t> order(keypoints.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return precedes(keypoints[a], keypoints[b]); });
  if (limit > 0 && order.size() > static_cast<std::size_t>(limit)) {
    order.resize(static_cast<std::size_t>(limit));
  }
  return order;
}

}  // namespace edgesift::addon
