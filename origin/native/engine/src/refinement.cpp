#include "refinement.hpp"

#include <algorithm>
#include <climits>
#include <cmath>

#include "elementary.hpp"

namespace edgesift {
namespace {

/// cv::SIFT gives up after this many steps.
constexpr int kSteps = 5;
constexpr double kOperationsPerStep = 300;
/// Grey levels to a scale of 0 to 1.
constexpr float kGreyScale = 1.0f / 255;

struct Derivatives {
  float dx, dy, ds;
  float dxx, dyy, dss;
  float dxy, dxs, dys;
};

Derivatives derivatives(const float (&v)[3][3][3]) {
  constexpr float kFirst = kGreyScale * 0.5f;
  constexpr float kSecond = kGreyScale;
  constexpr float kCross = kGreyScale * 0.25f;
  const float twice = v[1][1][1] * 2;
  Derivatives d;
  d.dx = (v[1][1][2] - v[1][1][0]) * kFirst;
  d.dy = (v[1][2][1] - v[1][0][1]) * kFirst;
  d.ds = (v[2][1][1] - v[0][1][1]) * kFirst;
  d.dxx = (v[1][1][2] + v[1][1][0] - twice) * kSecond;
  d.dyy = (v[1][2][1] + v[1][0][1] - twice) * kSecond;
  d.dss = (v[2][1][1] + v[0][1][1] - twice) * kSecond;
  d.dxy = (v[1][2][2] - v[1][2][0] - v[1][0][2] + v[1][0][0]) * kCross;
  d.dxs = (v[2][1][2] - v[2][1][0] - v[0][1][2] + v[0][1][0]) * kCross;
  d.dys = (v[2][2][1] - v[2][0][1] - v[0][2][1] + v[0][0][1]) * kCross;
  return d;
}

/// Solves the 3x3 system of the quadratic's extremum by Cramer's rule, in float as cv::SIFT does. A singular system
/// gives no offset. Order: column, row, layer.
void extremumOffset(const Derivatives& d, float (&offset)[3]) {
  const float a = d.dyy * d.dss - d.dys * d.dys;
  const float b = d.dxy * d.dss - d.dys * d.dxs;
  const float c = d.dxy * d.dys - d.dyy * d.dxs;
  const float determinant = d.dxx * a - d.dxy * b + d.dxs * c;
  if (determinant == 0) {
    offset[0] = offset[1] = offset[2] = 0;
    return;
  }
  const float inverse = 1 / determinant;
  const float e = d.dy * d.dss - d.dys * d.ds;
  const float f = d.dy * d.dys - d.dyy * d.ds;
  const float g = d.dxy * d.ds - d.dy * d.dxs;
  offset[0] = -(inverse * (d.dx * a - d.dxy * e + d.dxs * f));
  offset[1] = -(inverse * (d.dxx * e - d.dx * b + d.dxs * g));
  offset[2] = -(inverse * (d.dxx * (d.dyy * d.ds - d.dy * d.dys) - d.dxy * g + d.dx * c));
}

bool isExtremal(const float (&v)[3][3][3], int layer) {
  const float value = v[1][1][1];
  for (int y = 0; y < 3; ++y)
    for (int x = 0; x < 3; ++x)
      if (value > 0 ? value < v[layer][y][x] : value > v[layer][y][x]) return false;
  return true;
}

}  // namespace

Refinement::Refinement(const ScalePlan& plan, const Kernels& kernels) : plan_(plan), kernels_(kernels) {
  patchRows_.resize(static_cast<std::size_t>(2 * plan.patchReach + 1));
  patchScratch_.resize(4 * patchRows_.size());
}

double Refinement::operations(int layer) const noexcept {
  const double patch = 3.0 * (2 * plan_.patchReach + 1) * (2 * plan_.patchReach - 1);
  return layer == plan_.layers ? kOperationsPerStep + patch : kOperationsPerStep;
}

bool Refinement::isAvailable(const std::vector<LevelView>& levels, const Candidate& at) const {
  const int last = std::min(at.layer + 2, plan_.storedLevels - 1);
  for (int i = at.layer - 1; i <= last; ++i)
    if (!levels[i].holdsBox(at.row, at.column, 1)) return false;
  return at.layer < plan_.layers || levels[last].holdsBox(at.row, at.column, plan_.patchReach);
}

void Refinement::lastLevelPatch(const LevelView& below, const Candidate& at, float* out) {
  const GaussianTaps& taps = plan_.level[plan_.layers + 2];
  const int reach = plan_.patchReach;
  const bool isInside = at.row >= reach && at.row + reach < below.rows;
  for (int k = -reach; k <= reach; ++k) {
    const int y = isInside ? at.row + k : reflect(at.row + k, below.rows);
    patchRows_[static_cast<std::size_t>(k + reach)] = below.row(y) + at.column - reach;
  }
  kernels_.filterPatch(patchRows_.data(), taps.taps.data(), taps.radius, patchScratch_.data(), out);
}

Refinement::Cube Refinement::cubeAround(const std::vector<LevelView>& levels, const Candidate& at) {
  float pixels[4][9];
  for (int i = 0; i < 4; ++i) {
    const int level = at.layer - 1 + i;
    if (level == plan_.storedLevels) {
      lastLevelPatch(levels[level - 1], at, pixels[i]);
      continue;
    }
    for (int y = 0; y < 3; ++y) {
      const float* row = levels[level].row(at.row - 1 + y) + at.column - 1;
      for (int x = 0; x < 3; ++x) pixels[i][3 * y + x] = row[x];
    }
  }
  Cube cube;
  for (int i = 0; i < 3; ++i)
    for (int k = 0; k < 9; ++k) cube.value[i][k / 3][k % 3] = pixels[i + 1][k] - pixels[i][k];
  return cube;
}

bool Refinement::isKeypoint(const Cube& cube, const float (&offset)[3], float& response) const {
  const Derivatives d = derivatives(cube.value);
  const float change = d.dx * offset[0] + d.dy * offset[1] + d.ds * offset[2];
  const float contrast = cube.value[1][1][1] * kGreyScale + change * 0.5f;
  response = std::abs(contrast);
  if (response * static_cast<float>(plan_.layers) < static_cast<float>(plan_.parameters.contrastThreshold))
    return false;
  // Ratio of the principal curvatures (Lowe 2004, section 4.1).
  const float edge = static_cast<float>(plan_.parameters.edgeThreshold);
  const float trace = d.dxx + d.dyy;
  const float determinant = d.dxx * d.dyy - d.dxy * d.dxy;
  return determinant > 0 && trace * trace * edge < (edge + 1) * (edge + 1) * determinant;
}

Outcome Refinement::refine(const std::vector<LevelView>& levels, Walk& walk, RefinedPoint& point) {
  Candidate& at = walk.at;
  for (; walk.step < kSteps; ++walk.step) {
    if (!isAvailable(levels, at)) return Outcome::unavailable;
    const Cube cube = cubeAround(levels, at);
    // The scan has left out the layer above the last.
    if (walk.step == 0 && at.layer == plan_.layers && !isExtremal(cube.value, 2)) return Outcome::rejected;

    float offset[3];
    extremumOffset(derivatives(cube.value), offset);
    if (std::abs(offset[0]) < 0.5f && std::abs(offset[1]) < 0.5f && std::abs(offset[2]) < 0.5f) {
      if (!isKeypoint(cube, offset, point.response)) return Outcome::rejected;
      point.layer = at.layer;
      point.row = at.row;
      point.column = at.column;
      point.columnOffset = offset[0];
      point.rowOffset = offset[1];
      point.layerOffset = offset[2];
      return Outcome::accepted;
    }
    constexpr float kLimit = static_cast<float>(INT_MAX / 3);
    for (const float value : offset)
      if (!(std::abs(value) <= kLimit)) return Outcome::rejected;
    at.column += roundToEven(offset[0]);
    at.row += roundToEven(offset[1]);
    at.layer += roundToEven(offset[2]);
    if (at.layer < 1 || at.layer > plan_.layers || at.column < kBorder || at.column >= levels[0].columns - kBorder ||
        at.row < kBorder || at.row >= levels[0].rows - kBorder)
      return Outcome::rejected;
  }
  return Outcome::rejected;
}

}  // namespace edgesift
