#include <algorithm>
#include <chrono>
#include <optional>
#include <stdexcept>

#include "arena.hpp"
#include "description.hpp"
#include "edgesift/sift.hpp"
#include "elementary.hpp"
#include "keypoint_geometry.hpp"
#include "keypoint_store.hpp"
#include "octave.hpp"
#include "place_set.hpp"
#include "refinement.hpp"
#include "scale_plan.hpp"
#include "window.hpp"
#include "work.hpp"

namespace edgesift {
namespace {

/// Operations that an image may take: for each of its pixels, and for any.
constexpr double kOperationsPerPixel = 30e3;
constexpr double kLeastOperations = 10e9;

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

/// A walk that goes down further than this gets a window: those that wait take memory.
constexpr int kLongestWait = 8 * kStripRows;

/// Memory for one image size: what kernels work in, rings of the largest octave, and level 0 of two octaves in turn.
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

}  // namespace

class Extractor::Implementation {
 public:
  explicit Implementation(InstructionSet set) : kernels_(kernelsFor(set)) {}

  Features extract(const Image& image, const Parameters& parameters, const Cancellation& cancellation);
  const StageSeconds& stageSeconds() const { return seconds_; }

 private:
  /// A keypoint whose descriptor is still to be made.
  struct Pending {
    RefinedPoint point;
    float scale;
    float angle;
    std::uint8_t* descriptor;
  };

  void setUp(const Parameters& parameters);
  void processBand(Octave& octave, int index);
  void scanStrip(const Octave& octave, int begin, int end);
  void refineStrip(const Octave& octave, int index);
  /// Whether rows that a walk has gone down to are still to be made.
  bool mustWait(const Octave& octave, const Walk& walk) const;
  void refineInWindow(const Octave& octave, int index, Walk walk);
  /// Gives the point its orientations: a keypoint each, whose descriptors are pending.
  void addKeypoints(const LevelView& level, const RefinedPoint& point, int octaveIndex);
  void describe(const LevelView& level, const Pending& pending);

