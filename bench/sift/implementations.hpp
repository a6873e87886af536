// What is compared: one interface over the engine, cv::SIFT and VLFeat.
#pragma once

#include <memory>
#include <opencv2/core.hpp>
#include <string>
#include <utility>
#include <vector>

/// One implementation of SIFT, for one thread.
class Implementation {
 public:
  virtual ~Implementation() = default;
  virtual std::string name() const = 0;
  /// Extracts keypoints and descriptors with default parameters; returns the number of keypoints.
  virtual std::size_t extract(const cv::Mat& grey) = 0;
  /// Milliseconds of each stage for one image. Where an implementation reports none, each stage is run by itself.
  virtual std::vector<std::pair<std::string, double>> stages(const cv::Mat& grey) = 0;
};

/// "opencv", "vlfeat", "avx512", "avx2", "neon" or "portable"; null if it is not available here.
std::unique_ptr<Implementation> makeImplementation(const std::string& name);
