#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <stdexcept>

#include "arena.hpp"
#include "edgesift/sift.hpp"
#include "elementary.hpp"
#include "keypoint_geometry.hpp"
#include "keypoint_store.hpp"
#include "octave.hpp"
#include "place_set.hpp"
#include "refinement.hpp"
#include "scale_plan.hpp"
#include "window.hpp"

namespace edgesift {
namespace {

/// Orientations a keypoint may get: peaks of at least this part of the highest (Lowe 2004, section 5).
constexpr float kPeakRatio = 0.8f;
/// Operations that refinement and description may take: for each pixel of the picture, and for any.
constexpr double kOperationsPerPixel = 30e3;
constexpr double kLeastOperations = 10e9;
/// Of each pixel that a descriptor looks at.
constexpr double kOperationsPerSample = 20;

constexpr float kAngleEpsilon = 1.1920929e-7f;

/// Adds the time since the last call to one stage after the other.
class Stopwatch {
 public:
  void restart() { last_ = Clock::now(); }
  void addTo(double& seconds) {
    const Clock::time_point now = Clock::now();
    seconds += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_ = Clock::now();
};

/// Memory for one picture size: what kernels work in, rings of the largest octave, and level 0 of two octaves in turn.
struct MemoryPlan {
  std::size_t scratch;
  std::size_t rings = 0;
  std::size_t bottoms[2] = {0, 0};

  MemoryPlan(const ScalePlan& plan, int rows, int columns) : scratch(kernelScratchFloats(plan.layers)) {
    if (!hasInterior(rows, columns)) return;
    rings = Octave::floats(plan, rows, columns, true);
    // A later octave keeps a lower part of its rows only if it is high; compare all of them.
    for (int o = 1; hasInterior(rows >> o, columns >> o); ++o) {
      rings = std::max(rings, Octave::floats(plan, rows >> o, columns >> o, false));
      std::size_t& bottom = bottoms[o % 2];
      bottom = std::max(bottom, static_cast<std::size_t>(rows >> o) * plan.rowFloats(columns >> o));
    }
  }

  std::size_t bytes() const {
    return Arena::bytesFor(scratch) + Arena::bytesFor(rings) + Arena::bytesFor(bottoms[0]) +
           Arena::bytesFor(bottoms[1]);
  }
};

LevelView wholeLevel(const ScalePlan& plan, int rows, int columns, float* memory) {
  LevelView view;
  view.rows = view.heldRowsEnd = rows;
  view.columns = view.heldColumnsEnd = columns;
  view.stride = static_cast<std::ptrdiff_t>(plan.rowFloats(columns));
  view.data = memory + plan.leftMargin();
  return view;
}

/// A refined point and the levels that hold its surroundings.
struct Located {
  RefinedPoint point;
  float scale;
};

}  // namespace

class Extractor::Implementation {
 public:
  explicit Implementation(InstructionSet set) : kernels_(kernelsFor(set)) {}

  Features extract(const Picture& picture, const Parameters& parameters);
  const StageSeconds& stageSeconds() const { return seconds_; }

 private:
  void setUp(const Parameters& parameters);
  /// Throws TooMuchWork when there are not that many operations left.
  void spend(double operations);
  void processBand(Octave& octave, int index);
  void scanStrip(const Octave& octave, int begin, int end);
  void refineStrip(const Octave& octave, int index);
  void refineInWindow(const Octave& octave, int index, Walk walk);
  /// Asks for the pixels a descriptor will look at.
  void prefetch(const std::vector<LevelView>& levels, const RefinedPoint& point) const;
  void assignOrientations(const std::vector<LevelView>& levels, const RefinedPoint& point, int octaveIndex);
  void describe(const std::vector<LevelView>& levels, const RefinedPoint& point, float scale, float angle,
                std::uint8_t* descriptor);

  /// A keypoint whose descriptor is still to be made.
  struct Pending {
    RefinedPoint point;
    float scale;
    float angle;
    std::uint8_t* descriptor;
  };

