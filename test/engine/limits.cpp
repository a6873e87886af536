// What the engine refuses to spend, and how it is ended early. Exit code 1 and a line that says what failed.

#include <atomic>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "edgesift/sift.hpp"
#include "images.hpp"

namespace {

using edgesift::Cancellation;
using edgesift::Extractor;
using edgesift::Parameters;

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

std::vector<std::uint8_t> descriptorsOf(Extractor& extractor, const images::Grey& grey, const Parameters& p = {}) {
  const edgesift::Features f = extractor.extract(grey.pixels.data(), grey.width, grey.height, grey.width, p);
  return {f.descriptors, f.descriptors + 128 * f.count};
}

template <typename Refusal>
bool refuses(Extractor& extractor, const images::Grey& grey, const Parameters& p, const Cancellation& cancellation) {
  try {
    extractor.extract(grey.pixels.data(), grey.width, grey.height, grey.width, p, cancellation);
    return false;
  } catch (const Refusal&) {
    return true;
  }
}

/// Where the threshold of the scan is 0, every pixel of a flat area was a candidate.
void checkPlateaus() {
  Extractor extractor;
  const Parameters wide = {0, 2, 0.01, 10, 8, 0};
  require(descriptorsOf(extractor, images::make("flat", 300, 200, 1), wide).empty(), "a flat image has keypoints");
  for (const edgesift::InstructionSet set :
       {edgesift::InstructionSet::portable, edgesift::InstructionSet::neon, edgesift::InstructionSet::avx2,
        edgesift::InstructionSet::avx512}) {
    if (!edgesift::isSupported(set)) continue;
    Extractor other(set);
    const images::Grey image = images::make("edges", 300, 200, 5);
    const Parameters many = {0, 8, 0, 10, 1.6, 0};
    require(descriptorsOf(other, image, many) == descriptorsOf(extractor, image, many), "instruction sets differ");
  }
}

/// The pixels are never looked at: there are none.
void checkAbsoluteLimit() {
  Extractor extractor;
  const images::Grey huge = {9000, 5500, {}};
  const Parameters slow = {0, 8, 0.04, 10, 10, 0};
  require(refuses<edgesift::TooMuchWork>(extractor, huge, slow, {}), "begins what it cannot finish");
}

void checkCancellation() {
  Extractor extractor;
  const images::Grey small = images::make("texture", 320, 240, 7);
  const std::vector<std::uint8_t> expected = descriptorsOf(extractor, small);
  std::atomic<std::int32_t> flag{1};
  require(refuses<edgesift::Cancelled>(extractor, small, {}, Cancellation(&flag)), "begins although cancelled");

  // Takes ten seconds or more.
  const images::Grey large = images::make("noise", 4000, 3000, 7);
  const Parameters slow = {0, 8, 0.04, 10, 10, 0};
  flag = 0;
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    flag = 1;
  });
  const bool ended = refuses<edgesift::Cancelled>(extractor, large, slow, Cancellation(&flag));
  canceller.join();
  require(ended, "goes on although cancelled");
  flag = 0;
  require(descriptorsOf(extractor, small) == expected, "what was cancelled shows in a later image");
}

}  // namespace

int main() {
  try {
    checkPlateaus();
    checkAbsoluteLimit();
    checkCancellation();
    return 0;
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
}
