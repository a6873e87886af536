#include "opencv/dispatch_level.h"

#include <array>
#include <set>
#include <sstream>
#include <string>

namespace edgesift::addon {

namespace {

struct Level {
  const char* feature;  ///< OpenCV's name
  const char* name;
};

// The levels that OpenCV compiles SIFT and the filters below it for, weakest first.
constexpr std::array<Level, 3> kX86Levels{{{"SSE4.1", "sse4.1"}, {"AVX2", "avx2"}, {"AVX512-SKX", "avx512"}}};

std::set<std::string> usableFeatures(const std::string& featuresLine) {
  std::set<std::string> usable;
  std::istringstream words(featuresLine);
  for (std::string word; words >> word;) {
    if (word.back() == '?') continue;
    usable.insert(word.front() == '*' ? word.substr(1) : word);
  }
  return usable;
}

}  // namespace

std::string dispatchLevel(const std::string& featuresLine) {
  const std::set<std::string> usable = usableFeatures(featuresLine);
  if (usable.count("NEON") != 0) return "neon";

  // OPENCV_CPU_DISABLE can take out a weaker level alone; then OpenCV mixes levels, and the name says so.
  std::string level = "baseline";
  std::string missing;
  std::string missingSoFar;
  for (const Level& candidate : kX86Levels) {
    if (usable.count(candidate.feature) == 0) {
      missingSoFar += std::string("-without-") + candidate.name;
      continue;
    }
    level = candidate.name;
    missing = missingSoFar;
  }
  return level + missing;
}

}  // namespace edgesift::addon
