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

constexpr double kConfidence = 0.999;
constexpr int kMostIterations = 10'000;
/// OpenCV cannot be interrupted: what it is given at a time, some 20 ms. An iteration looks at every pair.
constexpr double kPairsPerRun = 1.5e6;
/// Evenly chosen pairs that searches look at where there are more; all pairs judge what they find.
constexpr std::size_t kMostSearchedPairs = 4000;

/// A reflection is worth a short search: it finds what a third of the pairs agree with.
constexpr int kReflectionIterations = 1000;
constexpr std::size_t kReflectionPairs = 500;

constexpr bool isHomography(TwoViewModel model) { return model != TwoViewModel::fundamental; }

/// Pairs that determine a model.
constexpr std::size_t minimalSample(TwoViewModel model) { return isHomography(model) ? 4 : 7; }

/// A header over the caller's points, which are only read.
cv::Mat borrow(const float* points, std::size_t count) {
  return cv::Mat(static_cast<int>(count), 2, CV_32F, const_cast<float*>(points));
}

/// What cv::USAC_MAGSAC stands for in OpenCV 4.6, and more iterations at higher confidence.
cv::UsacParams magsac(TwoViewModel model, double threshold, int iterations, int seed) {
  const bool homography = isHomography(model);
  cv::UsacParams usac;
  usac.score = cv::SCORE_METHOD_MAGSAC;
  usac.loMethod = cv::LOCAL_OPTIM_SIGMA;
  usac.loSampleSize = homography ? 75 : 50;
  usac.loIterations = homography ? 15 : 10;
  usac.confidence = kConfidence;
  usac.maxIterations = iterations;
  usac.threshold = threshold;
  usac.randomGeneratorState = seed;
  usac.isParallel = false;
  return usac;
}

/// A model of scale 1, or nothing.
std::optional<Matrix> normalised(const cv::Mat& found, TwoViewModel model) {
  if (found.rows != 3 || found.cols != 3) return std::nullopt;
  Matrix matrix = found;
  matrix *= 1 / (isHomography(model) ? matrix(2, 2) : cv::norm(matrix));
  const bool finite = std::all_of(matrix.val, matrix.val + 9, [](double value) { return std::isfinite(value); });
  return finite ? std::optional<Matrix>(matrix) : std::nullopt;
}

