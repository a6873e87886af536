// Dense descriptors and encodings on every instruction set that this processor has: the bytes must be the same. Exit code
// 1 on a difference.

#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "classifier.hpp"
#include "edgesift/dense_sift.hpp"
#include "images.hpp"
#include "training/random.hpp"

namespace {

using edgesift::InstructionSet;
using namespace edgesift::vehicles;

int differences = 0;

void report(const std::string& what, InstructionSet set) {
  std::printf("%s differs on %s\n", what.c_str(), edgesift::name(set));
  ++differences;
}

template <typename Element>
bool same(const std::vector<Element>& a, const std::vector<Element>& b) {
  if (a.size() != b.size()) return false;
  return a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(Element)) == 0;
}

std::vector<InstructionSet> supportedSets() {
  std::vector<InstructionSet> sets;
  for (const InstructionSet set :
       {InstructionSet::portable, InstructionSet::neon, InstructionSet::avx2, InstructionSet::avx512})
    if (edgesift::isSupported(set)) sets.push_back(set);
  return sets;
}

std::vector<float> describe(InstructionSet set, const images::Grey& image) {
  const std::vector<float> grey(image.pixels.begin(), image.pixels.end());
  edgesift::DenseExtractor extractor(set);
  const edgesift::DenseFeatures features = extractor.extract(grey.data(), image.width, image.height);
  std::vector<float> all(features.descriptors, features.descriptors + features.count * 128);
  all.insert(all.end(), features.xy, features.xy + features.count * 2);
  return all;
}

/// Numbers in [-1/2, 1/2).
std::vector<float> numbers(Random& random, std::size_t count) {
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.below(1 << 20)) / (1 << 20) - 0.5f;
  return values;
}

VocabularyParameters vocabulary(int components) {
  Random random(7);
  VocabularyParameters parameters;
  parameters.longest = 96;
  parameters.projection = numbers(random, kDescriptor * kProjected);
  parameters.mean = numbers(random, kDescriptor);
  parameters.weights.assign(components, 1.0f / static_cast<float>(components));
  parameters.means = numbers(random, static_cast<std::size_t>(components) * kDimensions);
  parameters.variances.assign(static_cast<std::size_t>(components) * kDimensions, 0.3f);
  return parameters;
}

std::vector<std::uint8_t> coloured(const images::Grey& image) {
  std::vector<std::uint8_t> pixels;
  for (const std::uint8_t value : image.pixels) pixels.insert(pixels.end(), {value, std::uint8_t(255 - value), 90});
  return pixels;
}

void compareDescriptors() {
  for (const char* kind : {"texture", "noise", "edges", "checkers", "flat"})
    for (const auto& [width, height] : {std::pair{97, 61}, {160, 120}, {15, 200}, {12, 12}, {1, 1}}) {
      const images::Grey image = images::make(kind, width, height, 3);
      const std::vector<float> expected = describe(InstructionSet::portable, image);
      for (const float value : expected)
        if (!std::isfinite(value)) return report(std::string(kind) + ": not finite", InstructionSet::portable);
      for (const InstructionSet set : supportedSets())
        if (!same(describe(set, image), expected)) report(kind, set);
    }
}

void compareEncodings() {
  const images::Grey image = images::make("texture", 150, 100, 5);
  const std::vector<std::uint8_t> pixels = coloured(image);
  const RgbView view{pixels.data(), image.width, image.height};
  const QuantizedEncoding expected = Classifier(vocabulary(5), {}, InstructionSet::portable).encode(view).joined;
  for (const InstructionSet set : supportedSets())
    if (!same(Classifier(vocabulary(5), {}, set).encode(view).joined.values, expected.values)) report("encoding", set);
}

/// Descriptors of the mirrored image are those of the image in another order, where the grids fall together.
void compareMirrored() {
  const images::Grey image = images::make("texture", 94, 62, 9);
  images::Grey mirrored = image;
  for (int y = 0; y < image.height; ++y)
    for (int x = 0; x < image.width; ++x)
      mirrored.pixels[y * image.width + x] = image.pixels[y * image.width + image.width - 1 - x];
  const std::vector<float> left(image.pixels.begin(), image.pixels.end());
  const std::vector<float> right(mirrored.pixels.begin(), mirrored.pixels.end());
  edgesift::DenseExtractor first;
  edgesift::DenseExtractor second;
  const edgesift::DenseParameters parameters{{3}, 4};
  const edgesift::DenseFeatures a = first.extract(left.data(), image.width, image.height, parameters);
  const edgesift::DenseFeatures b = second.extract(right.data(), image.width, image.height, parameters);
  const int perRow = (image.width - 10) / 4 + 1;
  const int* order = edgesift::mirroredDescriptorOrder();
  float greatest = 0;
  for (std::size_t i = 0; i < a.count; ++i) {
    const std::size_t opposite = i / perRow * perRow + perRow - 1 - i % perRow;
    for (int k = 0; k < 128; ++k)
      greatest = std::max(greatest, std::fabs(a.descriptors[i * 128 + order[k]] - b.descriptors[opposite * 128 + k]));
  }
  if (a.count == 0 || a.count != b.count || greatest > 2e-3f) report("mirrored order", edgesift::bestInstructionSet());
}

}  // namespace

int main() {
  compareDescriptors();
  compareEncodings();
  compareMirrored();
  return differences == 0 ? 0 : 1;
}