  const Kernels& kernels_;
  StageSeconds seconds_;
  Stopwatch stopwatch_;
  Arena arena_;
  std::optional<ScalePlan> plan_;
  std::optional<Refinement> refinement_;
  std::optional<Octave> octave_;
  std::optional<Window> window_;
  /// Octave of the window's pixels, -1 while it has none of this picture.
  int windowOctave_ = -1;
  const DoubledPicture* picture_ = nullptr;
  double operationsLeft_ = 0;
  KeypointStore store_;
  PlaceSet places_;
  float* scratch_ = nullptr;
  std::vector<float> weights_;
  std::vector<const float*> scanRows_;
  std::vector<Candidate> candidates_;
  std::size_t candidateCount_ = 0;
  std::vector<RefinedPoint> refined_;
  std::vector<Pending> pending_;
};

void Extractor::Implementation::setUp(const Parameters& parameters) {
  if (window_ && plan_->parameters == parameters) return;
  refinement_.reset();
  octave_.reset();
  window_.reset();
  plan_.emplace(parameters);
  weights_.resize(static_cast<std::size_t>(2 * plan_->neighbourhood + 1 + 2 * kRowQuantum));
  scanRows_.resize(static_cast<std::size_t>(3 * plan_->storedLevels));
  refinement_.emplace(*plan_, kernels_);
  octave_.emplace(*plan_, kernels_);
  window_.emplace(*plan_, kernels_);
}

void Extractor::Implementation::spend(double operations) {
  operationsLeft_ -= operations;
  if (operationsLeft_ < 0) throw TooMuchWork("too many or too large neighbourhoods to look at");
}

Features Extractor::Implementation::extract(const Picture& picture, const Parameters& parameters) {
  setUp(parameters);
  store_.clear(parameters.features);
  places_.clear();
  windowOctave_ = -1;
  operationsLeft_ = kLeastOperations + kOperationsPerPixel * picture.width * picture.height;
  stopwatch_.restart();

  const DoubledPicture doubled(picture);
  picture_ = &doubled;
  const int rows = doubled.rows();
  const int columns = doubled.columns();
  const MemoryPlan memory(*plan_, rows, columns);
  arena_.reset(memory.bytes());
  scratch_ = arena_.take(memory.scratch);
  float* rings = arena_.take(memory.rings);
  float* bottoms[2] = {arena_.take(memory.bottoms[0]), arena_.take(memory.bottoms[1])};

  LevelView bottom;
  for (int o = 0; hasInterior(rows >> o, columns >> o); ++o) {
    const int next = o + 1;
    LevelView nextBottom;
    if (hasInterior(rows >> next, columns >> next))
      nextBottom = wholeLevel(*plan_, rows >> next, columns >> next, bottoms[next % 2]);
    const int width = plan_->bandColumns(columns >> o);
    for (int x = 0; x < columns >> o; x += width) {
      const Band band = {x, std::min(x + width, columns >> o)};
      if (o == 0) octave_->begin(doubled, band, rings);
      else octave_->begin(bottom, band, rings);
      octave_->feed(nextBottom);
      processBand(*octave_, o);
    }
    bottom = nextBottom;
  }
  const Features features = store_.select();
  stopwatch_.addTo(seconds_.selection);
  return features;
}

void Extractor::Implementation::processBand(Octave& octave, int index) {
  candidates_.resize(std::max(candidates_.size(), static_cast<std::size_t>(kStripRows) * plan_->layers *
                                                      static_cast<std::size_t>(octave.band().end - octave.band().begin)));
  for (int y = 0; y < octave.rows(); y += kStripRows) {
    octave.makeBottom(y);
    stopwatch_.addTo(seconds_.base);
    octave.makeLevels(y);
    stopwatch_.addTo(seconds_.pyramid);
    scanStrip(octave, std::max(y, kBorder), std::min(y + kStripRows, octave.rows() - kBorder));
    stopwatch_.addTo(seconds_.scan);
    refineStrip(octave, index);
  }
}

void Extractor::Implementation::scanStrip(const Octave& octave, int begin, int end) {
  candidateCount_ = 0;
  const int left = std::max(octave.band().begin, kBorder);
  const int right = std::min(octave.band().end, octave.columns() - kBorder);
  for (int y = begin; y < end; ++y) {
    for (int i = 0; i < plan_->storedLevels; ++i)
      for (int k = 0; k < 3; ++k) scanRows_[3 * i + k] = octave.levels()[i].row(y - 1 + k);
    candidateCount_ += kernels_.scanRow(scanRows_.data(), plan_->layers, y, left, right, plan_->threshold(), scratch_,
                                        candidates_.data() + candidateCount_);
  }
}

void Extractor::Implementation::refineStrip(const Octave& octave, int index) {
  const std::vector<LevelView>& levels = octave.levels();
  refined_.clear();
  for (std::size_t i = 0; i < candidateCount_; ++i) {
    Walk walk{candidates_[i]};
    if (walk.at.layer == plan_->layers) spend(refinement_->patchOperations());
    RefinedPoint point;
    const Outcome outcome = refinement_->refine(levels, walk, point);
    if (outcome == Outcome::rejected) continue;
    if (outcome == Outcome::unavailable ||
        !levels[point.layer].holdsBox(point.row, point.column, plan_->neighbourhood)) {
      refineInWindow(octave, index, walk);
      continue;
    }
    if (places_.insert(index, point.layer, point.row, point.column) && store_.isWanted(point.response))
      refined_.push_back(point);
  }
  stopwatch_.addTo(seconds_.refinement);

  pending_.clear();
  for (std::size_t i = 0; i < refined_.size(); ++i) {
    if (i + 1 < refined_.size()) prefetch(levels, refined_[i + 1]);
    assignOrientations(levels, refined_[i], index);
  }
  stopwatch_.addTo(seconds_.orientation);
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    if (i + 1 < pending_.size()) prefetch(levels, pending_[i + 1].point);
    const Pending& p = pending_[i];
    describe(levels, p.point, p.scale, p.angle, p.descriptor);
  }
  stopwatch_.addTo(seconds_.descriptor);
}

void Extractor::Implementation::refineInWindow(const Octave& octave, int index, Walk walk) {
  const auto build = [&](int row, int column) {
    spend(window_->operations(octave.rows(), octave.columns()));
    if (index == 0)
      window_->build(*picture_, row, column);
    else
      window_->build(octave.levels()[0], row, column);
    windowOctave_ = index;
  };
  RefinedPoint point;
  // Where many wander, as in a picture made for it, they are close together and one window serves several.
  Outcome outcome =
      windowOctave_ == index ? refinement_->refine(window_->levels(), walk, point) : Outcome::unavailable;
  while (outcome == Outcome::unavailable) {
    build(walk.at.row, walk.at.column);
    outcome = refinement_->refine(window_->levels(), walk, point);
  }
  if (outcome == Outcome::rejected) return;
  if (!places_.insert(index, point.layer, point.row, point.column) || !store_.isWanted(point.response)) return;
  if (!window_->levels()[point.layer].holdsBox(point.row, point.column, plan_->neighbourhood))
    build(point.row, point.column);
  pending_.clear();
  assignOrientations(window_->levels(), point, index);
  for (const Pending& p : pending_) describe(window_->levels(), p.point, p.scale, p.angle, p.descriptor);
}

void Extractor::Implementation::prefetch(const std::vector<LevelView>& levels, const RefinedPoint& point) const {
  constexpr int kFloatsPerLine = 16;
  const LevelView& level = levels[point.layer];
  const int reach = plan_->reach[point.layer];
  const int top = std::max(point.row - reach, 0);
  const int bottom = std::min(point.row + reach, level.rows - 1);
  for (int y = top; y <= bottom; ++y) {
    const float* row = level.row(y);
    for (int x = point.column - reach; x <= point.column + reach + kFloatsPerLine; x += kFloatsPerLine)
      __builtin_prefetch(row + x);
  }
}

void Extractor::Implementation::assignOrientations(const std::vector<LevelView>& levels, const RefinedPoint& point,
                                                   int octaveIndex) {
  const float scale = keypointScale(plan_->parameters, point.layer, point.layerOffset);
  // Pixels of the picture per pixel of the octave.
  const float octaveScale = static_cast<float>(1 << octaveIndex) * 0.5f;
  Keypoint keypoint;
  keypoint.x = (static_cast<float>(point.column) + point.columnOffset) * octaveScale;
  keypoint.y = (static_cast<float>(point.row) + point.rowOffset) * octaveScale;
  keypoint.size = scale * octaveScale * 2;
  keypoint.response = point.response;
  keypoint.octave = ((octaveIndex - 1) & 255) | (point.layer << 8) |
                    (roundToEven((static_cast<double>(point.layerOffset) + 0.5) * 255) << 16);

  const float sigma = orientationSigma(scale);
  const int radius = orientationRadius(scale);
  gaussianWeights(1 / (2.0 * sigma * sigma), radius, weights_.data());
  // The first and last bin once more at either end: the histogram is a circle.
  float circle[kOrientationBins + 2];
  float* histogram = circle + 1;
  kernels_.orientationHistogram(levels[point.layer], {point.row, point.column, radius, weights_.data()}, scratch_,
                                histogram);
  circle[0] = histogram[kOrientationBins - 1];
  histogram[kOrientationBins] = histogram[0];

  float highest = histogram[0];
  for (int i = 1; i < kOrientationBins; ++i) highest = std::max(highest, histogram[i]);
  const float least = highest * kPeakRatio;
  for (int i = 0; i < kOrientationBins; ++i) {
    const float before = histogram[i - 1];
    const float after = histogram[i + 1];
    const float peak = histogram[i];
    if (!(peak >= least && peak > before && peak > after)) continue;
    // Extremum of the parabola through the peak and its neighbours.
    float bin = static_cast<float>(i) + 0.5f * (before - after) / (before - 2 * peak + after);
    if (bin < 0) bin += kOrientationBins;
    if (bin >= kOrientationBins) bin -= kOrientationBins;
    keypoint.angle = 360.0f - (360.0f / kOrientationBins) * bin;
    if (std::abs(keypoint.angle - 360.0f) < kAngleEpsilon) keypoint.angle = 0;
    pending_.push_back({point, scale, keypoint.angle, store_.add(keypoint)});
  }
}

void Extractor::Implementation::describe(const std::vector<LevelView>& levels, const RefinedPoint& point,
                                         float scale, float angle, std::uint8_t* descriptor) {
  constexpr float kRadiansPerDegree = static_cast<float>(3.14159265358979323846 / 180);
  const LevelView& level = levels[point.layer];
  const float width = histogramWidth(scale);
  float turned = 360.0f - angle;
  if (std::abs(turned - 360.0f) < kAngleEpsilon) turned = 0;
  const SineCosine direction = sineCosine(turned * kRadiansPerDegree);

  DescriptorFrame frame;
  frame.row = roundToEven(static_cast<float>(point.row) + point.rowOffset);
  frame.column = roundToEven(static_cast<float>(point.column) + point.columnOffset);
  const double diagonal = std::sqrt(static_cast<double>(level.columns) * level.columns +
                                    static_cast<double>(level.rows) * level.rows);
  frame.radius = std::min(descriptorRadius(scale), static_cast<int>(diagonal));
  spend(kOperationsPerSample * (2.0 * frame.radius + 1) * (2.0 * frame.radius + 1));
  frame.angle = turned;
  frame.cosine = static_cast<float>(direction.cosine) / width;
  frame.sine = static_cast<float>(direction.sine) / width;
  // The Gaussian's deviation is half the descriptor's width of four histograms (Lowe 2004, section 6.1).
  gaussianWeights(1 / (8.0 * width * width), frame.radius, weights_.data());
  frame.weights = weights_.data();
  kernels_.describe(level, frame, scratch_, descriptor);
}

Extractor::Extractor(InstructionSet set) : implementation_(std::make_unique<Implementation>(set)) {}
Extractor::~Extractor() = default;
Extractor::Extractor(Extractor&&) noexcept = default;
Extractor& Extractor::operator=(Extractor&&) noexcept = default;

Features Extractor::extract(const std::uint8_t* grey, int width, int height, std::ptrdiff_t stride,
                            const Parameters& parameters) {
  if (width < 0 || height < 0) throw std::invalid_argument("width and height must not be negative");
  return implementation_->extract({grey, width, height, stride}, parameters);
}

std::size_t Extractor::workingBytes(int width, int height, const Parameters& parameters) {
  return MemoryPlan(ScalePlan(parameters), 2 * height, 2 * width).bytes();
}

const StageSeconds& Extractor::stageSeconds() const noexcept { return implementation_->stageSeconds(); }

}  // namespace edgesift
