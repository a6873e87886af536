#include "opencv/two_view_geometry.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <opencv2/calib3d.hpp>
#include <opencv2/core.hpp>
#include <optional>
#include <utility>
#include <vector>

namespace edgesift::addon {

namespace {

using Matrix = cv::Matx33d;

// USAC stops at the first model that is likely good enough, which may be one bent between two planes. Searching with
// several seeds, a millisecond each, and comparing what they find gives the dominant plane.
constexpr int kSearches = 8;
constexpr int kMostPolishing = 10;

/// A header over the caller's points, which are only read.
cv::Mat borrow(const float* points, std::size_t count) {
  return cv::Mat(static_cast<int>(count), 2, CV_32F, const_cast<float*>(points));
}

/// What cv::USAC_MAGSAC stands for in OpenCV 4.6, and more iterations at higher confidence.
cv::UsacParams magsac(TwoViewModel model, double threshold, int seed) {
  const bool homography = model == TwoViewModel::homography;
  cv::UsacParams usac;
  usac.score = cv::SCORE_METHOD_MAGSAC;
  usac.loMethod = cv::LOCAL_OPTIM_SIGMA;
  usac.loSampleSize = homography ? 75 : 50;
  usac.loIterations = homography ? 15 : 10;
  usac.confidence = 0.999;
  usac.maxIterations = 10'000;
  usac.threshold = threshold;
  usac.randomGeneratorState = seed;
  usac.isParallel = false;
  return usac;
}

/// A model of scale 1, or nothing.
std::optional<Matrix> normalised(const cv::Mat& found, TwoViewModel model) {
  if (found.rows != 3 || found.cols != 3) return std::nullopt;
  Matrix matrix = found;
  matrix *= 1 / (model == TwoViewModel::homography ? matrix(2, 2) : cv::norm(matrix));
  const bool finite = std::all_of(matrix.val, matrix.val + 9, [](double value) { return std::isfinite(value); });
  return finite ? std::optional<Matrix>(matrix) : std::nullopt;
}

std::optional<Matrix> search(const PointPairs& pairs, TwoViewModel model, double threshold, int seed) {
  const cv::Mat first = borrow(pairs.first, pairs.count);
  const cv::Mat second = borrow(pairs.second, pairs.count);
  const cv::UsacParams usac = magsac(model, threshold, seed);
  cv::Mat mask;
  const cv::Mat found = model == TwoViewModel::homography ? cv::findHomography(first, second, mask, usac)
                                                          : cv::findFundamentalMat(first, second, mask, usac);
  return normalised(found, model);
}

double transferError(const Matrix& homography, const cv::Vec3d& first, const cv::Vec3d& second) {
  const cv::Vec3d mapped = homography * first;
  return std::hypot(mapped[0] / mapped[2] - second[0], mapped[1] / mapped[2] - second[1]);
}

double sampsonError(const Matrix& fundamental, const cv::Vec3d& first, const cv::Vec3d& second) {
  const cv::Vec3d inSecond = fundamental * first;
  const cv::Vec3d inFirst = fundamental.t() * second;
  const double gradient = inSecond[0] * inSecond[0] + inSecond[1] * inSecond[1] + inFirst[0] * inFirst[0] +
                          inFirst[1] * inFirst[1];
  return std::abs(second.dot(inSecond)) / std::sqrt(gradient);
}

std::vector<double> errorsOf(const Matrix& matrix, const PointPairs& pairs, TwoViewModel model) {
  std::vector<double> errors;
  errors.reserve(pairs.count);
  for (std::size_t i = 0; i < pairs.count; ++i) {
    const cv::Vec3d first(pairs.first[2 * i], pairs.first[2 * i + 1], 1);
    const cv::Vec3d second(pairs.second[2 * i], pairs.second[2 * i + 1], 1);
    const auto errorOf = model == TwoViewModel::homography ? transferError : sampsonError;
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

/// The least-squares homography of the pairs within the threshold.
std::optional<Matrix> fitInliers(const PointPairs& pairs, const std::vector<double>& errors, double threshold) {
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

/// A model with what it is judged by.
struct Candidate {
  Matrix matrix;
  std::vector<double> errors;
  double score;
};

Candidate judge(const Matrix& matrix, const PointPairs& pairs, TwoViewModel model, double threshold) {
  std::vector<double> errors = errorsOf(matrix, pairs, model);
  const double score = scoreOf(errors, threshold);
  return {matrix, std::move(errors), score};
}

/// Fits to the inliers, again and again while that improves the score.
Candidate polish(Candidate candidate, const PointPairs& pairs, double threshold) {
  for (int round = 0; round < kMostPolishing; ++round) {
    const std::optional<Matrix> fitted = fitInliers(pairs, candidate.errors, threshold);
    if (!fitted) break;
    Candidate next = judge(*fitted, pairs, TwoViewModel::homography, threshold);
    if (next.score <= candidate.score) break;
    candidate = std::move(next);
  }
  return candidate;
}

}  // namespace

std::optional<TwoViewGeometry> estimateGeometry(const PointPairs& pairs, TwoViewModel model, double threshold,
                                                const Cancellation& cancellation) {
  if (pairs.count < (model == TwoViewModel::homography ? 4 : 7)) return std::nullopt;
  std::optional<Candidate> best;
  for (int seed = 0; seed < kSearches; ++seed) {
    if (cancellation.isRequested()) throw Cancelled("the geometry is not wanted any more");
    const std::optional<Matrix> found = search(pairs, model, threshold, seed);
    if (!found) continue;
    Candidate candidate = judge(*found, pairs, model, threshold);
    if (model == TwoViewModel::homography) candidate = polish(std::move(candidate), pairs, threshold);
    if (!best || candidate.score > best->score) best = std::move(candidate);
  }
  if (!best) return std::nullopt;
  TwoViewGeometry geometry;
  std::copy_n(best->matrix.val, 9, geometry.matrix.begin());
  geometry.errors = std::move(best->errors);
  return geometry;
}

}  // namespace edgesift::addon
