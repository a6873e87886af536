// Repeatability and matching accuracy of the engine and of cv::SIFT on an Oxford sequence (K. Mikolajczyk and
// C. Schmid, "A performance evaluation of local descriptors", PAMI 27(10), 2005): images 1.png .. 6.png and the
// homographies H_1_2 .. H_1_6 of the first to the others.
//
//   oxford folder...
//
// Prints one line of JSON per folder and engine, over the five pairs, of the 2,000 strongest keypoints. Repeatability:
// keypoints of the first image, of those that the second shows, with a keypoint within 2.5 pixels of where the
// homography takes them. Accuracy: mutual nearest neighbours with a ratio below 0.8 that are within 2.5 pixels of it.

#include <cstdio>
#include <fstream>
#include <iostream>
#include <opencv2/features2d.hpp>
#include <opencv2/imgcodecs.hpp>
#include <string>
#include <vector>

#include "edgesift/sift.hpp"

namespace {

constexpr int kFeatures = 2000;
constexpr double kTolerance = 2.5;
constexpr float kRatio = 0.8f;

struct Described {
  cv::Size size;
  std::vector<cv::Point2f> points;
  /// Floats, as cv::BFMatcher wants them.
  cv::Mat descriptors;
};

Described byEngine(const cv::Mat& grey) {
  static edgesift::Extractor extractor;
  edgesift::Parameters parameters;
  parameters.features = kFeatures;
  const edgesift::Features found =
      extractor.extract(grey.data, grey.cols, grey.rows, static_cast<std::ptrdiff_t>(grey.step[0]), parameters);
  Described result{grey.size(), {}, {}};
  for (std::size_t i = 0; i < found.count; ++i) result.points.emplace_back(found.xy[2 * i], found.xy[2 * i + 1]);
  const cv::Mat bytes(static_cast<int>(found.count), 128, CV_8U, const_cast<std::uint8_t*>(found.descriptors));
  bytes.convertTo(result.descriptors, CV_32F);
  return result;
}

Described byOpenCv(const cv::Mat& grey) {
  Described result{grey.size(), {}, {}};
  std::vector<cv::KeyPoint> keypoints;
  cv::SIFT::create(kFeatures)->detectAndCompute(grey, cv::noArray(), keypoints, result.descriptors);
  cv::KeyPoint::convert(keypoints, result.points);
  return result;
}

cv::Matx33d readHomography(const std::string& path) {
  std::ifstream file(path);
  cv::Matx33d homography;
  for (double& value : homography.val)
    if (!(file >> value)) throw std::runtime_error("cannot read " + path);
  return homography;
}

cv::Point2d projected(const cv::Matx33d& homography, cv::Point2f point) {
  const cv::Vec3d p = homography * cv::Vec3d(point.x, point.y, 1);
  return {p[0] / p[2], p[1] / p[2]};
}

struct Score {
  int shown = 0;
  int repeated = 0;
  int matches = 0;
  int correct = 0;
};

std::vector<int> nearest(const cv::Mat& from, const cv::Mat& to) {
  std::vector<std::vector<cv::DMatch>> pairs;
  cv::BFMatcher(cv::NORM_L2).knnMatch(from, to, pairs, 2);
  std::vector<int> partners(pairs.size(), -1);
  for (std::size_t i = 0; i < pairs.size(); ++i)
    if (pairs[i].size() == 2 && pairs[i][0].distance < kRatio * pairs[i][1].distance)
      partners[i] = pairs[i][0].trainIdx;
  return partners;
}

void add(const Described& first, const Described& second, const cv::Matx33d& homography, Score& score) {
  const cv::Rect2d frame(0, 0, second.size.width, second.size.height);
  const std::vector<int> forth = nearest(first.descriptors, second.descriptors);
  const std::vector<int> back = nearest(second.descriptors, first.descriptors);
  for (std::size_t i = 0; i < first.points.size(); ++i) {
    const cv::Point2d expected = projected(homography, first.points[i]);
    const auto isNear = [&](const cv::Point2f& point) {
      return cv::norm(cv::Point2d(point) - expected) <= kTolerance;
    };
    if (frame.contains(expected)) {
      ++score.shown;
      for (const cv::Point2f& point : second.points)
        if (isNear(point)) {
          ++score.repeated;
          break;
        }
    }
    const int partner = forth[i];
    if (partner < 0 || back[static_cast<std::size_t>(partner)] != static_cast<int>(i)) continue;
    ++score.matches;
    if (isNear(second.points[static_cast<std::size_t>(partner)])) ++score.correct;
  }
}

template <typename Extract>
void evaluate(const std::string& folder, const char* name, Extract extract) {
  const auto read = [&](int i) {
    const cv::Mat grey = cv::imread(folder + "/" + std::to_string(i) + ".png", cv::IMREAD_GRAYSCALE);
    if (grey.empty()) throw std::runtime_error("cannot read image " + std::to_string(i) + " of " + folder);
    return extract(grey);
  };
  const Described first = read(1);
  Score score;
  for (int i = 2; i <= 6; ++i) add(first, read(i), readHomography(folder + "/H_1_" + std::to_string(i)), score);
  std::printf("{\"folder\":\"%s\",\"engine\":\"%s\",\"repeatability\":%.5f,\"matches\":%d,\"accuracy\":%.5f}\n",
              folder.c_str(), name, static_cast<double>(score.repeated) / score.shown, score.matches,
              static_cast<double>(score.correct) / score.matches);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    for (int i = 1; i < argc; ++i) {
      evaluate(argv[i], "edgesift", byEngine);
      evaluate(argv[i], "opencv", byOpenCv);
    }
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
}
