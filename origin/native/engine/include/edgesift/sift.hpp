// SIFT features of an 8-bit grey image: D. Lowe, "Distinctive Image Features from Scale-Invariant Keypoints",
// IJCV 60(2), 2004, with the choices OpenCV's cv::SIFT makes where the paper leaves them open.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>

namespace edgesift {

/// Parameters of the detector; names and defaults are those of cv::SIFT.
struct Parameters {
  /// Keep only this many keypoints, those of highest response; 0 keeps all.
  int features = 0;
  /// Layers per octave in which extrema are looked for; an octave has three levels more than that. 1 to 32.
  int octaveLayers = 3;
  /// Least contrast of a keypoint, on a grey scale of 0 to 1, divided by the number of layers. At least 0.
  double contrastThreshold = 0.04;
  /// Greatest ratio of the principal curvatures. Above 0.
  double edgeThreshold = 10;
  /// Standard deviation, in pixels of the doubled image, of the first level. Above 0, at most 32.
  double sigma = 1.6;
  /// Most keypoints that may be selected, and twice as many found to select from; 0 for any number. Images can be
  /// made that have one for every two pixels.
  int mostKeypoints = 0;

  bool operator==(const Parameters& other) const noexcept {
    return features == other.features && octaveLayers == other.octaveLayers &&
           contrastThreshold == other.contrastThreshold && edgeThreshold == other.edgeThreshold &&
           sigma == other.sigma && mostKeypoints == other.mostKeypoints;
  }
};

/// Features of one image, ordered by response (descending), then y, x, size, angle, octave (ascending).
/// The arrays belong to the extractor and stay valid until its next call.
struct Features {
  std::size_t count = 0;
  /// Keypoints that these were selected from.
  std::size_t found = 0;
  /// [count][2]: x, y in pixels; the centre of the upper-left pixel is (0, 0).
  const float* xy = nullptr;
  /// [count]: diameter of the neighbourhood, in pixels.
  const float* size = nullptr;
  /// [count]: orientation in degrees, [0, 360), clockwise as seen on an image whose y axis points down.
  const float* angle = nullptr;
  /// [count]: contrast at the refined extremum, grey scale 0 to 1.
  const float* response = nullptr;
  /// [count]: OpenCV's packed value: octave in bits 0-7 (two's complement, -1 first), layer in bits 8-15, offset
  /// of the refined scale in bits 16-23.
  const std::int32_t* octave = nullptr;
  /// [count][128]: 4 rows, 4 columns, 8 orientations.
  const std::uint8_t* descriptors = nullptr;
};

/// The image would take more operations than the engine spends on one: 30,000 a pixel, ten times what one full of
/// keypoints takes with the defaults, and at most `kMostOperations`. The same on every machine.
class TooMuchWork : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The image has more keypoints than `Parameters::mostKeypoints` says.
class TooManyKeypoints : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Operations that no image of any size may exceed: some 20 seconds on one core of 2023 with AVX2.
inline constexpr double kMostOperations = 200e9;

/// The result was not wanted any more.
class Cancelled : public std::runtime_error {
 public:
  Cancelled() : std::runtime_error("the result is not wanted any more") {}
};

/// By which another thread ends a task: it stops within milliseconds after the number has become other than 0.
class Cancellation {
 public:
  /// Never requested.
  Cancellation() = default;
  /// `flag` has to outlive the task.
  explicit Cancellation(const std::atomic<std::int32_t>* flag) noexcept : flag_(flag) {}

  bool isRequested() const noexcept { return flag_ != nullptr && flag_->load(std::memory_order_relaxed) != 0; }

  /// To be called every few milliseconds. Throws Cancelled.
  void throwIfRequested() const {
    if (isRequested()) throw Cancelled();
  }

 private:
  const std::atomic<std::int32_t>* flag_ = nullptr;
};

/// Implementations of the kernels. All of them give the same bytes.
enum class InstructionSet { portable, neon, avx2, avx512 };

/// Whether this build has the implementation and this processor can run it.
bool isSupported(InstructionSet set) noexcept;
/// The fastest supported implementation.
InstructionSet bestInstructionSet() noexcept;
/// "portable", "neon", "avx2" or "avx512".
const char* name(InstructionSet set) noexcept;

/// Seconds spent in each stage since the extractor was made.
struct StageSeconds {
  double base = 0;
  double pyramid = 0;
  double scan = 0;
  double refinement = 0;
  double orientation = 0;
  double descriptor = 0;
  double selection = 0;
};

/// Extracts features, one image at a time. Keeps its working memory between images and grows it only for a
/// larger one. An object serves one thread; different objects are independent.
class Extractor {
 public:
  /// Throws std::invalid_argument if the instruction set is not supported.
  explicit Extractor(InstructionSet set = bestInstructionSet());
  ~Extractor();
  Extractor(Extractor&&) noexcept;
  Extractor& operator=(Extractor&&) noexcept;

  /// `grey`: `height` rows of `width` bytes, `stride` bytes apart. An image without pixels has no features.
  /// Throws std::invalid_argument for parameters out of range, std::bad_alloc when memory is short, TooMuchWork,
  /// TooManyKeypoints, Cancelled.
  Features extract(const std::uint8_t* grey, int width, int height, std::ptrdiff_t stride,
                   const Parameters& parameters = {}, const Cancellation& cancellation = {});

  /// Bytes of the scale space held while an image of that size is processed. Keypoints come on top of it, each
  /// that is found: 312 bytes (working copy and result).
  static std::size_t workingBytes(int width, int height, const Parameters& parameters = {});

  const StageSeconds& stageSeconds() const noexcept;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace edgesift