std::optional<Matrix> runUsac(const PointPairs& pairs, TwoViewModel model, double threshold, int iterations,
                              int seed) {
  const cv::Mat first = borrow(pairs.first, pairs.count);
  const cv::Mat second = borrow(pairs.second, pairs.count);
  const cv::UsacParams usac = magsac(model, threshold, iterations, seed);
  cv::Mat mask;
  const cv::Mat found = isHomography(model) ? cv::findHomography(first, second, mask, usac)
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

void checkIsWanted(const Cancellation& cancellation) {
  if (cancellation.isRequested()) throw Cancelled("the geometry is not wanted any more");
}

/// How many samples it takes until one consists of inliers alone, with the wanted confidence.
double iterationsNeeded(const Candidate& candidate, TwoViewModel model, double threshold) {
  const auto inliers = std::count_if(candidate.errors.begin(), candidate.errors.end(),
                                     [threshold](double error) { return error <= threshold; });
  const double share = static_cast<double>(inliers) / static_cast<double>(candidate.errors.size());
  const double sampleIsGood = std::pow(share, static_cast<double>(minimalSample(model)));
  if (sampleIsGood >= 1) return 1;
  return std::log(1 - kConfidence) / std::log1p(-sampleIsGood);
}

/// Whether the homography turns left into right where its inliers are.
bool reflects(const Candidate& candidate, const PointPairs& pairs, double threshold) {
  const Matrix& h = candidate.matrix;
  const double determinant = cv::determinant(h);
  int balance = 0;
  for (std::size_t i = 0; i < pairs.count; ++i) {
    if (candidate.errors[i] > threshold) continue;
    const double depth = h(2, 0) * pairs.first[2 * i] + h(2, 1) * pairs.first[2 * i + 1] + h(2, 2);
    balance += determinant * depth < 0 ? 1 : -1;
  }
  return balance > 0;
}

/// Pairs of which a search looks at all: evenly chosen ones of those given. For a reflection the second points have x
/// negated: OpenCV draws few samples that reflect, and their reflection does not.
class SearchedPairs {
 public:
  SearchedPairs(const PointPairs& all, TwoViewModel model) : isReflected_(model == TwoViewModel::reflection) {
    const std::size_t count = std::min(all.count, isReflected_ ? kReflectionPairs : kMostSearchedPairs);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t from = 2 * (i * all.count / count);
      first_.insert(first_.end(), all.first + from, all.first + from + 2);
      const float x = all.second[from];
      second_.push_back(isReflected_ ? -x : x);
      second_.push_back(all.second[from + 1]);
    }
    pairs_ = {first_.data(), second_.data(), count};
  }
  SearchedPairs(const SearchedPairs&) = delete;
  SearchedPairs& operator=(const SearchedPairs&) = delete;

  const PointPairs& view() const { return pairs_; }

  /// A model of these pairs as one of the pairs that were given.
  Matrix restored(Matrix matrix) const {
    if (!isReflected_) return matrix;
    for (int column = 0; column < 3; ++column) matrix(0, column) = -matrix(0, column);
    return matrix;
  }

 private:
  bool isReflected_;
  std::vector<float> first_;
  std::vector<float> second_;
  PointPairs pairs_;
};

/// A search in runs of bounded length, until a better model is unlikely.
std::optional<Candidate> search(const PointPairs& pairs, TwoViewModel model, double threshold, int seed,
                                const Cancellation& cancellation) {
  const int most = model == TwoViewModel::reflection ? kReflectionIterations : kMostIterations;
  const int perRun = std::clamp(static_cast<int>(kPairsPerRun / static_cast<double>(pairs.count)), 1, most);
  std::optional<Candidate> best;
  for (int done = 0; done < most; done += perRun, seed += kSearches) {
    checkIsWanted(cancellation);
    const std::optional<Matrix> found = runUsac(pairs, model, threshold, perRun, seed);
    if (found) {
      Candidate candidate = judge(*found, pairs, model, threshold);
      if (!best || candidate.score > best->score) best = std::move(candidate);
    }
    if (best && iterationsNeeded(*best, model, threshold) <= done + perRun) break;
  }
  return best;
}

/// Fits to the inliers, again and again while that improves the score.
Candidate polish(Candidate candidate, const PointPairs& pairs, double threshold, const Cancellation& cancellation) {
  for (int round = 0; round < kMostPolishing; ++round) {
    checkIsWanted(cancellation);
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
  if (pairs.count < minimalSample(model)) return std::nullopt;
  const SearchedPairs searched(pairs, model);
  const bool mustReflect = model == TwoViewModel::reflection;
  const int searches = mustReflect ? 1 : kSearches;
  std::optional<Candidate> best;
  for (int seed = 0; seed < searches; ++seed) {
    const std::optional<Candidate> found = search(searched.view(), model, threshold, seed, cancellation);
    if (!found) continue;
    Candidate candidate = judge(searched.restored(found->matrix), pairs, model, threshold);
    if (isHomography(model)) {
      candidate = polish(std::move(candidate), pairs, threshold, cancellation);
      if (reflects(candidate, pairs, threshold) != mustReflect) continue;
    }
    if (!best || candidate.score > best->score) best = std::move(candidate);
  }
  if (!best) return std::nullopt;
  TwoViewGeometry geometry;
  std::copy_n(best->matrix.val, 9, geometry.matrix.begin());
  geometry.errors = std::move(best->errors);
  return geometry;
}

}  // namespace edgesift::addon