  const Kernels& kernels_;
  StageSeconds seconds_;
  Stopwatch stopwatch_;
  Work work_;
  Arena arena_;
  std::optional<ScalePlan> plan_;
  std::optional<Refinement> refinement_;
  std::optional<Description> description_;
  std::optional<Octave> octave_;
  std::optional<Window> window_;
  /// Octave of the window's pixels, -1 while it has none of this image.
  int windowOctave_ = -1;
  const DoubledImage* image_ = nullptr;
  KeypointStore store_;
  PlaceSet places_;
  float* scratch_ = nullptr;
  std::vector<const float*> scanRows_;
  std::vector<Candidate> candidates_;
  std::size_t candidateCount_ = 0;
  std::vector<Walk> walks_;
  /// Walks that go on in a later strip, when the rows are there.
  std::vector<Walk> waiting_;
  std::vector<RefinedPoint> refined_;
  std::vector<Pending> pending_;
};

void Extractor::Implementation::setUp(const Parameters& parameters) {
  if (window_ && plan_->parameters == parameters) return;
  refinement_.reset();
  description_.reset();
  octave_.reset();
  window_.reset();
  plan_.emplace(parameters);
  scanRows_.resize(static_cast<std::size_t>((kScanRows + 2) * plan_->storedLevels));
  refinement_.emplace(*plan_, kernels_);
  description_.emplace(*plan_, kernels_);
  octave_.emplace(*plan_, kernels_, work_);
  window_.emplace(*plan_, kernels_, work_);
}

Features Extractor::Implementation::extract(const Image& image, const Parameters& parameters,
                                            const Cancellation& cancellation) {
  setUp(parameters);
  store_.clear(parameters.features, parameters.mostKeypoints);
  places_.clear();
  windowOctave_ = -1;
  stopwatch_.restart();

  const DoubledImage doubled(image);
  image_ = &doubled;
  const int rows = doubled.rows();
  const int columns = doubled.columns();
  const double inProportion = kLeastOperations + kOperationsPerPixel * image.width * image.height;
  work_.begin(std::min(inProportion, kMostOperations), cancellation);
  // What is known beforehand is refused before anything is done.
  work_.spend(plan_->pyramidOperations(rows, columns));
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
  waiting_.clear();
  const auto columns = static_cast<std::size_t>(octave.band().end - octave.band().begin);
  candidates_.resize(std::max(candidates_.size(), columns * kStripRows * static_cast<std::size_t>(plan_->layers)));
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
  const Band columns = {std::max(octave.band().begin, kBorder),
                        std::min(octave.band().end, octave.columns() - kBorder)};
  constexpr int kRows = kScanRows + 2;
  for (int y = begin; y < end; y += kScanRows) {
    for (int i = 0; i < plan_->storedLevels; ++i)
      for (int k = 0; k < kRows; ++k) scanRows_[kRows * i + k] = octave.levels()[i].row(y - 1 + k);
    candidateCount_ += kernels_.scanRows(scanRows_.data(), plan_->layers, {y, std::min(y + kScanRows, end)}, columns,
                                         plan_->threshold(), scratch_, candidates_.data() + candidateCount_);
  }
}

bool Extractor::Implementation::mustWait(const Octave& octave, const Walk& walk) const {
  const int made = octave.levels().back().heldRowsEnd;
  const int needed = walk.at.row + plan_->patchReach;
  return made < octave.rows() && needed >= made && needed < made + kLongestWait;
}

void Extractor::Implementation::refineStrip(const Octave& octave, int index) {
  const std::vector<LevelView>& levels = octave.levels();
  refined_.clear();
  walks_.swap(waiting_);
  waiting_.clear();
  const std::size_t waited = walks_.size();
  for (std::size_t i = 0; i < candidateCount_; ++i) walks_.push_back({candidates_[i]});
  for (std::size_t i = 0; i < walks_.size(); ++i) {
    Walk& walk = walks_[i];
    if (i < waited && mustWait(octave, walk)) {
      waiting_.push_back(walk);
      continue;
    }
    work_.spend(refinement_->operations(walk.at.layer));
    RefinedPoint point;
    const Outcome outcome = refinement_->refine(levels, walk, point);
    if (outcome == Outcome::rejected) continue;
    if (outcome == Outcome::unavailable && mustWait(octave, walk)) {
      waiting_.push_back(walk);
      continue;
    }
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
  const auto levelOf = [&](const RefinedPoint& point) -> const LevelView& { return levels[point.layer]; };
  for (std::size_t i = 0; i < refined_.size(); ++i) {
    if (i + 1 < refined_.size()) description_->prefetch(levelOf(refined_[i + 1]), refined_[i + 1]);
    addKeypoints(levelOf(refined_[i]), refined_[i], index);
  }
  stopwatch_.addTo(seconds_.orientation);
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    if (i + 1 < pending_.size()) description_->prefetch(levelOf(pending_[i + 1].point), pending_[i + 1].point);
    describe(levelOf(pending_[i].point), pending_[i]);
  }
  stopwatch_.addTo(seconds_.descriptor);
}

void Extractor::Implementation::refineInWindow(const Octave& octave, int index, Walk walk) {
  const auto build = [&](int row, int column) {
    work_.spend(window_->operations(octave.rows(), octave.columns()));
    if (index == 0)
      window_->build(*image_, row, column);
    else
      window_->build(octave.levels()[0], row, column);
    windowOctave_ = index;
  };
  RefinedPoint point;
  // Where many wander, as in an image made for it, they are close together and one window serves several.
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
  const LevelView& level = window_->levels()[point.layer];
  addKeypoints(level, point, index);
  for (const Pending& pending : pending_) describe(level, pending);
}

void Extractor::Implementation::addKeypoints(const LevelView& level, const RefinedPoint& point, int octaveIndex) {
  const float scale = keypointScale(plan_->parameters, point.layer, point.layerOffset);
  // Pixels of the image per pixel of the octave.
  const float octaveScale = static_cast<float>(1 << octaveIndex) * 0.5f;
  Keypoint keypoint;
  keypoint.x = (static_cast<float>(point.column) + point.columnOffset) * octaveScale;
  keypoint.y = (static_cast<float>(point.row) + point.rowOffset) * octaveScale;
  keypoint.size = scale * octaveScale * 2;
  keypoint.response = point.response;
  keypoint.octave = ((octaveIndex - 1) & 255) | (point.layer << 8) |
                    (roundToEven((static_cast<double>(point.layerOffset) + 0.5) * 255) << 16);
  work_.spend(description_->orientationOperations(scale));
  for (const float angle : description_->orientations(level, point, scale, scratch_)) {
    keypoint.angle = angle;
    pending_.push_back({point, scale, angle, store_.add(keypoint)});
  }
}

void Extractor::Implementation::describe(const LevelView& level, const Pending& pending) {
  work_.spend(description_->operations(level, pending.scale));
  description_->describe(level, pending.point, pending.scale, pending.angle, scratch_, pending.descriptor);
}

Extractor::Extractor(InstructionSet set) : implementation_(std::make_unique<Implementation>(set)) {}
Extractor::~Extractor() = default;
Extractor::Extractor(Extractor&&) noexcept = default;
Extractor& Extractor::operator=(Extractor&&) noexcept = default;

Features Extractor::extract(const std::uint8_t* grey, int width, int height, std::ptrdiff_t stride,
                            const Parameters& parameters, const Cancellation& cancellation) {
  if (width < 0 || height < 0) throw std::invalid_argument("width and height must not be negative");
  return implementation_->extract({grey, width, height, stride}, parameters, cancellation);
}

std::size_t Extractor::workingBytes(int width, int height, const Parameters& parameters) {
  return MemoryPlan(ScalePlan(parameters), 2 * height, 2 * width).bytes();
}

const StageSeconds& Extractor::stageSeconds() const noexcept { return implementation_->stageSeconds(); }

}  // namespace edgesift
