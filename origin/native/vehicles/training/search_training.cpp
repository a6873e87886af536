#include "training/search_training.hpp"

#include <algorithm>
#include <numeric>

#include "elementary.hpp"
#include "search.hpp"
#include "training/random.hpp"

namespace edgesift::vehicles {

namespace {

constexpr double kFirstRate = 0.3;
constexpr double kDecay = 1e-6;

void appendSample(const float* row, std::vector<Assignment> assignments, std::vector<float>& samples) {
  std::stable_sort(assignments.begin(), assignments.end(),
                   [](const Assignment& a, const Assignment& b) { return a.posterior > b.posterior; });
  samples.insert(samples.end(), row, row + kProjected);
  for (std::size_t i = 0; i < kSampleComponents; ++i) {
    samples.push_back(i < assignments.size() ? static_cast<float>(assignments[i].component) : 0);
    samples.push_back(i < assignments.size() ? assignments[i].posterior : 0);
  }
}

template <typename Visit>
void forEachComponent(const float* sample, const Visit& visit) {
  for (int i = 0; i < kSampleComponents; ++i)
    visit(static_cast<std::size_t>(sample[kProjected + 2 * i]), sample[kProjected + 2 * i + 1]);
}

}  // namespace

std::vector<float> sampleSearch(Encoder& encoder, const GreyImage& image, std::size_t count, std::uint64_t seed) {
  encoder.describe(image, searchGrid());
  const std::size_t available = encoder.features().count;
  std::vector<std::size_t> order(available);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random random(seed);
  const std::size_t chosen = std::min(count, available);
  for (std::size_t i = 0; i < chosen; ++i) std::swap(order[i], order[i + random.below(available - i)]);
  std::vector<bool> wanted(available);
  for (std::size_t i = 0; i < chosen; ++i) wanted[order[i]] = true;
  std::vector<float> samples;
  encoder.placeless([&](std::size_t descriptor, const float* row, const Assignment* assignments, int assigned) {
    if (wanted[descriptor]) appendSample(row, {assignments, assignments + assigned}, samples);
  });
  return samples;
}

std::vector<float> trainSearch(const float* samples, std::size_t count, std::size_t positives, int components,
                               int epochs, std::uint64_t seed) {
  const std::size_t size = static_cast<std::size_t>(components) * kSearchWeights;
  std::vector<double> weights(size);
  std::vector<double> sums(size);
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random random(seed);
  const double total = static_cast<double>(count);
  const double ofPositives = total / (2 * std::max<double>(1, static_cast<double>(positives)));
  const double ofNegatives = total / (2 * std::max<double>(1, static_cast<double>(count - positives)));
  double step = 0;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    for (std::size_t i = 0; i < count; ++i, ++step) {
      const float* sample = samples + order[i] * kSampleFloats;
      const bool positive = order[i] < positives;
      double odds = 0;
      forEachComponent(sample, [&](std::size_t component, double posterior) {
        const double* of = weights.data() + component * kSearchWeights;
        double sum = of[kProjected];
        for (int d = 0; d < kProjected; ++d) sum += of[d] * sample[d];
        odds += posterior * sum;
      });
      const double probability = 1 / (1 + exponential(-std::clamp(odds, -30.0, 30.0)));
      const double rate = kFirstRate / (1 + 10 * step / (total * epochs));
      const double gradient = rate * (positive ? ofPositives * (1 - probability) : -ofNegatives * probability);
      forEachComponent(sample, [&](std::size_t component, double posterior) {
        double* of = weights.data() + component * kSearchWeights;
        for (int d = 0; d < kProjected; ++d) of[d] += gradient * posterior * sample[d] - rate * kDecay * of[d];
        of[kProjected] += gradient * posterior;
      });
    }
    if (2 * epoch >= epochs)
      for (std::size_t i = 0; i < size; ++i) sums[i] += weights[i];
  }
  const double averaged = epochs - (epochs + 1) / 2;
  std::vector<float> result;
  for (std::size_t i = 0; i < size; ++i)
    result.push_back(static_cast<float>(averaged > 0 ? sums[i] / averaged : weights[i]));
  return result;
}

}  // namespace edgesift::vehicles
