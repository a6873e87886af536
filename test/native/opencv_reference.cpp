// Prints what cv::SIFT gives for raw grey pixels, in OpenCV's own order, with nothing of the addon's code.
//
// usage: opencv_reference WIDTH HEIGHT NFEATURES OCTAVE_LAYERS CONTRAST EDGE SIGMA < pixels > features
// Each feature: x, y, size, angle, response (float), octave (int32), 128 descriptor values (float).

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <opencv2/core.hpp>
#if __has_include(<opencv2/features.hpp>)
#include <opencv2/features.hpp>
#else
#include <opencv2/features2d.hpp>
#endif
#include <vector>

int main(int argumentCount, char** arguments) {
  if (argumentCount != 8) {
    std::cerr << "seven arguments are needed\n";
    return 2;
  }
  cv::Mat grey(std::atoi(arguments[2]), std::atoi(arguments[1]), CV_8UC1);
  std::cin.read(reinterpret_cast<char*>(grey.data), static_cast<std::streamsize>(grey.total()));
  if (!std::cin) {
    std::cerr << "too few pixels\n";
    return 2;
  }

  std::vector<cv::KeyPoint> keypoints;
  cv::Mat descriptors;
  cv::SIFT::create(std::atoi(arguments[3]), std::atoi(arguments[4]), std::atof(arguments[5]),
                   std::atof(arguments[6]), std::atof(arguments[7]))
      ->detectAndCompute(grey, cv::noArray(), keypoints, descriptors);

  for (std::size_t i = 0; i < keypoints.size(); ++i) {
    const cv::KeyPoint& keypoint = keypoints[i];
    const float values[] = {keypoint.pt.x, keypoint.pt.y, keypoint.size, keypoint.angle, keypoint.response};
    const auto octave = static_cast<std::int32_t>(keypoint.octave);
    std::cout.write(reinterpret_cast<const char*>(values), sizeof(values));
    std::cout.write(reinterpret_cast<const char*>(&octave), sizeof(octave));
    std::cout.write(reinterpret_cast<const char*>(descriptors.ptr<float>(static_cast<int>(i))),
                    128 * sizeof(float));
  }
  return 0;
}
