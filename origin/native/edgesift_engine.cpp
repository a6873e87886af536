#include "edgesift_engine.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "edgesift/sift.hpp"
#include "grey.h"
#include "payload.h"

namespace edgesift::addon {

namespace {

/// Raise it if you change a bit of a result. The instruction set does not: all give the same bytes.
constexpr const char* kVersion = "1";

/// Stays with a thread between images, 6 Mpx of scale space; an extractor that grew beyond it is given up.
constexpr std::size_t kRetainedBytes = std::size_t{64} << 20;
/// Of the extractor's own for each keypoint, see Extractor::workingBytes.
constexpr std::size_t kKeypointBytes = 312;
/// Converted between two looks at the cancellation: some milliseconds, where the memory is new and each page is a fault.
constexpr int kBandPixels = 1 << 18;

/// Writes all grey values of an image with colours, and looks at the cancellation now and then.
void convertToGrey(const Image& image, const Cancellation& cancellation, std::uint8_t* grey) {
  const auto width = static_cast<std::size_t>(image.width);
  const int rows = std::max(1, kBandPixels / std::max(1, image.width));
  for (int y = 0; y < image.height; y += rows) {
    cancellation.throwIfRequested();
    const std::size_t from = width * static_cast<std::size_t>(y);
    const std::uint8_t* pixels = image.pixels + from * static_cast<std::size_t>(image.channels);
    writeGrey({pixels, image.width, std::min(rows, image.height - y), image.channels}, grey + from);
  }
}

}  // namespace

std::string EdgesiftEngine::name() const {
  return "edgesift";
}

std::string EdgesiftEngine::version() const {
  return kVersion;
}

void EdgesiftEngine::extract(const Image& image, const SiftParameters& given, const Limits& limits,
                             const PayloadMemory& memory) const {
  thread_local std::unique_ptr<Extractor> extractor;
  if (!extractor) extractor = std::make_unique<Extractor>();

  Parameters parameters;
  parameters.features = given.nfeatures;
  parameters.octaveLayers = given.octaveLayers;
  parameters.contrastThreshold = given.contrastThreshold;
  parameters.edgeThreshold = given.edgeThreshold;
  parameters.sigma = given.sigma;
  parameters.mostKeypoints = limits.mostKeypoints;
  try {
    std::unique_ptr<std::uint8_t[]> converted;
    if (image.channels == 3) {
      // Not cleared before, unlike a vector's: that alone takes up to a second for 50 MB of new memory.
      converted.reset(new std::uint8_t[static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height)]);
      convertToGrey(image, limits.cancellation, converted.get());
    }
    const std::uint8_t* pixels = converted ? converted.get() : image.pixels;
    const Features found =
        extractor->extract(pixels, image.width, image.height, image.width, parameters, limits.cancellation);
    writePayload(found, memory(found.count));
    const std::size_t held =
        Extractor::workingBytes(image.width, image.height, parameters) + found.found * kKeypointBytes;
    if (held > kRetainedBytes) extractor.reset();
  } catch (const std::invalid_argument& error) {
    throw InvalidInput(error.what());
  } catch (...) {
    extractor.reset();
    throw;
  }
}

std::vector<std::uint8_t> EdgesiftEngine::grey(const Image& image) const {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height));
  convertToGrey(image, {}, bytes.data());
  return bytes;
}

}  // namespace edgesift::addon
