// An image as one vector: dense SIFT, projected, assigned to a Gaussian mixture, summed up as an improved Fisher vector
// (F. Perronnin, J. Sanchez, T. Mensink, "Improving the Fisher kernel for large-scale image classification", ECCV 2010).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "edgesift/dense_sift.hpp"
#include "kernels.hpp"
#include "resampling.hpp"

namespace edgesift::vehicles {

inline constexpr int kDescriptor = 128;
/// Principal components that are kept of a descriptor.
inline constexpr int kProjected = 64;
/// They and the position, x / width - 1/2 and y / height - 1/2.
inline constexpr int kDimensions = kProjected + 2;
/// Of a working row: the dimensions, their squares, zeros.
inline constexpr int kRowFloats = 144;

struct VocabularyParameters {
  /// Longer side that an image is brought to.
  int longest = 256;
  DenseParameters dense;
  /// [128][64], row-major, and the mean descriptor.
  std::vector<float> projection;
  std::vector<float> mean;
  /// [K], [K][66], [K][66].
  std::vector<float> weights;
  std::vector<float> means;
  std::vector<float> variances;
};

/// What descriptors are encoded with. Immutable once made.
class Vocabulary {
 public:
  /// Throws std::invalid_argument for sizes that do not fit, or values that are not finite, or weights and variances that
  /// are not positive.
  explicit Vocabulary(VocabularyParameters parameters);

  const VocabularyParameters& parameters() const noexcept { return parameters_; }
  int components() const noexcept { return static_cast<int>(parameters_.weights.size()); }
  /// Of an encoding: components * 132, padded to a multiple of 64.
  int length() const noexcept { return length_; }

 private:
  friend class Encoder;

  VocabularyParameters parameters_;
  int columns_ = 0;
  int length_ = 0;
  std::vector<float> projectionPanels_;
  std::vector<float> projectionOffset_;
  std::vector<float> likelihoodPanels_;
  std::vector<float> likelihoodOffset_;
  /// The same for descriptors of unknown position.
  std::vector<float> placelessPanels_;
  std::vector<float> placelessOffset_;
};

/// A descriptor's share in a component.
struct Assignment {
  std::int32_t descriptor;
  std::int32_t component;
  float posterior;
};

/// One view of an image, before the views are joined.
struct View {
  std::size_t descriptors = 0;
  /// Fisher vector, [K][first 66 | second 66], signed square roots, not normalised.
  std::vector<float> roots;
  double norm = 0;
  /// Where they were requested: [descriptors][kRowFloats], [descriptors][2], and what is not 0 of the posteriors.
  std::vector<float> rows;
  std::vector<float> xy;
  std::vector<Assignment> assignments;
};

/// Working memory of one thread for one vocabulary, which must live as long.
class Encoder {
 public:
  explicit Encoder(const Vocabulary& vocabulary, InstructionSet set = bestInstructionSet());

  /// Descriptors of the image, which `view` and `placeless` work on: on the vocabulary's grid, or on another.
  void describe(const GreyImage& image) { describe(image, vocabulary_.parameters().dense); }
  void describe(const GreyImage& image, const DenseParameters& dense);
  const DenseFeatures& features() const noexcept { return features_; }

  View view(bool mirrored, bool keepRows);

  /// Calls visit(descriptor, row, assignments, count) for every descriptor at any position.
  template <typename Visit>
  void placeless(const Visit& visit) {
    forEachChunk(false, vocabulary_.placelessPanels_, vocabulary_.placelessOffset_, visit);
  }

  const Kernels& kernels() const noexcept { return kernels_; }

 private:
  template <typename Visit>
  void forEachChunk(bool mirrored, const std::vector<float>& panels, const std::vector<float>& offset,
                    const Visit& visit) {
    for (std::size_t begin = 0; begin < features_.count; begin += kChunk) {
      const int count = static_cast<int>(std::min<std::size_t>(kChunk, features_.count - begin));
      projectChunk(begin, count, mirrored);
      kernels_.multiply(rows_.data(), kRowFloats, count, panels.data(), 2 * kDimensions, vocabulary_.columns_,
                        offset.data(), likelihoods_.data(), vocabulary_.columns_);
      for (int i = 0; i < count; ++i) {
        const int assigned = assign(likelihoods_.data() + static_cast<std::size_t>(i) * vocabulary_.columns_,
                                    static_cast<std::int32_t>(begin + i));
        visit(begin + i, rows_.data() + static_cast<std::size_t>(i) * kRowFloats, assigned_.data(), assigned);
      }
    }
  }

  static constexpr int kChunk = 96;

  void projectChunk(std::size_t begin, int count, bool mirrored);
  int assign(const float* likelihoods, std::int32_t descriptor);

  const Vocabulary& vocabulary_;
  const Kernels& kernels_;
  DenseExtractor extractor_;
  DenseFeatures features_;
  int width_ = 0;
  int height_ = 0;
  std::vector<float> mirroredDescriptors_, rows_, likelihoods_;
  std::vector<std::int32_t> candidates_;
  std::vector<Assignment> assigned_;
};

/// Views summed up after each was normalised, normalised again.
std::vector<float> joinViews(const std::vector<View>& views, int length);

/// An encoding in 12 bits, as it is scored and as training keeps it: value[i] is about values[i] * scale.
struct QuantizedEncoding {
  std::vector<std::int16_t> values;
  float scale = 0;
};
inline constexpr int kGreatestQuantum = 2047;
QuantizedEncoding quantize(const std::vector<float>& encoding);

/// Factors, one for each component, that divide its part of an encoding by the square root of that part's norm, and give
/// the whole the norm 1: a pattern that an image repeats outweighs the others less. Half-way to the intra-normalisation
/// of R. Arandjelovic and A. Zisserman, "All about VLAD", CVPR 2013. Zero where the part is.
std::vector<double> balanceFactors(const QuantizedEncoding& encoding, int components);
/// The encoding times its factors.
QuantizedEncoding balanced(const QuantizedEncoding& encoding, const std::vector<double>& factors);

/// Matrix [depth][columns], row-major, in the panels that Kernels::multiply reads; missing columns are `fill`.
std::vector<float> packPanels(const float* matrix, int depth, int columns, float fill = 0);
/// Columns with the padding.
constexpr int paddedColumns(int columns) { return (columns + kPanel - 1) / kPanel * kPanel; }

}  // namespace edgesift::vehicles
