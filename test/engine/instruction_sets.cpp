// Runs every instruction set this processor has over images and parameters and compares the bytes of the results.
// Prints a digest of each case, so that processors of different kinds can be compared too. Exit code 1 on a
// difference.
//
//   instruction_sets [--quick]

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "edgesift/sift.hpp"
#include "images.hpp"

namespace {

using edgesift::InstructionSet;

std::vector<std::uint8_t> bytesOf(const edgesift::Features& f) {
  std::vector<std::uint8_t> bytes;
  const auto append = [&](const void* data, std::size_t size) {
    const auto* from = static_cast<const std::uint8_t*>(data);
    bytes.insert(bytes.end(), from, from + size);
  };
  append(f.xy, 2 * f.count * sizeof(float));
  append(f.size, f.count * sizeof(float));
  append(f.angle, f.count * sizeof(float));
  append(f.response, f.count * sizeof(float));
  append(f.octave, f.count * sizeof(std::int32_t));
  append(f.descriptors, 128 * f.count);
  return bytes;
}

/// FNV-1a, 64 bits (G. Fowler, L. Noll, K.-P. Vo).
std::uint64_t digest(const std::vector<std::uint8_t>& bytes) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3u;
  return hash;
}

struct Case {
  std::string kind;
  int width;
  int height;
  edgesift::Parameters parameters;
};

std::vector<Case> cases(bool quick) {
  std::vector<Case> all;
  // Kinds made without the C library's functions: the same pixels everywhere.
  for (const char* kind : {"texture", "noise", "edges", "checkers"}) {
    all.push_back({kind, 97, 61, {}});
    if (quick) continue;
    all.push_back({kind, 320, 240, {}});
    all.push_back({kind, 640, 512, {}});
    all.push_back({kind, 33, 500, {}});
    all.push_back({kind, 700, 21, {}});
    all.push_back({kind, 128, 128, {50, 3, 0.04, 10, 1.6}});
    all.push_back({kind, 150, 110, {0, 1, 0.01, 20, 1.0}});
    all.push_back({kind, 150, 110, {0, 5, 0.02, 5, 2.4}});
    all.push_back({kind, 131, 77, {0, 2, 0, 50, 0.6}});
    all.push_back({kind, 90, 90, {0, 4, 0.03, 10, 6}});
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const bool quick = argc > 1 && std::strcmp(argv[1], "--quick") == 0;
  bool equal = true;
  for (const Case& c : cases(quick)) {
    const images::Grey grey = images::make(c.kind, c.width, c.height, 7);
    std::vector<std::uint8_t> expected;
    bool isFirst = true;
    for (const InstructionSet set :
         {InstructionSet::portable, InstructionSet::neon, InstructionSet::avx2, InstructionSet::avx512}) {
      if (!edgesift::isSupported(set)) continue;
      edgesift::Extractor extractor(set);
      const edgesift::Features features =
          extractor.extract(grey.pixels.data(), grey.width, grey.height, grey.width, c.parameters);
      const std::vector<std::uint8_t> bytes = bytesOf(features);
      if (isFirst) {
        std::printf("%s %dx%d layers=%d sigma=%g keypoints=%zu digest=%016llx\n", c.kind.c_str(), c.width, c.height,
                    c.parameters.octaveLayers, c.parameters.sigma, features.count,
                    static_cast<unsigned long long>(digest(bytes)));
        expected = bytes;
        isFirst = false;
      } else if (bytes != expected) {
        std::printf("%s differs from portable\n", edgesift::name(set));
        equal = false;
      }
    }
  }
  return equal ? 0 : 1;
}
