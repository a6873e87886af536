#include "opencv/feature_order.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "engine.h"

namespace edgesift::addon {

namespace {

bool precedes(const cv::KeyPoint& a, const cv::KeyPoint& b) {
  if (a.response != b.response) return a.response > b.response;
  if (a.pt.y != b.pt.y) return a.pt.y < b.pt.y;
  if (a.pt.x != b.pt.x) return a.pt.x < b.pt.x;
  if (a.size != b.size) return a.size < b.size;
  if (a.angle != b.angle) return a.angle < b.angle;
  return a.octave < b.octave;
}

template <typename Value>
std::uint8_t* append(std::uint8_t* target, Value value) {
  static_assert(sizeof(Value) == 4, "every number of the payload has four bytes");
  std::memcpy(target, &value, sizeof(Value));
  return target + sizeof(Value);
}

}  // namespace

std::vector<std::uint32_t> featureOrder(const std::vector<cv::KeyPoint>& keypoints, int limit) {
  std::vector<std::uint32_t> order(keypoints.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return precedes(keypoints[a], keypoints[b]); });
  if (limit > 0 && order.size() > static_cast<std::size_t>(limit)) {
    order.resize(static_cast<std::size_t>(limit));
  }
  return order;
}

void writeFeatures(const std::vector<cv::KeyPoint>& keypoints, const std::vector<std::uint8_t>& descriptors,
                   const std::vector<std::uint32_t>& order, std::uint8_t* target) {
  for (const std::uint32_t i : order) {
    target = append(target, keypoints[i].pt.x);
    target = append(target, keypoints[i].pt.y);
  }
  for (const std::uint32_t i : order) target = append(target, keypoints[i].size);
  for (const std::uint32_t i : order) target = append(target, keypoints[i].angle);
  for (const std::uint32_t i : order) target = append(target, keypoints[i].response);
  for (const std::uint32_t i : order) target = append(target, static_cast<std::int32_t>(keypoints[i].octave));
  for (const std::uint32_t i : order) {
    std::memcpy(target, descriptors.data() + i * kDescriptorLength, kDescriptorLength);
    target += kDescriptorLength;
  }
}

}  // namespace edgesift::addon
