// An image to scores: where the vehicle is, its encoding, the linear heads, what spoke for the class.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "colour.hpp"
#include "edgesift/sift.hpp"
#include "encoder.hpp"
#include "search.hpp"

namespace edgesift::vehicles {

/// Rows of weights in 4 bits each, as Kernels::dotPacked reads them.
struct Heads {
  int count = 0;
  /// [count][length / 2].
  std::vector<std::uint8_t> packed;
  std::vector<float> scales;
  std::vector<float> biases;
};

struct ColourModel {
  ColourVocabulary vocabulary;
  /// Training descriptions, [rows][length] in 8 bits, scaled by `rowScales`.
  std::vector<std::int8_t> rows;
  std::vector<float> rowScales;
  /// [rows][labels].
  std::vector<float> coefficients;
  std::vector<float> biases;
};

struct ModelParameters {
  Heads heads;
  /// Row of the head that says whether it is a vehicle, or -1.
  int vehicleRow = -1;
  /// First of four rows: space left, above, right and below of the vehicle, as shares of the image's sides; or -1.
  int marginsRow = -1;
  /// [classes][terms]: rows whose scores, times `factors`, are the logit of a class.
  std::vector<std::int32_t> classRows;
  std::vector<float> factors;
  std::optional<SearchModel> search;
  std::optional<ColourModel> colour;
};

struct Figures {
  int shorterSide = 0;
  int longerSide = 0;
  double brightness = 0;
  double contrast = 0;
  double sharpness = 0;
  double otherVehicle = 0;
  double cut = 0;
};

struct Explanation {
  int classIndex = 0;
  int columns = 0;
  int rows = 0;
  std::vector<float> values;
  double logit = 0;
  double bias = 0;
};

enum class BoxSource { caller, found, whole };

struct Result {
  Rectangle box;
  BoxSource boxSource = BoxSource::whole;
  /// One for each row of the heads.
  std::vector<double> scores;
  /// One for each class.
  std::vector<double> logits;
  /// One for each colour.
  std::vector<double> colours;
  Figures figures;
  /// The encoding is that of an image in which nothing can be seen.
  bool empty = false;
  std::optional<Explanation> explanation;
  double searchMs = 0;
  double encodeMs = 0;
  double scoreMs = 0;
};

/// The vectors that training learns from.
struct TrainingEncoding {
  /// Of both views, balanced.
  QuantizedEncoding joined;
  /// Of the image as it is, not mirrored: only this one knows left from right.
  QuantizedEncoding single;
};

/// A vocabulary with what was learned on it; one object per thread.
class Classifier {
 public:
  /// Throws std::invalid_argument where sizes do not fit each other.
  Classifier(VocabularyParameters vocabulary, ModelParameters model, InstructionSet set = bestInstructionSet());

  int length() const noexcept { return vocabulary_.length(); }

  /// Throws std::invalid_argument for an image without pixels or a box that does not overlap it; Cancelled before the
  /// next part of the image is encoded, which takes some 50 ms.
  Result classify(const RgbView& image, const std::optional<Rectangle>& box, bool explain,
                  const Cancellation& cancellation);

  TrainingEncoding encode(const RgbView& image);

  /// See search_training.hpp.
  std::vector<float> sampleSearch(const GreyImage& image, std::size_t count, std::uint64_t seed);

 private:
  struct Encoded;

  /// `views`: 1 for the image as it is, 2 for its mirror image too.
  Encoded encodePart(const RgbView& image, const Rectangle& part, int views, bool keepRows,
                     const Cancellation& cancellation);
  double score(int row, const QuantizedEncoding& encoding) const;
  std::array<double, 4> margins(const View& view) const;
  /// Where the vehicle may be: where the regression on the whole image says, and where the search does. Empty if the image
  /// is a crop of the vehicle, or nothing is found.
  std::vector<Rectangle> findVehicle(const RgbView& image, const Encoded& whole, double& otherVehicle,
                                     const Cancellation& cancellation);
  Rectangle corrected(const RgbView& image, Rectangle place, const Cancellation& cancellation);
  Rectangle withoutMargins(const RgbView& image, const Rectangle& part, const std::array<double, 4>& margins) const;
  std::vector<double> classLogits(const std::vector<double>& scores) const;
  std::vector<double> colourScores(const RgbView& image, const Rectangle& part) const;
  Explanation explain(const Encoded& encoded, const std::vector<double>& logits) const;
  void checkModel() const;

  Vocabulary vocabulary_;
  ModelParameters model_;
  Encoder encoder_;
};

}  // namespace edgesift::vehicles
