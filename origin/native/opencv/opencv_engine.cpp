#include "opencv/opencv_engine.h"

#include <cmath>
#include <cstddef>
#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>
#include <opencv2/imgproc.hpp>
#if __has_include(<opencv2/features.hpp>)
#include <opencv2/features.hpp>  // OpenCV 5
#else
#include <opencv2/features2d.hpp>
#endif
#include <stdexcept>
#include <string>
#include <vector>

#include "opencv/dispatch_level.h"
#include "opencv/feature_order.h"
#include "opencv/job_memory.h"

namespace edgesift::addon {

namespace {

/// A header over the caller's pixels. OpenCV has no type for constant pixels; everything here only reads.
cv::Mat borrow(const Image& image) {
  return cv::Mat(image.height, image.width, image.channels == 3 ? CV_8UC3 : CV_8UC1,
                 const_cast<std::uint8_t*>(image.pixels));
}

cv::Mat greyOf(const Image& image) {
  const cv::Mat pixels = borrow(image);
  if (image.channels == 1) return pixels;
  // The same weights as BGR2GRAY on pixels in the order B, G, R.
  cv::Mat grey;
  cv::cvtColor(pixels, grey, cv::COLOR_RGB2GRAY);
  return grey;
}

/// OpenCV stores descriptors as integers 0..255 in floats; a byte holds them without loss.
std::vector<std::uint8_t> toBytes(const cv::Mat& descriptors) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(descriptors.total());
  for (int row = 0; row < descriptors.rows; ++row) {
    const float* values = descriptors.ptr<float>(row);
    for (int column = 0; column < descriptors.cols; ++column) {
      const float value = values[column];
      if (!(value >= 0.0F && value <= 255.0F) || std::floor(value) != value) {
        throw std::logic_error("a SIFT descriptor of OpenCV is not made of integers from 0 to 255");
      }
      bytes.push_back(static_cast<std::uint8_t>(value));
    }
  }
  return bytes;
}

}  // namespace

OpenCvEngine::OpenCvEngine() {
  cv::setNumThreads(1);
}

std::string OpenCvEngine::name() const {
  return "opencv-sift";
}

std::string OpenCvEngine::version() const {
  return cv::getVersionString() + "-" + dispatchLevel(cv::getCPUFeaturesLine());
}

void OpenCvEngine::extract(const Image& image, const SiftParameters& parameters, const Limits& limits,
                           const PayloadMemory& memory) const {
  const JobMemory jobMemory;
  // It cannot be interrupted.
  limits.cancellation.throwIfRequested();
  const cv::Ptr<cv::SIFT> sift =
      cv::SIFT::create(parameters.nfeatures, parameters.octaveLayers, parameters.contrastThreshold,
                       parameters.edgeThreshold, parameters.sigma);
  std::vector<cv::KeyPoint> keypoints;
  cv::Mat descriptors;
  sift->detectAndCompute(greyOf(image), cv::noArray(), keypoints, descriptors);

  const bool isCut = parameters.nfeatures > 0 && parameters.nfeatures <= limits.mostKeypoints;
  if (limits.mostKeypoints > 0 && !isCut && keypoints.size() > static_cast<std::size_t>(limits.mostKeypoints)) {
    throw TooManyKeypoints("more keypoints than the caller takes");
  }

  const std::vector<std::uint8_t> rows = toBytes(descriptors);
  if (rows.size() != keypoints.size() * kDescriptorLength) {
    throw std::logic_error("OpenCV returned another number of descriptors than of keypoints");
  }
  const std::vector<std::uint32_t> order = featureOrder(keypoints, parameters.nfeatures);
  writeFeatures(keypoints, rows, order, memory(order.size()));
}

std::vector<std::uint8_t> OpenCvEngine::grey(const Image& image) const {
  const cv::Mat grey = greyOf(image);
  return std::vector<std::uint8_t>(grey.ptr<std::uint8_t>(), grey.ptr<std::uint8_t>() + grey.total());
}

}  // namespace edgesift::addon
