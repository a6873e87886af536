#include "scale_plan.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "elementary.hpp"
#include "kernels.hpp"
#include "keypoint_geometry.hpp"

namespace edgesift {
namespace {

/// Rows and columns a refinement may walk without leaving what is held.
constexpr int kWalkSlack = 7;
/// Of so wide a band, what a descriptor of each layer looks at fits into a second-level cache of 2 MiB.
constexpr int kBandColumns = 1024;
/// A band is this many times as wide as what it needs of each neighbour, so that little of it is made twice.
constexpr int kBandPerLead = 8;

/// Of each pixel of each layer.
constexpr double kScanOperations = 15;

int roundUp(int value, int quantum) { return (value + quantum - 1) / quantum * quantum; }

int powerOfTwoAtLeast(int value) {
  int power = 1;
  while (power < value) power *= 2;
  return power;
}

void validate(const Parameters& p) {
  if (p.features < 0) throw std::invalid_argument("features must not be negative");
  if (p.mostKeypoints < 0) throw std::invalid_argument("mostKeypoints must not be negative");
  if (p.octaveLayers < 1 || p.octaveLayers > 32) throw std::invalid_argument("octaveLayers must be 1 to 32");
  if (!(p.contrastThreshold >= 0 && p.contrastThreshold <= 1e6))
    throw std::invalid_argument("contrastThreshold must be 0 to 1e6");
  if (!(p.edgeThreshold > 0 && p.edgeThreshold <= 1e6)) throw std::invalid_argument("edgeThreshold must be above 0");
  if (!(p.sigma > 0 && p.sigma <= 32)) throw std::invalid_argument("sigma must be above 0 and at most 32");
}

/// The blur between doubled image and first level. A camera image is taken to have a blur of 0.5 pixels, 1 once
/// doubled; computed in float as cv::SIFT does.
double baseSigma(float sigma) { return std::sqrt(std::max(sigma * sigma - 1.0f, 0.01f)); }

}  // namespace

ScalePlan::ScalePlan(const Parameters& p) : parameters(p) {
  validate(p);
  layers = p.octaveLayers;
  storedLevels = layers + 2;
  base = gaussianTaps(baseSigma(static_cast<float>(p.sigma)));
  widestRadius = base.radius;
  level.resize(static_cast<std::size_t>(layers) + 3);
  const double factor = powerOfTwo(1.0 / layers);
  double before = p.sigma;
  for (int i = 1; i < layers + 3; ++i) {
    const double total = before * factor;
    level[i] = gaussianTaps(std::sqrt(total * total - before * before));
    widestRadius = std::max(widestRadius, level[i].radius);
    before = total;
  }

  const float largestScale = keypointScale(p, layers, 0.5f);
  neighbourhood = std::max(descriptorRadius(largestScale), orientationRadius(largestScale)) + 1;
  reach.resize(static_cast<std::size_t>(layers) + 1);
  for (int i = 1; i <= layers; ++i) reach[i] = roundToEven(2.5 * histogramWidth(keypointScale(p, i, 0))) + 1;
  patchReach = level[layers + 2].radius + 1;

  lead.assign(storedLevels, 0);
  trail.assign(storedLevels, 0);
  for (int i = storedLevels - 1; i >= 0; --i) {
    const bool describes = i >= 1 && i <= layers;
    const int reach = (i == storedLevels - 1 ? patchReach : describes ? neighbourhood : 1) + kWalkSlack;
    const int next = i == storedLevels - 1 ? 0 : lead[i + 1] + level[i + 1].radius;
    trail[i] = reach;
    lead[i] = roundUp(std::max(reach, next), kStripRows);
  }
}

float ScalePlan::threshold() const noexcept {
  return static_cast<float>(std::floor(0.5 * parameters.contrastThreshold / layers * 255));
}

double ScalePlan::pyramidOperations(int rows, int columns) const noexcept {
  const auto filter = [](const GaussianTaps& taps) { return 3.0 * taps.radius + 2; };
  double perPixel = kScanOperations * layers;
  for (int i = 1; i < storedLevels; ++i) perPixel += filter(level[i]);
  double sum = filter(base) * rows * columns;
  for (; hasInterior(rows, columns); rows /= 2, columns /= 2) sum += perPixel * rows * columns;
  return sum;
}

int ScalePlan::bandColumns(int columns) const noexcept {
  const int widest = std::max(kBandColumns, kBandPerLead * lead[0]);
  const int bands = (columns + widest - 1) / widest;
  return roundUp((columns + bands - 1) / bands, kRowQuantum);
}

Band ScalePlan::heldColumns(int i, Band band, int columns) const noexcept {
  return {std::max(0, band.begin - lead[i]) / kRowQuantum * kRowQuantum, std::min(columns, band.end + lead[i])};
}

std::size_t ScalePlan::bandRowFloats(int columns) const noexcept {
  return rowFloats(std::min(columns, bandColumns(columns) + 2 * lead[0] + kRowQuantum));
}

int ScalePlan::ringRows(int i, int rows) const noexcept {
  const int needed = trail[i] + kStripRows + lead[i];
  return needed >= rows ? rows : std::min(rows, powerOfTwoAtLeast(needed));
}

int ScalePlan::leftMargin() const noexcept { return roundUp(widestRadius + 4, kRowQuantum) + kRowQuantum; }

std::size_t ScalePlan::rowFloats(int columns) const noexcept {
  const std::size_t floats = static_cast<std::size_t>(roundUp(columns, kRowQuantum)) + 2 * leftMargin() + kRowQuantum;
  // An odd number of cache lines keeps rows from falling into the same cache sets.
  return floats / kRowQuantum % 2 == 0 ? floats + kRowQuantum : floats;
}

}  // namespace edgesift
