#include "description.hpp"

#include <algorithm>
#include <cmath>

#include "elementary.hpp"
#include "keypoint_geometry.hpp"

namespace edgesift {
namespace {

/// Orientations a keypoint may get: peaks of at least this part of the highest (Lowe 2004, section 5).
constexpr float kPeakRatio = 0.8f;
constexpr float kAngleEpsilon = 1.1920929e-7f;
/// Of each pixel that is looked at.
constexpr double kOperationsPerSample = 20;

/// Pixels around the keypoint that are visited, no more than the level has in any direction.
int visitedRadius(const LevelView& level, float scale) noexcept {
  const double diagonal = std::sqrt(static_cast<double>(level.columns) * level.columns +
                                    static_cast<double>(level.rows) * level.rows);
  return std::min(descriptorRadius(scale), static_cast<int>(diagonal));
}

}  // namespace

Description::Description(const ScalePlan& plan, const Kernels& kernels)
    : plan_(plan),
      kernels_(kernels),
      weights_(static_cast<std::size_t>(2 * plan.neighbourhood + 1 + 2 * kRowQuantum)) {}

void Description::prefetch(const LevelView& level, const RefinedPoint& point) const {
  constexpr int kFloatsPerLine = 16;
  const int reach = plan_.reach[point.layer];
  const int top = std::max(point.row - reach, 0);
  const int bottom = std::min(point.row + reach, level.rows - 1);
  for (int y = top; y <= bottom; ++y) {
    const float* row = level.row(y);
    for (int x = point.column - reach; x <= point.column + reach + kFloatsPerLine; x += kFloatsPerLine)
      __builtin_prefetch(row + x);
  }
}

Orientations Description::orientations(const LevelView& level, const RefinedPoint& point, float scale,
                                       float* scratch) {
  const float sigma = orientationSigma(scale);
  const int radius = orientationRadius(scale);
  gaussianWeights(1 / (2.0 * sigma * sigma), radius, weights_.data());
  // The first and last bin once more at either end: the histogram is a circle.
  float circle[kOrientationBins + 2];
  float* histogram = circle + 1;
  kernels_.orientationHistogram(level, {point.row, point.column, radius, weights_.data()}, scratch, histogram);
  circle[0] = histogram[kOrientationBins - 1];
  histogram[kOrientationBins] = histogram[0];

  float highest = histogram[0];
  for (int i = 1; i < kOrientationBins; ++i) highest = std::max(highest, histogram[i]);
  const float least = highest * kPeakRatio;
  Orientations result;
  for (int i = 0; i < kOrientationBins; ++i) {
    const float before = histogram[i - 1];
    const float after = histogram[i + 1];
    const float peak = histogram[i];
    if (!(peak >= least && peak > before && peak > after)) continue;
    // Extremum of the parabola through the peak and its neighbours.
    float bin = static_cast<float>(i) + 0.5f * (before - after) / (before - 2 * peak + after);
    if (bin < 0) bin += kOrientationBins;
    if (bin >= kOrientationBins) bin -= kOrientationBins;
    const float angle = 360.0f - (360.0f / kOrientationBins) * bin;
    result.angles[result.count++] = std::abs(angle - 360.0f) < kAngleEpsilon ? 0 : angle;
  }
  return result;
}

double Description::orientationOperations(float scale) const noexcept {
  const double side = 2.0 * orientationRadius(scale) + 1;
  return kOperationsPerSample * side * side;
}

double Description::operations(const LevelView& level, float scale) const noexcept {
  const double side = 2.0 * visitedRadius(level, scale) + 1;
  return kOperationsPerSample * side * side;
}

void Description::describe(const LevelView& level, const RefinedPoint& point, float scale, float angle,
                           float* scratch, std::uint8_t* descriptor) {
  constexpr float kRadiansPerDegree = static_cast<float>(3.14159265358979323846 / 180);
  const float width = histogramWidth(scale);
  float turned = 360.0f - angle;
  if (std::abs(turned - 360.0f) < kAngleEpsilon) turned = 0;
  const SineCosine direction = sineCosine(turned * kRadiansPerDegree);

  DescriptorFrame frame;
  frame.row = roundToEven(static_cast<float>(point.row) + point.rowOffset);
  frame.column = roundToEven(static_cast<float>(point.column) + point.columnOffset);
  frame.radius = visitedRadius(level, scale);
  frame.angle = turned;
  frame.cosine = static_cast<float>(direction.cosine) / width;
  frame.sine = static_cast<float>(direction.sine) / width;
  // The Gaussian's deviation is half the descriptor's width of four histograms (Lowe 2004, section 6.1).
  gaussianWeights(1 / (8.0 * width * width), frame.radius, weights_.data());
  frame.weights = weights_.data();
  kernels_.describe(level, frame, scratch, descriptor);
}

}  // namespace edgesift
