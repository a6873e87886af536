#pragma once

#include <cstddef>
#include <opencv2/core.hpp>
#include <optional>
#include <vector>

#include "opencv/two_view_geometry.h"

namespace edgesift::addon {

using Matrix = cv::Matx33d;

constexpr bool isHomography(TwoViewModel model) { return model != TwoViewModel::fundamental; }

/// Pairs that determine a model.
constexpr std::size_t minimalSample(TwoViewModel model) { return isHomography(model) ? 4 : 7; }

/// What OpenCV found as a model of scale 1, or nothing.
std::optional<Matrix> normalised(const cv::Mat& found, TwoViewModel model);

/// A model with what it is judged by.
struct ModelCandidate {
  Matrix matrix;
  std::vector<double> errors;
  double score;
};

ModelCandidate judge(const Matrix& matrix, const PointPairs& pairs, TwoViewModel model, double threshold);

/// The least-squares homography of the pairs within the threshold.
std::optional<Matrix> fitInliers(const PointPairs& pairs, const std::vector<double>& errors, double threshold);

/// Whether the homography turns left into right where its inliers are.
bool reflects(const ModelCandidate& candidate, const PointPairs& pairs, double threshold);

}  // namespace edgesift::addon
