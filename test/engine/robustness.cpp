// Properties that hold for every image and all parameters, checked on random ones. Exit code 1 and a line that
// says what failed, for which seed.
//
//   robustness [--cases N] [--seed N]        random images
//   robustness --growth N                    N images; memory must not grow after the first tenth

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>
#include <random>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "edgesift/sift.hpp"
#include "images.hpp"

namespace {

std::size_t allocations = 0;

}  // namespace

void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

struct Result {
  std::vector<float> xy, size, angle, response;
  std::vector<std::int32_t> octave;
  std::vector<std::uint8_t> descriptors;

  explicit Result(const edgesift::Features& f)
      : xy(f.xy, f.xy + 2 * f.count),
        size(f.size, f.size + f.count),
        angle(f.angle, f.angle + f.count),
        response(f.response, f.response + f.count),
        octave(f.octave, f.octave + f.count),
        descriptors(f.descriptors, f.descriptors + 128 * f.count) {}

  std::size_t count() const { return size.size(); }

  /// Whether the first `n` keypoints equal all of `other`.
  bool beginsWith(const Result& other) const {
    const std::size_t n = other.count();
    return n <= count() && std::equal(other.xy.begin(), other.xy.end(), xy.begin()) &&
           std::equal(other.size.begin(), other.size.end(), size.begin()) &&
           std::equal(other.angle.begin(), other.angle.end(), angle.begin()) &&
           std::equal(other.response.begin(), other.response.end(), response.begin()) &&
           std::equal(other.octave.begin(), other.octave.end(), octave.begin()) &&
           std::equal(other.descriptors.begin(), other.descriptors.end(), descriptors.begin());
  }
};

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

void requireSane(const Result& r, int width, int height, const edgesift::Parameters& p) {
  require(p.features == 0 || r.count() <= static_cast<std::size_t>(p.features), "more keypoints than requested");
  for (std::size_t i = 0; i < r.count(); ++i) {
    const float x = r.xy[2 * i];
    const float y = r.xy[2 * i + 1];
    require(x > 0 && x < static_cast<float>(width) && y > 0 && y < static_cast<float>(height), "outside the image");
    require(r.size[i] > 0 && std::isfinite(r.size[i]), "size");
    require(r.angle[i] >= 0 && r.angle[i] < 360, "angle");
    require(std::isfinite(r.response[i]) &&
                r.response[i] * static_cast<float>(p.octaveLayers) >= static_cast<float>(p.contrastThreshold),
            "response");
    const int layer = r.octave[i] >> 8 & 255;
    require(layer >= 1 && layer <= p.octaveLayers, "layer");
    if (i == 0) continue;
    const auto key = [&](std::size_t k) {
      return std::make_tuple(-r.response[k], r.xy[2 * k + 1], r.xy[2 * k], r.size[k], r.angle[k], r.octave[k]);
    };
    require(key(i - 1) < key(i), "order, or a keypoint given twice");
  }
}

edgesift::Parameters randomParameters(std::mt19937& random) {
  const auto pick = [&](auto... values) {
    const double all[] = {static_cast<double>(values)...};
    return all[random() % (sizeof all / sizeof *all)];
  };
  edgesift::Parameters p;
  p.octaveLayers = static_cast<int>(pick(3, 3, 3, 1, 2, 4, 5, 8));
  p.contrastThreshold = pick(0.04, 0.04, 0, 0.005, 0.1, 0.5);
  p.edgeThreshold = pick(10, 10, 1, 5, 50, 1000);
  p.sigma = pick(1.6, 1.6, 1.6, 0.5, 1.0, 2.3, 4, 9);
  p.features = static_cast<int>(pick(0, 0, 1, 7, 100));
  return p;
}

int randomSide(std::mt19937& random) {
  switch (random() % 4) {
    case 0: return 1 + static_cast<int>(random() % 12);
    case 1: return 1 + static_cast<int>(random() % 40);
    default: return 1 + static_cast<int>(random() % 260);
  }
}

void checkOne(edgesift::Extractor& reused, std::uint32_t seed) {
  std::mt19937 random(seed);
  const int width = randomSide(random);
  const int height = randomSide(random);
  const edgesift::Parameters p = randomParameters(random);
  const std::string& kind = images::kinds()[random() % images::kinds().size()];
  const images::Grey grey = images::make(kind, width, height, seed);

  const Result result(reused.extract(grey.pixels.data(), width, height, width, p));
  requireSane(result, width, height, p);

  // The last row ends where the memory ends, so that a sanitizer sees a byte too many.
  const std::ptrdiff_t stride = width + static_cast<std::ptrdiff_t>(random() % 70);
  std::vector<std::uint8_t> spread(static_cast<std::size_t>(stride * (height - 1) + width));
  for (std::uint8_t& byte : spread) byte = static_cast<std::uint8_t>(random());
  for (int y = 0; y < height; ++y) std::memcpy(&spread[y * stride], &grey.pixels[static_cast<std::size_t>(y) * width], width);
  edgesift::Extractor fresh;
  const Result again(fresh.extract(spread.data(), width, height, stride, p));
  require(again.beginsWith(result) && result.beginsWith(again), "depends on the stride or on earlier images");

  if (p.features > 0) {
    edgesift::Parameters unlimited = p;
    unlimited.features = 0;
    const Result all(reused.extract(grey.pixels.data(), width, height, width, unlimited));
    require(all.beginsWith(result), "the selection is not the beginning of all keypoints");
    require(result.count() == std::min(all.count(), static_cast<std::size_t>(p.features)), "too few selected");
  }
}

std::size_t residentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * 4096;
}

/// An image like one before takes no memory.
void checkSteadyState() {
  edgesift::Extractor extractor;
  const images::Grey grey = images::make("texture", 300, 200, 7);
  extractor.extract(grey.pixels.data(), grey.width, grey.height, grey.width);
  const std::size_t before = allocations;
  extractor.extract(grey.pixels.data(), grey.width, grey.height, grey.width);
  require(allocations == before, "allocates for an image like the one before");
}

void checkGrowth(int count) {
  edgesift::Extractor extractor;
  std::size_t early = 0;
  for (int i = 0; i < count; ++i) {
    const int side = 60 + 37 * (i % 7);
    const images::Grey grey = images::make("texture", side + i % 5, side, static_cast<std::uint32_t>(i % 35));
    extractor.extract(grey.pixels.data(), grey.width, grey.height, grey.width);
    if (i == count / 10) early = residentBytes();
  }
  const std::size_t late = residentBytes();
  std::printf("resident after %d images: %zu, after %d: %zu\n", count / 10 + 1, early, count, late);
  require(late <= early + (std::size_t{1} << 20), "memory grows");
}

}  // namespace

int main(int argc, char** argv) {
  int cases = 300;
  std::uint32_t seed = 1;
  int growth = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    if (option == "--cases") cases = std::stoi(argv[i + 1]);
    if (option == "--seed") seed = static_cast<std::uint32_t>(std::stoul(argv[i + 1]));
    if (option == "--growth") growth = std::stoi(argv[i + 1]);
  }
  std::uint32_t current = seed;
  try {
    if (growth > 0) {
      checkGrowth(growth);
      return 0;
    }
    checkSteadyState();
    edgesift::Extractor reused;
    for (; current < seed + static_cast<std::uint32_t>(cases); ++current) checkOne(reused, current);
    std::printf("%d cases\n", cases);
    return 0;
  } catch (const std::exception& error) {
    std::printf("seed %u: %s\n", current, error.what());
    return 1;
  }
}
