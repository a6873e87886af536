#include "opencv/two_view_geometry.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <opencv2/calib3d.hpp>
#include <opencv2/core.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "opencv/two_view_candidate.h"

namespace edgesift::addon {

namespace {

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

std::optional<ModelMatrix> runUsac(const PointPairs& pairs, TwoViewModel model, double threshold, int iterations,
                              int seed) {
  const cv::Mat first = borrow(pairs.first, pairs.count);
  const cv::Mat second = borrow(pairs.second, pairs.count);
  const cv::UsacParams usac = magsac(model, threshold, iterations, seed);
  cv::Mat mask;
  const cv::Mat found = isHomography(model) ? cv::findHomography(first, second, mask, usac)
                                            : cv::findFundamentalMat(first, second, mask, usac);
  return normalised(found, model);
}

/// How many samples it takes until one consists of inliers alone, with the wanted confidence.
double iterationsNeeded(const ModelCandidate& candidate, TwoViewModel model, double threshold) {
  const auto inliers = std::count_if(candidate.errors.begin(), candidate.errors.end(),
                                     [threshold](double error) { return error <= threshold; });
  const double share = static_cast<double>(inliers) / static_cast<double>(candidate.errors.size());
  const double sampleIsGood = std::pow(share, static_cast<double>(minimalSample(model)));
  if (sampleIsGood >= 1) return 1;
  return std::log(1 - kConfidence) / std::log1p(-sampleIsGood);
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
  ModelMatrix restored(ModelMatrix matrix) const {
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
std::optional<ModelCandidate> search(const PointPairs& pairs, TwoViewModel model, double threshold, int seed,
                                     const Cancellation& cancellation) {
  const int most = model == TwoViewModel::reflection ? kReflectionIterations : kMostIterations;
  const int perRun = std::clamp(static_cast<int>(kPairsPerRun / static_cast<double>(pairs.count)), 1, most);
  std::optional<ModelCandidate> best;
  for (int done = 0; done < most; done += perRun, seed += kSearches) {
    cancellation.throwIfRequested();
    const std::optional<ModelMatrix> found = runUsac(pairs, model, threshold, perRun, seed);
    if (found) {
      ModelCandidate candidate = judge(*found, pairs, model, threshold);
      if (!best || candidate.score > best->score) best = std::move(candidate);
    }
    if (best && iterationsNeeded(*best, model, threshold) <= done + perRun) break;
  }
  return best;
}

/// Fits to the inliers, again and again while that improves the score.
ModelCandidate polish(ModelCandidate candidate, const PointPairs& pairs, double threshold,
                      const Cancellation& cancellation) {
  for (int round = 0; round < kMostPolishing; ++round) {
    cancellation.throwIfRequested();
    const std::optional<ModelMatrix> fitted = fitInliers(pairs, candidate.errors, threshold);
    if (!fitted) break;
    ModelCandidate next = judge(*fitted, pairs, TwoViewModel::homography, threshold);
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
  std::optional<ModelCandidate> best;
  for (int seed = 0; seed < searches; ++seed) {
    const std::optional<ModelCandidate> found = search(searched.view(), model, threshold, seed, cancellation);
    if (!found) continue;
    ModelCandidate candidate = judge(searched.restored(found->matrix), pairs, model, threshold);
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
