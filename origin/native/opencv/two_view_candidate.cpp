#include "opencv/two_view_candidate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <opencv2/calib3d.hpp>
#include <utility>

namespace edgesift::addon {

namespace {

double transferError(const ModelMatrix& homography, const cv::Vec3d& first, const cv::Vec3d& second) {
  const cv::Vec3d mapped = homography * first;
  return std::hypot(mapped[0] / mapped[2] - second[0], mapped[1] / mapped[2] - second[1]);
}

double sampsonError(const ModelMatrix& fundamental, const cv::Vec3d& first, const cv::Vec3d& second) {
  const cv::Vec3d inSecond = fundamental * first;
  const cv::Vec3d inFirst = fundamental.t() * second;
  const double gradient = inSecond[0] * inSecond[0] + inSecond[1] * inSecond[1] + inFirst[0] * inFirst[0] +
                          inFirst[1] * inFirst[1];
  return std::abs(second.dot(inSecond)) / std::sqrt(gradient);
}

std::vector<double> errorsOf(const ModelMatrix& matrix, const PointPairs& pairs, TwoViewModel model) {
  std::vector<double> errors;
  errors.reserve(pairs.count);
  for (std::size_t i = 0; i < pairs.count; ++i) {
    const cv::Vec3d first(pairs.first[2 * i], pairs.first[2 * i + 1], 1);
    const cv::Vec3d second(pairs.second[2 * i], pairs.second[2 * i + 1], 1);
    const auto errorOf = isHomography(model) ? transferError : sampsonError;
    const double error = errorOf(matrix, first, second);
    errors.push_back(std::isnan(error) ? std::numeric_limits<double>::infinity() : error);
  }
  return errors;
}

/// MSAC (Torr and Zisserman, 2000): what the pairs within the threshold lack in error, squared and summed.
double scoreOf(const std::vector<double>& errors, double threshold) {
  return std::accumulate(errors.begin(), errors.end(), 0.0, [threshold](double sum, double error) {
    return error < threshold ? sum + 1 - (error * error) / (threshold * threshold) : sum;
  });
}

}  // namespace

std::optional<ModelMatrix> normalised(const cv::Mat& found, TwoViewModel model) {
  if (found.rows != 3 || found.cols != 3) return std::nullopt;
  ModelMatrix matrix = found;
  matrix *= 1 / (isHomography(model) ? matrix(2, 2) : cv::norm(matrix));
  const bool finite = std::all_of(matrix.val, matrix.val + 9, [](double value) { return std::isfinite(value); });
  return finite ? std::optional<ModelMatrix>(matrix) : std::nullopt;
}

ModelCandidate judge(const ModelMatrix& matrix, const PointPairs& pairs, TwoViewModel model, double threshold) {
  std::vector<double> errors = errorsOf(matrix, pairs, model);
  const double score = scoreOf(errors, threshold);
  return {matrix, std::move(errors), score};
}

std::optional<ModelMatrix> fitInliers(const PointPairs& pairs, const std::vector<double>& errors, double threshold) {
  std::vector<cv::Point2f> first;
  std::vector<cv::Point2f> second;
  for (std::size_t i = 0; i < pairs.count; ++i) {
    if (errors[i] > threshold) continue;
    first.emplace_back(pairs.first[2 * i], pairs.first[2 * i + 1]);
    second.emplace_back(pairs.second[2 * i], pairs.second[2 * i + 1]);
  }
  if (first.size() < 4) return std::nullopt;
  return normalised(cv::findHomography(first, second, 0), TwoViewModel::homography);
}

bool reflects(const ModelCandidate& candidate, const PointPairs& pairs, double threshold) {
  const ModelMatrix& h = candidate.matrix;
  const double determinant = cv::determinant(h);
  int balance = 0;
  for (std::size_t i = 0; i < pairs.count; ++i) {
    if (candidate.errors[i] > threshold) continue;
    const double depth = h(2, 0) * pairs.first[2 * i] + h(2, 1) * pairs.first[2 * i + 1] + h(2, 2);
    balance += determinant * depth < 0 ? 1 : -1;
  }
  return balance > 0;
}

}  // namespace edgesift::addon
