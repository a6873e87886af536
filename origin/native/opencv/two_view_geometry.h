#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "edgesift/sift.hpp"

namespace edgesift::addon {

/// Borrowed points: x, y pairs in pixels, `count` of them; point i of one image belongs to point i of the other.
struct PointPairs {
  const float* first;
  const float* second;
  std::size_t count;
};

/// A homography that keeps left and right, as the images of a plane seen from one side do; one that exchanges them, as
/// of a mirrored image; a fundamental matrix.
enum class TwoViewModel { homography, reflection, fundamental };

/// How two images relate.
struct TwoViewGeometry {
  /// Row-major. A homography or reflection maps the first image's points to the second's, its last element is 1; a
  /// fundamental matrix F has x2ᵀ F x1 = 0, its Frobenius norm is 1.
  std::array<double, 9> matrix;
  /// Of every pair, in pixels. Homography: distance from the mapped first point to the second one. Fundamental matrix:
  /// square root of the Sampson distance (Hartley and Zisserman, Multiple View Geometry, 11.4.3).
  std::vector<double> errors;
};

/// Estimates the geometry that most pairs agree on: the best of several searches by OpenCV's USAC with MAGSAC++
/// scoring (Barath et al., CVPR 2020), a homography fitted to its inliers. The seeds are fixed, so that equal pairs
/// give equal results.
///
/// `threshold` is the largest error, in pixels, that a pair in agreement may have. Nothing is returned when no model
/// is found, and for fewer pairs than determine one (4, or 7). Throws Cancelled within some 50 ms of the request.
std::optional<TwoViewGeometry> estimateGeometry(const PointPairs& pairs, TwoViewModel model, double threshold,
                                                const Cancellation& cancellation);

}  // namespace edgesift::addon
