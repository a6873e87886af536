#include "classifier.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "elementary.hpp"
#include "training/search_training.hpp"

namespace edgesift::vehicles {

namespace {

/// Margins on all sides up to which an image counts as a tight crop of the vehicle: about the regression's error.
constexpr double kTightMargin = 0.03;
/// Margins up to which it counts as a crop with some room, which the regression alone finds.
constexpr double kLooseMargin = 0.08;
/// Before a place is corrected, first and again, each side gets as much room as the place's extent divided by this.
constexpr std::array<int, 2> kRoomDivisors = {12, 16};
/// Least side of a place to look at, in pixels.
constexpr int kLeastSide = 16;
/// How much less of a vehicle a place found may look than the whole image.
constexpr double kVehicleTolerance = 0.1;
/// Cells along the longer side of an explanation.
constexpr int kExplanationCells = 32;

class Stopwatch {
 public:
  double milliseconds() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

Rectangle clipped(const RgbView& image, const Rectangle& box) {
  const auto begin = [](long long at, int side) { return static_cast<int>(std::clamp<long long>(at, 0, side)); };
  const int left = begin(box.x, image.width);
  const int top = begin(box.y, image.height);
  const int right = begin(static_cast<long long>(box.x) + box.width, image.width);
  const int bottom = begin(static_cast<long long>(box.y) + box.height, image.height);
  if (right <= left || bottom <= top) throw std::invalid_argument("the box does not overlap the image");
  return {left, top, right - left, bottom - top};
}

/// Energy of second differences of neighbours relative to those of every second pixel.
double sharpnessOf(const GreyImage& image) {
  double fine = 0;
  double coarse = 0;
  for (int y = 0; y < image.height; ++y) {
    const float* row = image.values.data() + static_cast<std::size_t>(y) * image.width;
    for (int x = 2; x + 2 < image.width; ++x) {
      const double near = row[x - 1] - 2.0 * row[x] + row[x + 1];
      const double far = row[x - 2] - 2.0 * row[x] + row[x + 2];
      fine += near * near;
      coarse += far * far;
    }
  }
  return coarse > 0 ? fine / coarse : 0;
}

/// Whether the grey values hardly differ, or the image is too narrow for any descriptor.
bool isEmpty(const GreyImage& image) {
  if (std::min(image.width, image.height) < kLeastSide) return true;
  const auto [least, greatest] = std::minmax_element(image.values.begin(), image.values.end());
  return *greatest - *least < 2;
}

void measure(const GreyImage& image, Figures& figures) {
  double sum = 0;
  double squares = 0;
  for (const float value : image.values) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  const double count = static_cast<double>(image.values.size());
  figures.brightness = sum / count;
  figures.contrast = std::sqrt(std::max(0.0, squares / count - figures.brightness * figures.brightness));
  figures.sharpness = sharpnessOf(image);
}

std::vector<double> rawScores(const Heads& heads, const Kernels& kernels, const QuantizedEncoding& encoding) {
  std::vector<double> scores;
  const std::size_t bytes = encoding.values.size() / 2;
  for (int row = 0; row < heads.count; ++row) {
    const std::int32_t dot =
        kernels.dotPacked(heads.packed.data() + row * bytes, encoding.values.data(), static_cast<int>(2 * bytes));
    scores.push_back(heads.biases[row] + static_cast<double>(heads.scales[row]) * encoding.scale * dot);
  }
  return scores;
}

/// Adds `factor` times the weights of a row.
void addWeights(const Heads& heads, int row, double factor, std::vector<float>& sum) {
  const float scale = static_cast<float>(factor * heads.scales[row]);
  const std::uint8_t* packed = heads.packed.data() + static_cast<std::size_t>(row) * (sum.size() / 2);
  for (std::size_t block = 0; block < sum.size(); block += 64, packed += 32)
    for (int i = 0; i < 32; ++i) {
      sum[block + i] += scale * static_cast<float>((packed[i] & 15) - 8);
      sum[block + 32 + i] += scale * static_cast<float>((packed[i] >> 4) - 8);
    }
}

}  // namespace

struct Classifier::Encoded {
  GreyImage grey;
  /// As it is, then mirrored.
  std::vector<View> views;
  /// Of each component, what its part of the joined views was multiplied with.
  std::vector<double> factors;
  QuantizedEncoding balanced;
};

Classifier::Classifier(VocabularyParameters vocabulary, ModelParameters model, InstructionSet set)
    : vocabulary_(std::move(vocabulary)), model_(std::move(model)), encoder_(vocabulary_, set) {
  checkModel();
}

void Classifier::checkModel() const {
  const auto require = [](bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(what);
  };
  const Heads& heads = model_.heads;
  const std::size_t count = static_cast<std::size_t>(heads.count);
  require(heads.count >= 0 && heads.count <= 1 << 16, "the number of heads");
  require(heads.packed.size() == count * (vocabulary_.length() / 2), "the size of the weights");
  require(heads.scales.size() == count && heads.biases.size() == count, "the number of scales or biases");
  require(model_.vehicleRow >= -1 && model_.vehicleRow < heads.count, "the vehicle row");
  require(model_.marginsRow >= -1 && model_.marginsRow + (model_.marginsRow < 0 ? 0 : 4) <= heads.count,
          "the rows of the margins");
  require(model_.factors.empty() ? model_.classRows.empty() : model_.classRows.size() % model_.factors.size() == 0,
          "the rows of the classes");
  for (const std::int32_t row : model_.classRows) require(row >= 0 && row < heads.count, "a row of a class");
  if (model_.search)
    require(model_.search->weights.size() == static_cast<std::size_t>(vocabulary_.components()) * kSearchWeights,
            "the size of the search weights");
  if (!model_.colour) return;
  const ColourModel& colour = *model_.colour;
  const std::size_t components = colour.vocabulary.weights.size();
  require(components >= 1 && components <= 1024, "the colour components");
  require(colour.vocabulary.means.size() == components * kBlockDimensions &&
              colour.vocabulary.variances.size() == components * kBlockDimensions,
          "the size of the colour vocabulary");
  for (const float value : colour.vocabulary.weights) require(value > 0, "a colour weight");
  for (const float value : colour.vocabulary.variances) require(value > 0, "a colour variance");
  const std::size_t rows = colour.rowScales.size();
  require(rows >= 1 && colour.rows.size() == rows * colour.vocabulary.length(), "the size of the colour rows");
  require(!colour.biases.empty() && colour.coefficients.size() == rows * colour.biases.size(),
          "the size of the colour coefficients");
}

Classifier::Encoded Classifier::encodePart(const RgbView& image, const Rectangle& part, int views, bool keepRows,
                                           const Cancellation& cancellation) {
  cancellation.throwIfRequested();
  Encoded result;
  result.grey = greyPart(image, part, vocabulary_.parameters().longest);
  encoder_.describe(result.grey);
  for (int view = 0; view < views; ++view) result.views.push_back(encoder_.view(view == 1, keepRows));
  const QuantizedEncoding joined = quantize(joinViews(result.views, vocabulary_.length()));
  result.factors = balanceFactors(joined, vocabulary_.components());
  result.balanced = balanced(joined, result.factors);
  return result;
}

TrainingEncoding Classifier::encode(const RgbView& image) {
  const Encoded encoded = encodePart(image, {0, 0, image.width, image.height}, 2, false, {});
  return {encoded.balanced, quantize(joinViews({encoded.views.front()}, vocabulary_.length()))};
}

std::vector<float> Classifier::sampleSearch(const GreyImage& image, std::size_t count, std::uint64_t seed) {
  return vehicles::sampleSearch(encoder_, image, count, seed);
}

double Classifier::score(int row, const QuantizedEncoding& encoding) const {
  const std::size_t bytes = encoding.values.size() / 2;
  const std::int32_t dot = encoder_.kernels().dotPacked(model_.heads.packed.data() + row * bytes,
                                                        encoding.values.data(), static_cast<int>(2 * bytes));
  return model_.heads.biases[row] + static_cast<double>(model_.heads.scales[row]) * encoding.scale * dot;
}

std::array<double, 4> Classifier::margins(const View& view) const {
  const QuantizedEncoding single = quantize(joinViews({view}, vocabulary_.length()));
  std::array<double, 4> result{};
  for (int side = 0; side < 4; ++side) result[side] = score(model_.marginsRow + side, single);
  return result;
}

Rectangle Classifier::withoutMargins(const RgbView& image, const Rectangle& part,
                                     const std::array<double, 4>& margins) const {
  const auto pixels = [](double share, int side) { return static_cast<int>(std::floor(share * side + 0.5)); };
  const int left = std::max(0, part.x + pixels(margins[0], part.width));
  const int top = std::max(0, part.y + pixels(margins[1], part.height));
  const int right = std::min(image.width, part.x + part.width - pixels(margins[2], part.width));
  const int bottom = std::min(image.height, part.y + part.height - pixels(margins[3], part.height));
  if (right - left < kLeastSide || bottom - top < kLeastSide) return part;
  return {left, top, right - left, bottom - top};
}

std::vector<Rectangle> Classifier::findVehicle(const RgbView& image, const Encoded& whole, double& otherVehicle,
                                               const Cancellation& cancellation) {
  const Rectangle all{0, 0, image.width, image.height};
  const std::array<double, 4> spaces = margins(whole.views.front());
  const double widest = *std::max_element(spaces.begin(), spaces.end());
  if (widest <= kTightMargin) return {};
  const Rectangle regressed = withoutMargins(image, all, spaces);
  if (widest <= kLooseMargin) return {regressed};
  const GreyImage grey = greyPart(image, all, kSearchSide);
  encoder_.describe(grey, searchGrid());
  Saliency map = saliency(encoder_, *model_.search, grey.width, grey.height);
  const Finding found = bestRectangle(map);
  if (found.place.width == 0) return {};
  for (int y = 0; y < found.place.height; ++y)
    std::fill_n(map.values.begin() + static_cast<std::ptrdiff_t>(found.place.y + y) * map.columns + found.place.x,
                found.place.width, -model_.search->limit);
  const Finding other = bestRectangle(map);
  otherVehicle = static_cast<double>(other.place.width) * other.place.height / found.place.width / found.place.height;

  const auto scaled = [&](int cells, int side, int from) {
    return static_cast<int>(static_cast<long long>(cells) * map.cell * side / from);
  };
  const Rectangle searched{
      scaled(found.place.x, image.width, grey.width), scaled(found.place.y, image.height, grey.height),
      scaled(found.place.width, image.width, grey.width), scaled(found.place.height, image.height, grey.height)};
  std::vector<Rectangle> places;
  for (const Rectangle& start : {regressed, searched}) {
    if (start.width < kLeastSide || start.height < kLeastSide) continue;
    const Rectangle place = corrected(image, clipped(image, start), cancellation);
    // Both starts often lead to the same place, which need not be looked at twice.
    if (std::find(places.begin(), places.end(), place) == places.end()) places.push_back(place);
  }
  return places;
}

Rectangle Classifier::corrected(const RgbView& image, Rectangle place, const Cancellation& cancellation) {
  // What was found is a little looser than the vehicle or cuts it: the regression sees which, if there is room around.
  for (const int divisor : kRoomDivisors) {
    const int x = place.width / divisor;
    const int y = place.height / divisor;
    const Rectangle wider = clipped(image, {place.x - x, place.y - y, place.width + 2 * x, place.height + 2 * y});
    const Encoded encoded = encodePart(image, wider, 1, false, cancellation);
    place = withoutMargins(image, wider, margins(encoded.views.front()));
  }
  return place;
}

Result Classifier::classify(const RgbView& image, const std::optional<Rectangle>& box, bool wantsExplanation,
                            const Cancellation& cancellation) {
  if (image.width < 1 || image.height < 1) throw std::invalid_argument("the image has no pixels");
  Result result;
  const Rectangle all{0, 0, image.width, image.height};
  result.box = box ? clipped(image, *box) : all;
  result.boxSource = box ? BoxSource::caller : BoxSource::whole;
  const Stopwatch encoding;
  Encoded encoded = encodePart(image, result.box, 2, wantsExplanation, cancellation);
  result.encodeMs = encoding.milliseconds();
  double wholeVehicle = 0;
  if (!box && model_.search && model_.marginsRow >= 0 && model_.vehicleRow >= 0) {
    const Stopwatch searching;
    wholeVehicle = score(model_.vehicleRow, encoded.balanced);
    double most = wholeVehicle - kVehicleTolerance;
    for (const Rectangle& place : findVehicle(image, encoded, result.figures.otherVehicle, cancellation)) {
      if (place.width == image.width && place.height == image.height) continue;
      Encoded part = encodePart(image, place, 2, wantsExplanation, cancellation);
      const double vehicle = score(model_.vehicleRow, part.balanced);
      if (vehicle < most) continue;
      most = vehicle;
      result.box = place;
      result.boxSource = BoxSource::found;
      encoded = std::move(part);
    }
    result.searchMs = searching.milliseconds();
  }
  const Stopwatch scoring;
  result.empty = isEmpty(encoded.grey);
  if (model_.marginsRow >= 0) {
    const std::array<double, 4> spaces = margins(encoded.views.front());
    result.figures.cut = std::max(0.0, -*std::min_element(spaces.begin(), spaces.end()));
  }
  result.scores = rawScores(model_.heads, encoder_.kernels(), encoded.balanced);
  // The most vehicle-like place of an image without a vehicle often looks like one; the whole image does not.
  if (result.boxSource == BoxSource::found)
    result.scores[model_.vehicleRow] = (result.scores[model_.vehicleRow] + wholeVehicle) / 2;
  result.logits = classLogits(result.scores);
  if (model_.colour) result.colours = colourScores(image, result.box);
  result.figures.shorterSide = std::min(result.box.width, result.box.height);
  result.figures.longerSide = std::max(result.box.width, result.box.height);
  measure(encoded.grey, result.figures);
  if (wantsExplanation && !result.logits.empty()) result.explanation = explain(encoded, result.logits);
  result.scoreMs = scoring.milliseconds();
  return result;
}

std::vector<double> Classifier::classLogits(const std::vector<double>& scores) const {
  const std::size_t terms = model_.factors.size();
  std::vector<double> logits;
  for (std::size_t at = 0; at < model_.classRows.size(); at += terms) {
    double logit = 0;
    for (std::size_t term = 0; term < terms; ++term)
      logit += static_cast<double>(model_.factors[term]) * scores[model_.classRows[at + term]];
    logits.push_back(logit);
  }
  return logits;
}

std::vector<double> Classifier::colourScores(const RgbView& image, const Rectangle& part) const {
  const ColourModel& colour = *model_.colour;
  const std::vector<float> description = describeColour(image, part, colour.vocabulary);
  const QuantizedEncoding quantized = quantize(description);
  const std::size_t labels = colour.biases.size();
  std::vector<double> scores(colour.biases.begin(), colour.biases.end());
  for (std::size_t row = 0; row < colour.rowScales.size(); ++row) {
    const std::int8_t* values = colour.rows.data() + row * description.size();
    std::int32_t dot = 0;
    for (std::size_t i = 0; i < description.size(); ++i) dot += values[i] * quantized.values[i];
    const double cosine = static_cast<double>(colour.rowScales[row]) * quantized.scale * dot;
    const double kernel = exponential(2 * (cosine - 1));
    for (std::size_t label = 0; label < labels; ++label)
      scores[label] += kernel * colour.coefficients[row * labels + label];
  }
  return scores;
}

Explanation Classifier::explain(const Encoded& encoded, const std::vector<double>& logits) const {
  Explanation result;
  result.classIndex = static_cast<int>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  std::vector<float> weights(vocabulary_.length());
  const std::size_t terms = model_.factors.size();
  for (std::size_t term = 0; term < terms; ++term) {
    const int row = model_.classRows[result.classIndex * terms + term];
    addWeights(model_.heads, row, model_.factors[term], weights);
    result.bias += static_cast<double>(model_.factors[term]) * model_.heads.biases[row];
  }
  const GreyImage& grey = encoded.grey;
  const std::vector<View>& views = encoded.views;
  double squares = 0;
  for (int i = 0; i < vocabulary_.length(); ++i) {
    double sum = 0;
    for (const View& view : views) sum += view.norm > 0 ? view.roots[i] / view.norm : 0;
    squares += sum * sum;
  }
  const double norm = std::sqrt(squares);

  const int longer = std::max(grey.width, grey.height);
  result.columns = std::max(1, grey.width * kExplanationCells / longer);
  result.rows = std::max(1, grey.height * kExplanationCells / longer);
  std::vector<double> cells(static_cast<std::size_t>(result.columns) * result.rows);
  const VocabularyParameters& vocabulary = vocabulary_.parameters();
  const int components = vocabulary_.components();
  for (const View& view : views) {
    if (!(view.norm > 0 && norm > 0)) continue;
    // The root of a sum of contributions is that sum divided by its root. What is left is linear in each descriptor's
    // values and their squares.
    std::vector<float> slopes(static_cast<std::size_t>(components) * kRowFloats);
    std::vector<double> constants(components);
    for (int k = 0; k < components; ++k) {
      const double weight = vocabulary.weights[k];
      const double firstFactor = 1 / (static_cast<double>(view.descriptors) * std::sqrt(weight));
      const double secondFactor = 1 / (static_cast<double>(view.descriptors) * std::sqrt(2 * weight));
      for (int d = 0; d < kDimensions; ++d) {
        const std::size_t at = static_cast<std::size_t>(k) * 2 * kDimensions + d;
        const double mean = vocabulary.means[static_cast<std::size_t>(k) * kDimensions + d];
        const double variance = vocabulary.variances[static_cast<std::size_t>(k) * kDimensions + d];
        const auto share = [&](std::size_t index) {
          const double root = std::fabs(view.roots[index]);
          return root > 0 ? encoded.factors[k] * weights[index] / (root * view.norm * norm) : 0;
        };
        const double first = share(at) * firstFactor / std::sqrt(variance);
        const double second = share(at + kDimensions) * secondFactor;
        slopes[static_cast<std::size_t>(k) * kRowFloats + d] = static_cast<float>(first - 2 * second * mean / variance);
        slopes[static_cast<std::size_t>(k) * kRowFloats + kDimensions + d] = static_cast<float>(second / variance);
        constants[k] += second * (mean * mean / variance - 1) - first * mean;
      }
    }
    for (const Assignment& assignment : view.assignments) {
      const float* row = view.rows.data() + static_cast<std::size_t>(assignment.descriptor) * kRowFloats;
      const float* slope = slopes.data() + static_cast<std::size_t>(assignment.component) * kRowFloats;
      // Eight sums that do not wait for each other; both rows are padded with zeros.
      std::array<double, 8> sums{};
      for (int d = 0; d < kRowFloats; d += 8)
        for (int lane = 0; lane < 8; ++lane) sums[lane] += static_cast<double>(slope[d + lane]) * row[d + lane];
      double sum = constants[assignment.component];
      for (const double part : sums) sum += part;
      const float* xy = view.xy.data() + 2 * static_cast<std::size_t>(assignment.descriptor);
      const int x =
          std::min(result.columns - 1, static_cast<int>(xy[0] * static_cast<float>(result.columns)) / grey.width);
      const int y = std::min(result.rows - 1, static_cast<int>(xy[1] * static_cast<float>(result.rows)) / grey.height);
      cells[static_cast<std::size_t>(y) * result.columns + x] += assignment.posterior * sum;
    }
  }
  result.logit = result.bias;
  for (const double cell : cells) {
    result.values.push_back(static_cast<float>(cell));
    result.logit += cell;
  }
  return result;
}

}  // namespace edgesift::vehicles
