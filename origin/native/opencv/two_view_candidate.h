#pragma once

#include <cstddef>
#include <opencv2/core.hpp>
#include <optional>
#include <vector>

#include "opencv/two_view_geometry.h"

namespace edgesift::addon {

using ModelMatrix = cv::Matx33d;

constexpr bool isHomography(TwoViewModel model) { return model != TwoViewModel::fundamental; }

/// What OpenCV found as a model of scale 1, or nothing.
std::optional<ModelMatrix> normalised(const cv::Mat& found, TwoViewModel model);

/// A model with what it is judged by.
struct ModelCandidate {
  ModelMatrix matrix;
  std::vector<double> errors;
  double score;
};

ModelCandidate judge(const ModelMatrix& matrix, const PointPairs& pairs, TwoViewModel model, double threshold);

/// The least-squares homography of the pairs within the threshold.
std::optional<ModelMatrix> fitInliers(const PointPairs& pairs, const std::vector<double>& errors, double threshold);

/// Whether the homography turns left into right where its inliers are.
bool reflects(const ModelCandidate& candidate, const PointPairs& pairs, double threshold);

}  // namespace edgesift::addon
