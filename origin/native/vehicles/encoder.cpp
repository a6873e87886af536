#include "encoder.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

#include "numbers.hpp"

namespace edgesift::vehicles {

namespace {

/// Posteriors below it are dropped: they cost time and change nothing.
constexpr float kLeastPosterior = 0.004f;
/// Components whose log-likelihood is further below the best take no part in the sum.
constexpr float kLikelihoodMargin = 9.0f;
constexpr double kLogTwoPi = 1.83787706640934548356;
/// Log-likelihood of components that only fill a panel.
constexpr float kNever = -1e30f;

void requireAll(const std::vector<float>& values, std::size_t count, bool positive, const char* what) {
  const auto allowed = [positive](float value) { return std::isfinite(value) && (!positive || value > 0); };
  if (values.size() != count || !std::all_of(values.begin(), values.end(), allowed))
    throw std::invalid_argument(std::string(what) + ": wrong size or values");
}

struct LogLikelihood {
  std::vector<float> panels;
  std::vector<float> offset;
};

/// Log-density of each component as a linear function of a row: of the first `dimensions` values and their squares.
LogLikelihood logLikelihood(const VocabularyParameters& parameters, int dimensions) {
  const int components = static_cast<int>(parameters.weights.size());
  std::vector<float> matrix(static_cast<std::size_t>(2 * kDimensions) * components);
  std::vector<float> offset(paddedColumns(components), kNever);
  for (int k = 0; k < components; ++k) {
    double constant = naturalLogarithm(parameters.weights[k]);
    for (int d = 0; d < dimensions; ++d) {
      const double mean = parameters.means[static_cast<std::size_t>(k) * kDimensions + d];
      const double variance = parameters.variances[static_cast<std::size_t>(k) * kDimensions + d];
      matrix[static_cast<std::size_t>(d) * components + k] = static_cast<float>(mean / variance);
      matrix[static_cast<std::size_t>(kDimensions + d) * components + k] = static_cast<float>(-0.5 / variance);
      constant -= 0.5 * (kLogTwoPi + naturalLogarithm(variance) + mean * mean / variance);
    }
    offset[k] = static_cast<float>(constant);
  }
  return {packPanels(matrix.data(), 2 * kDimensions, components), offset};
}

}  // namespace

std::vector<float> packPanels(const float* matrix, int depth, int columns, float fill) {
  const int padded = paddedColumns(columns);
  std::vector<float> panels(static_cast<std::size_t>(padded) * depth, fill);
  for (int k = 0; k < depth; ++k)
    for (int n = 0; n < columns; ++n)
      panels[(static_cast<std::size_t>(n / kPanel) * depth + k) * kPanel + n % kPanel] =
          matrix[static_cast<std::size_t>(k) * columns + n];
  return panels;
}

Vocabulary::Vocabulary(VocabularyParameters parameters) : parameters_(std::move(parameters)) {
  const std::size_t components = parameters_.weights.size();
  if (components < 1 || components > 4096) throw std::invalid_argument("1 to 4096 components");
  if (parameters_.longest < 16 || parameters_.longest > 1024) throw std::invalid_argument("side of 16 to 1024 pixels");
  requireAll(parameters_.projection, kDescriptor * kProjected, false, "projection");
  requireAll(parameters_.mean, kDescriptor, false, "mean");
  requireAll(parameters_.weights, components, true, "weights");
  requireAll(parameters_.means, components * kDimensions, false, "means");
  requireAll(parameters_.variances, components * kDimensions, true, "variances");
  columns_ = paddedColumns(static_cast<int>(components));
  length_ = paddedColumns(static_cast<int>(components) * 2 * kDimensions);
  projectionPanels_ = packPanels(parameters_.projection.data(), kDescriptor, kProjected);
  for (int n = 0; n < kProjected; ++n) {
    double offset = 0;
    for (int k = 0; k < kDescriptor; ++k)
      offset -= static_cast<double>(parameters_.mean[k]) * parameters_.projection[k * kProjected + n];
    projectionOffset_.push_back(static_cast<float>(offset));
  }
  LogLikelihood placed = logLikelihood(parameters_, kDimensions);
  likelihoodPanels_ = std::move(placed.panels);
  likelihoodOffset_ = std::move(placed.offset);
  LogLikelihood placeless = logLikelihood(parameters_, kProjected);
  placelessPanels_ = std::move(placeless.panels);
  placelessOffset_ = std::move(placeless.offset);
}

Encoder::Encoder(const Vocabulary& vocabulary, InstructionSet set)
    : vocabulary_(vocabulary),
      kernels_(kernelsFor(set)),
      extractor_(set),
      mirroredDescriptors_(static_cast<std::size_t>(kChunk) * kDescriptor),
      rows_(static_cast<std::size_t>(kChunk) * kRowFloats),
      likelihoods_(static_cast<std::size_t>(kChunk) * vocabulary.columns_),
      candidates_(vocabulary.columns_),
      assigned_(vocabulary.columns_) {}

void Encoder::describe(const GreyImage& image, const DenseParameters& dense) {
  width_ = image.width;
  height_ = image.height;
  features_ = extractor_.extract(image.values.data(), width_, height_, dense);
}

void Encoder::projectChunk(std::size_t begin, int count, bool mirrored) {
  const float* descriptors = features_.descriptors + begin * kDescriptor;
  if (mirrored) {
    const int* order = mirroredDescriptorOrder();
    for (int i = 0; i < count; ++i)
      for (int k = 0; k < kDescriptor; ++k)
        mirroredDescriptors_[static_cast<std::size_t>(i) * kDescriptor + k] = descriptors[i * kDescriptor + order[k]];
    descriptors = mirroredDescriptors_.data();
  }
  kernels_.multiply(descriptors, kDescriptor, count, vocabulary_.projectionPanels_.data(), kDescriptor, kProjected,
                    vocabulary_.projectionOffset_.data(), rows_.data(), kRowFloats);
  const float xScale = 1.0f / static_cast<float>(width_);
  const float yScale = 1.0f / static_cast<float>(height_);
  for (int i = 0; i < count; ++i) {
    float* row = rows_.data() + static_cast<std::size_t>(i) * kRowFloats;
    const float x = features_.xy[2 * (begin + i)];
    row[kProjected] = (mirrored ? static_cast<float>(width_ - 1) - x : x) * xScale - 0.5f;
    row[kProjected + 1] = features_.xy[2 * (begin + i) + 1] * yScale - 0.5f;
    for (int d = 0; d < kDimensions; ++d) row[kDimensions + d] = row[d] * row[d];
    for (int d = 2 * kDimensions; d < kRowFloats; ++d) row[d] = 0;
  }
}

int Encoder::assign(const float* likelihoods, std::int32_t descriptor) {
  const int found =
      kernels_.nearGreatest(likelihoods, vocabulary_.columns_, kLikelihoodMargin, candidates_.data());
  float greatest = likelihoods[candidates_[0]];
  for (int i = 1; i < found; ++i) greatest = std::max(greatest, likelihoods[candidates_[i]]);
  float sum = 0;
  for (int i = 0; i < found; ++i) {
    const float likelihood = exponentialOf(likelihoods[candidates_[i]] - greatest);
    assigned_[i] = {descriptor, candidates_[i], likelihood};
    sum += likelihood;
  }
  int kept = 0;
  const float share = 1.0f / sum;
  for (int i = 0; i < found; ++i) {
    const float posterior = assigned_[i].posterior * share;
    if (posterior >= kLeastPosterior) assigned_[kept++] = {descriptor, assigned_[i].component, posterior};
  }
  return kept;
}

View Encoder::view(bool mirrored, bool keepRows) {
  const int components = vocabulary_.components();
  std::vector<float> sums(static_cast<std::size_t>(components) * kRowFloats);
  std::vector<float> posteriors(components);
  View result;
  result.descriptors = features_.count;
  forEachChunk(mirrored, vocabulary_.likelihoodPanels_, vocabulary_.likelihoodOffset_,
               [&](std::size_t, const float* row, const Assignment* assignments, int count) {
                 for (int i = 0; i < count; ++i) {
                   const Assignment& assignment = assignments[i];
                   posteriors[assignment.component] += assignment.posterior;
                   kernels_.addScaled(assignment.posterior, row, kRowFloats,
                                      sums.data() + static_cast<std::size_t>(assignment.component) * kRowFloats);
                 }
                 if (!keepRows) return;
                 result.rows.insert(result.rows.end(), row, row + kRowFloats);
                 result.assignments.insert(result.assignments.end(), assignments, assignments + count);
               });
  if (keepRows) result.xy.assign(features_.xy, features_.xy + 2 * features_.count);
  result.roots.assign(vocabulary_.length(), 0.0f);
  if (features_.count == 0) return result;
  const VocabularyParameters& parameters = vocabulary_.parameters_;
  double squares = 0;
  for (int k = 0; k < components; ++k) {
    const double weight = parameters.weights[k];
    const double firstFactor = 1 / (static_cast<double>(features_.count) * std::sqrt(weight));
    const double secondFactor = 1 / (static_cast<double>(features_.count) * std::sqrt(2 * weight));
    const double posterior = posteriors[k];
    for (int d = 0; d < kDimensions; ++d) {
      const double mean = parameters.means[static_cast<std::size_t>(k) * kDimensions + d];
      const double variance = parameters.variances[static_cast<std::size_t>(k) * kDimensions + d];
      const double first = sums[static_cast<std::size_t>(k) * kRowFloats + d];
      const double second = sums[static_cast<std::size_t>(k) * kRowFloats + kDimensions + d];
      const double gradients[2] = {
          firstFactor * (first - mean * posterior) / std::sqrt(variance),
          secondFactor * ((second - 2 * mean * first + mean * mean * posterior) / variance - posterior)};
      for (int order = 0; order < 2; ++order) {
        const double root = std::copysign(std::sqrt(std::fabs(gradients[order])), gradients[order]);
        result.roots[(static_cast<std::size_t>(k) * 2 + order) * kDimensions + d] = static_cast<float>(root);
        squares += std::fabs(gradients[order]);
      }
    }
  }
  result.norm = std::sqrt(squares);
  return result;
}

std::vector<float> joinViews(const std::vector<View>& views, int length) {
  std::vector<float> sum(length);
  for (const View& view : views) {
    const float scale = view.norm > 0 ? static_cast<float>(1 / view.norm) : 0;
    for (int i = 0; i < length; ++i) sum[i] += view.roots[i] * scale;
  }
  double squares = 0;
  for (const float value : sum) squares += static_cast<double>(value) * value;
  const float scale = squares > 0 ? static_cast<float>(1 / std::sqrt(squares)) : 0;
  for (float& value : sum) value *= scale;
  return sum;
}

QuantizedEncoding quantize(const std::vector<float>& encoding) {
  float greatest = 0;
  for (const float value : encoding) greatest = std::max(greatest, std::fabs(value));
  QuantizedEncoding result{std::vector<std::int16_t>(encoding.size()), greatest / kGreatestQuantum};
  if (!(greatest > 0)) return result;
  const float factor = kGreatestQuantum / greatest;
  for (std::size_t i = 0; i < encoding.size(); ++i) {
    // Adding and subtracting 1.5 * 2^23 rounds to the nearest integer.
    const float rounded = (encoding[i] * factor + 12582912.0f) - 12582912.0f;
    result.values[i] = static_cast<std::int16_t>(rounded);
  }
  return result;
}

std::vector<double> balanceFactors(const QuantizedEncoding& encoding, int components) {
  constexpr int kPart = 2 * kDimensions;
  std::vector<double> factors(components);
  double total = 0;
  for (int k = 0; k < components; ++k) {
    const std::int16_t* part = encoding.values.data() + static_cast<std::size_t>(k) * kPart;
    std::int64_t squares = 0;
    for (int i = 0; i < kPart; ++i) squares += static_cast<std::int32_t>(part[i]) * part[i];
    const double norm = static_cast<double>(encoding.scale) * std::sqrt(static_cast<double>(squares));
    if (norm > 0) factors[k] = 1 / std::sqrt(norm);
    total += norm;
  }
  for (double& factor : factors) factor = total > 0 ? factor / std::sqrt(total) : 0;
  return factors;
}

QuantizedEncoding balanced(const QuantizedEncoding& encoding, const std::vector<double>& factors) {
  constexpr std::size_t kPart = 2 * kDimensions;
  std::vector<float> values(encoding.values.size());
  for (std::size_t k = 0; k < factors.size(); ++k) {
    const float factor = static_cast<float>(factors[k] * encoding.scale);
    for (std::size_t i = k * kPart; i < (k + 1) * kPart; ++i) values[i] = factor * encoding.values[i];
  }
  return quantize(values);
}

}  // namespace edgesift::vehicles
