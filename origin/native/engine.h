#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace edgesift::addon {

constexpr std::size_t kDescriptorLength = 128;

/// Borrowed 8-bit pixels: rows top-down, tightly packed, one grey channel or three in the order R, G, B.
struct Image {
  const std::uint8_t* pixels;
  int width;
  int height;
  int channels;
};

/// The parameters of cv::SIFT::create, with its meaning and units.
struct SiftParameters {
  int nfeatures;  ///< keep this many of the strongest; 0 keeps all
  int octaveLayers;
  double contrastThreshold;
  double edgeThreshold;
  double sigma;
};

/// As cv::KeyPoint: x, y in pixels, the centre of the upper-left pixel is (0, 0); size is the diameter in
/// pixels; angle in degrees, [0, 360), clockwise on the screen; octave is OpenCV's packed value (octave in
/// bits 0-7, layer in bits 8-15, sub-layer offset in bits 16-23).
struct Keypoint {
  float x;
  float y;
  float size;
  float angle;
  float response;
  std::int32_t octave;
};

/// Keypoints in any order, descriptor i (kDescriptorLength bytes) belongs to keypoint i.
/// May hold more than nfeatures where the weakest ones tie; feature_order.h cuts.
struct Features {
  std::vector<Keypoint> keypoints;
  std::vector<std::uint8_t> descriptors;
};

/// Input that no engine accepts; the message is meant for the caller.
class InvalidInput : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Input that takes out of all proportion to its size.
class TooMuchWork : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// More keypoints than the caller takes.
class TooManyKeypoints : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Pixels and parameters in, features out. Stateless: every thread may call the same engine at once.
class Engine {
 public:
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  virtual std::string name() const = 0;
  /// Changes whenever any bit of a result may change.
  virtual std::string version() const = 0;
  /// Throws TooManyKeypoints for more than `mostKeypoints` (0: any number), InvalidInput for what cannot be
  /// processed, std::exception for everything else.
  virtual Features extract(const Image& image, const SiftParameters& parameters, int mostKeypoints) const = 0;
  /// The grey image that extract works on: width * height bytes.
  virtual std::vector<std::uint8_t> grey(const Image& image) const = 0;
};

}  // namespace edgesift::addon
