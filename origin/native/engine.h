#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "edgesift/sift.hpp"

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

/// How far an extraction may go.
struct Limits {
  int mostKeypoints = 0;  ///< of a result; 0 for any number
  Cancellation cancellation;
};

/// Gives the memory that the payload (payload.h) of so many features is to be written to; called once.
using PayloadMemory = std::function<std::uint8_t*(std::size_t features)>;

/// Input that no engine accepts; the message is meant for the caller.
class InvalidInput : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Pixels and parameters in, the payload of features out. Stateless: every thread may call the same engine at once.
class Engine {
 public:
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  virtual std::string name() const = 0;
  /// Changes whenever any bit of a result may change.
  virtual std::string version() const = 0;
  /// Throws TooManyKeypoints for more than the limit, InvalidInput for what cannot be processed, Cancelled,
  /// std::exception for everything else.
  virtual void extract(const Image& image, const SiftParameters& parameters, const Limits& limits,
                       const PayloadMemory& memory) const = 0;
  /// The grey image that extract works on: width * height bytes.
  virtual std::vector<std::uint8_t> grey(const Image& image) const = 0;
};

}  // namespace edgesift::addon
