#include "vehicles/vehicles_binding.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "classifier.hpp"
#include "training/gram.hpp"
#include "training/random.hpp"
#include "training/ridge.hpp"
#include "training/search_training.hpp"
#include "training/vocabulary_training.hpp"

namespace edgesift::addon {

namespace {

using namespace edgesift::vehicles;

constexpr double kMaxSide = 1 << 20;
constexpr double kMaxPixels = 1 << 28;
constexpr double kMaxCount = 1 << 30;

/// `work` throws std::invalid_argument for values that do not fit; JavaScript sees a RangeError.
template <typename Work>
Napi::Value guarded(Napi::Env env, const Work& work) {
  return rethrowInJs(env, "vehicles", [&]() -> Napi::Value {
    try {
      return work();
    } catch (const std::invalid_argument& error) {
      throw Napi::RangeError::New(env, error.what());
    }
  });
}

template <typename Element>
constexpr napi_typedarray_type typeOf();
template <>
constexpr napi_typedarray_type typeOf<float>() { return napi_float32_array; }
template <>
constexpr napi_typedarray_type typeOf<std::uint8_t>() { return napi_uint8_array; }
template <>
constexpr napi_typedarray_type typeOf<std::int8_t>() { return napi_int8_array; }
template <>
constexpr napi_typedarray_type typeOf<std::int16_t>() { return napi_int16_array; }
template <>
constexpr napi_typedarray_type typeOf<std::int32_t>() { return napi_int32_array; }
template <>
constexpr napi_typedarray_type typeOf<std::uint32_t>() { return napi_uint32_array; }

template <typename Element>
Napi::TypedArrayOf<Element> arrayFrom(const Napi::Value& value, const char* name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != typeOf<Element>())
    throw Napi::TypeError::New(value.Env(), std::string(name) + " must be a typed array of the right kind");
  return value.As<Napi::TypedArrayOf<Element>>();
}

template <typename Element>
std::vector<Element> vectorField(const Napi::Object& object, const char* name) {
  const Napi::TypedArrayOf<Element> array = arrayFrom<Element>(object.Get(name), name);
  return {array.Data(), array.Data() + array.ElementLength()};
}

template <typename Element>
Napi::Value arrayOf(Napi::Env env, const std::vector<Element>& values) {
  Napi::TypedArrayOf<Element> array = Napi::TypedArrayOf<Element>::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

Napi::Value arrayOf(Napi::Env env, const std::vector<double>& values) {
  Napi::Float64Array array = Napi::Float64Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

int integerArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name, double least) {
  const double number = info[index].IsNumber() ? info[index].As<Napi::Number>().DoubleValue() : -1;
  if (!(number >= least && number <= kMaxCount && number == std::floor(number)))
    throw Napi::RangeError::New(info.Env(), std::string(name) + " must be an integer in range");
  return static_cast<int>(number);
}

/// The pointer is good until JavaScript runs again.
RgbView rgbArgument(const Napi::CallbackInfo& info) {
  const Napi::Object object = objectArgument(info, 0, "image");
  const int width = integerField(object, "width", 1, kMaxSide);
  const int height = integerField(object, "height", 1, kMaxSide);
  integerField(object, "channels", 3, 3);
  if (static_cast<double>(width) * height > kMaxPixels)
    throw Napi::RangeError::New(info.Env(), "the image has too many pixels");
  const Napi::Uint8Array pixels = arrayFrom<std::uint8_t>(object.Get("pixels"), "pixels");
  if (pixels.ElementLength() != static_cast<std::size_t>(width) * height * 3)
    throw Napi::RangeError::New(info.Env(), "pixels must hold width * height * 3 bytes");
  return {pixels.Data(), width, height};
}

std::optional<Rectangle> boxArgument(const Napi::CallbackInfo& info) {
  if (info[1].IsUndefined()) return std::nullopt;
  const Napi::Object object = objectArgument(info, 1, "box");
  return Rectangle{integerField(object, "x", -kMaxSide, kMaxSide), integerField(object, "y", -kMaxSide, kMaxSide),
                   integerField(object, "width", 1, kMaxSide), integerField(object, "height", 1, kMaxSide)};
}

VocabularyParameters vocabularyArgument(const Napi::Object& object) {
  VocabularyParameters parameters;
  parameters.longest = integerField(object, "longest", 16, 1024);
  parameters.dense.step = integerField(object, "step", 1, 64);
  parameters.dense.binSizes.clear();
  for (const std::int32_t size : vectorField<std::int32_t>(object, "bin_sizes")) {
    parameters.dense.binSizes.push_back(size);
  }
  parameters.projection = vectorField<float>(object, "projection");
  parameters.mean = vectorField<float>(object, "mean");
  parameters.weights = vectorField<float>(object, "weights");
  parameters.means = vectorField<float>(object, "means");
  parameters.variances = vectorField<float>(object, "variances");
  return parameters;
}

ColourVocabulary colourVocabularyArgument(const Napi::Object& object) {
  return {vectorField<float>(object, "weights"), vectorField<float>(object, "means"),
          vectorField<float>(object, "variances")};
}

ModelParameters modelArgument(const Napi::Object& object) {
  ModelParameters model;
  model.heads.packed = vectorField<std::uint8_t>(object, "packed");
  model.heads.scales = vectorField<float>(object, "scales");
  model.heads.biases = vectorField<float>(object, "biases");
  model.heads.count = static_cast<int>(model.heads.scales.size());
  model.vehicleRow = integerField(object, "vehicle_row", -1, kMaxCount);
  model.marginsRow = integerField(object, "margins_row", -1, kMaxCount);
  model.classRows = vectorField<std::int32_t>(object, "class_rows");
  model.factors = vectorField<float>(object, "factors");
  if (object.Get("search").IsObject()) {
    const Napi::Object search = object.Get("search").As<Napi::Object>();
    model.search = SearchModel{vectorField<float>(search, "weights"),
                               static_cast<float>(numberField(search, "limit", 0, 1000)),
                               static_cast<float>(numberField(search, "offset", -1000, 1000))};
  }
  if (object.Get("colour").IsObject()) {
    const Napi::Object colour = object.Get("colour").As<Napi::Object>();
    model.colour = ColourModel{colourVocabularyArgument(colour), vectorField<std::int8_t>(colour, "rows"),
                               vectorField<float>(colour, "row_scales"), vectorField<float>(colour, "coefficients"),
                               vectorField<float>(colour, "biases")};
  }
  return model;
}

const char* nameOf(BoxSource source) {
  switch (source) {
    case BoxSource::caller: return "caller";
    case BoxSource::found: return "found";
    default: return "whole";
  }
}

Napi::Value figuresOf(Napi::Env env, const Figures& figures) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("shorterSide", figures.shorterSide);
  object.Set("longerSide", figures.longerSide);
  object.Set("brightness", figures.brightness);
  object.Set("contrast", figures.contrast);
  object.Set("sharpness", figures.sharpness);
  object.Set("otherVehicle", figures.otherVehicle);
  object.Set("cut", figures.cut);
  return object;
}

Napi::Value explanationOf(Napi::Env env, const Explanation& explanation) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("classIndex", explanation.classIndex);
  object.Set("columns", explanation.columns);
  object.Set("rows", explanation.rows);
  object.Set("values", arrayOf(env, explanation.values));
  object.Set("logit", explanation.logit);
  object.Set("bias", explanation.bias);
  return object;
}

Napi::Value resultOf(Napi::Env env, const Result& result) {
  Napi::Object box = Napi::Object::New(env);
  box.Set("x", result.box.x);
  box.Set("y", result.box.y);
  box.Set("width", result.box.width);
  box.Set("height", result.box.height);
  Napi::Object object = Napi::Object::New(env);
  object.Set("box", box);
  object.Set("boxSource", nameOf(result.boxSource));
  object.Set("scores", arrayOf(env, result.scores));
  object.Set("logits", arrayOf(env, result.logits));
  object.Set("colours", arrayOf(env, result.colours));
  object.Set("figures", figuresOf(env, result.figures));
  object.Set("empty", result.empty);
  if (result.explanation) object.Set("explanation", explanationOf(env, *result.explanation));
  object.Set("searchMs", result.searchMs);
  object.Set("encodeMs", result.encodeMs);
  object.Set("scoreMs", result.scoreMs);
  return object;
}

/// A classifier as JavaScript holds it; belongs to the thread that made it.
class VehicleClassifier : public Napi::ObjectWrap<VehicleClassifier> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "VehicleClassifier",
                       {InstanceMethod<&VehicleClassifier::classify>("classify"),
                        InstanceMethod<&VehicleClassifier::encode>("encode"),
                        InstanceMethod<&VehicleClassifier::sampleSearch>("sampleSearch"),
                        InstanceAccessor<&VehicleClassifier::length>("length")});
  }

  explicit VehicleClassifier(const Napi::CallbackInfo& info) : Napi::ObjectWrap<VehicleClassifier>(info) {
    guarded(info.Env(), [&]() -> Napi::Value {
      VocabularyParameters vocabulary = vocabularyArgument(objectArgument(info, 0, "vocabulary"));
      ModelParameters model = modelArgument(objectArgument(info, 1, "model"));
      classifier_ = std::make_unique<Classifier>(std::move(vocabulary), std::move(model));
      return info.Env().Undefined();
    });
  }

 private:
  Napi::Value classify(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      const std::optional<Rectangle> box = boxArgument(info);
      const bool explain = info[2].ToBoolean();
      const Cancellation cancellation = cancellationArgument(info, 3);
      return resultOf(info.Env(), classifier_->classify(rgbArgument(info), box, explain, cancellation));
    });
  }

  Napi::Value encode(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      const TrainingEncoding encoding = classifier_->encode(rgbArgument(info));
      Napi::Object object = Napi::Object::New(info.Env());
      object.Set("joined", arrayOf(info.Env(), encoding.joined.values));
      object.Set("joinedScale", encoding.joined.scale);
      object.Set("single", arrayOf(info.Env(), encoding.single.values));
      object.Set("singleScale", encoding.single.scale);
      return object;
    });
  }

  Napi::Value sampleSearch(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      const int longest = integerArgument(info, 1, "longest", 16);
      const int count = integerArgument(info, 2, "count", 1);
      const int seed = integerArgument(info, 3, "seed", 0);
      const RgbView image = rgbArgument(info);
      const GreyImage grey = greyPart(image, {0, 0, image.width, image.height}, longest);
      return arrayOf(info.Env(), classifier_->sampleSearch(grey, static_cast<std::size_t>(count), seed));
    });
  }

  Napi::Value length(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), classifier_ ? classifier_->length() : 0);
  }

  std::unique_ptr<Classifier> classifier_;
};

/// sampleDescriptors(image, longest, binSizes, step, count, seed): F32[n, 130], descriptor and position.
Napi::Value sampleDescriptors(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    DenseParameters dense;
    const int longest = integerArgument(info, 1, "longest", 16);
    const Napi::Int32Array sizes = arrayFrom<std::int32_t>(info[2], "binSizes");
    dense.binSizes.assign(sizes.Data(), sizes.Data() + sizes.ElementLength());
    dense.step = integerArgument(info, 3, "step", 1);
    const int count = integerArgument(info, 4, "count", 1);
    Random random(static_cast<std::uint64_t>(integerArgument(info, 5, "seed", 0)));
    const RgbView image = rgbArgument(info);
    const GreyImage grey = greyPart(image, {0, 0, image.width, image.height}, longest);
    DenseExtractor extractor;
    const DenseFeatures features = extractor.extract(grey.values.data(), grey.width, grey.height, dense);
    const bool mirrored = random.below(2) == 1;
    std::vector<float> samples;
    for (int i = 0; i < count && features.count > 0; ++i) {
      const std::size_t at = random.below(features.count);
      for (int d = 0; d < kDescriptor; ++d)
        samples.push_back(features.descriptors[at * kDescriptor + (mirrored ? mirroredDescriptorOrder()[d] : d)]);
      const float x = features.xy[2 * at];
      const float column = mirrored ? static_cast<float>(grey.width - 1) - x : x;
      samples.push_back(column / static_cast<float>(grey.width) - 0.5f);
      samples.push_back(features.xy[2 * at + 1] / static_cast<float>(grey.height) - 0.5f);
    }
    return arrayOf(info.Env(), samples);
  });
}

Napi::Value fitProjection(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Napi::Float32Array descriptors = arrayFrom<float>(info[0], "descriptors");
    const Projection projection = principalComponents(descriptors.Data(), descriptors.ElementLength() / kDescriptor);
    Napi::Object object = Napi::Object::New(info.Env());
    object.Set("matrix", arrayOf(info.Env(), projection.matrix));
    object.Set("mean", arrayOf(info.Env(), projection.mean));
    return object;
  });
}

/// fitMixture(samples, dimensions, components, seed, clusteringRounds, maximisationRounds)
Napi::Value fitMixtureOf(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Napi::Float32Array samples = arrayFrom<float>(info[0], "samples");
    const int dimensions = integerArgument(info, 1, "dimensions", 1);
    const Mixture mixture =
        fitMixture(samples.Data(), samples.ElementLength() / dimensions, dimensions,
                   integerArgument(info, 2, "components", 1), integerArgument(info, 3, "seed", 0),
                   integerArgument(info, 4, "clusteringRounds", 0), integerArgument(info, 5, "maximisationRounds", 0));
    Napi::Object object = Napi::Object::New(info.Env());
    object.Set("weights", arrayOf(info.Env(), mixture.weights));
    object.Set("means", arrayOf(info.Env(), mixture.means));
    object.Set("variances", arrayOf(info.Env(), mixture.variances));
    return object;
  });
}

Napi::Value trainSearchOf(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Napi::Float32Array samples = arrayFrom<float>(info[0], "samples");
    const std::size_t count = samples.ElementLength() / kSampleFloats;
    const int positives = integerArgument(info, 1, "positives", 0);
    const int components = integerArgument(info, 2, "components", 1);
    for (std::size_t i = 0; i < count; ++i)
      for (int k = 0; k < kSampleComponents; ++k) {
        const float component = samples[i * kSampleFloats + kProjected + 2 * k];
        if (!(component >= 0 && component < static_cast<float>(components)))
          throw std::invalid_argument("a sample's component is out of range");
      }
    return arrayOf(info.Env(), trainSearch(samples.Data(), count, static_cast<std::size_t>(positives), components,
                                           integerArgument(info, 3, "epochs", 1), integerArgument(info, 4, "seed", 0)));
  });
}

EncodingTable tableArguments(const Napi::CallbackInfo& info) {
  const Napi::Int16Array values = arrayFrom<std::int16_t>(info[0], "values");
  const Napi::Float32Array scales = arrayFrom<float>(info[1], "scales");
  const std::size_t count = scales.ElementLength();
  if (count == 0 || values.ElementLength() % count != 0 || values.ElementLength() / count % kPanel != 0)
    throw std::invalid_argument("values must hold as many encodings as there are scales");
  return {values.Data(), scales.Data(), count, values.ElementLength() / count};
}

/// gram(values, scales, threads): F32[n, n]
Napi::Value gram(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const EncodingTable table = tableArguments(info);
    Napi::Float32Array out = Napi::Float32Array::New(info.Env(), table.count * table.count);
    gramMatrix(table, integerArgument(info, 2, "threads", 1), out.Data());
    return out;
  });
}

/// combine(values, scales, coefficients F32[n, columns], columns, threads): F32[columns, length]
Napi::Value combine(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const EncodingTable table = tableArguments(info);
    const Napi::Float32Array coefficients = arrayFrom<float>(info[2], "coefficients");
    const int columns = integerArgument(info, 3, "columns", 1);
    if (coefficients.ElementLength() != table.count * columns) throw std::invalid_argument("size of the coefficients");
    Napi::Float32Array out = Napi::Float32Array::New(info.Env(), static_cast<std::size_t>(columns) * table.length);
    combineEncodings(table, coefficients.Data(), columns, integerArgument(info, 4, "threads", 1), out.Data());
    return out;
  });
}

/// multiply(a F32[rows, depth], b F32[depth, columns], depth, threads): F32[rows, columns]
Napi::Value multiply(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Napi::Float32Array a = arrayFrom<float>(info[0], "a");
    const Napi::Float32Array b = arrayFrom<float>(info[1], "b");
    const std::size_t depth = static_cast<std::size_t>(integerArgument(info, 2, "depth", 1));
    if (a.ElementLength() % depth != 0 || b.ElementLength() % depth != 0)
      throw std::invalid_argument("a and b must fit the depth");
    const std::size_t rows = a.ElementLength() / depth;
    const std::size_t columns = b.ElementLength() / depth;
    Napi::Float32Array out = Napi::Float32Array::New(info.Env(), rows * columns);
    multiplyMatrices(a.Data(), b.Data(), rows, depth, columns, integerArgument(info, 3, "threads", 1), out.Data());
    return out;
  });
}

Selection selectionArguments(const Napi::CallbackInfo& info) {
  const Napi::Float32Array kernel = arrayFrom<float>(info[0], "kernel");
  const Napi::Uint32Array rows = arrayFrom<std::uint32_t>(info[1], "rows");
  const std::size_t size = static_cast<std::size_t>(std::sqrt(static_cast<double>(kernel.ElementLength())) + 0.5);
  if (size * size != kernel.ElementLength()) throw std::invalid_argument("the kernel must be square");
  for (std::size_t i = 0; i < rows.ElementLength(); ++i)
    if (rows[i] >= size) throw std::invalid_argument("a row is out of range");
  return {kernel.Data(), size, rows.Data(), rows.ElementLength()};
}

/// solve(kernel F32[n, n], rows U32[m], groups U32[m], penalties F32[m], targets F32[m, columns], columns, threads):
/// { coefficients F32[m, columns], leftOut F32[m, columns] }
Napi::Value solve(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Selection selection = selectionArguments(info);
    const Napi::Uint32Array groups = arrayFrom<std::uint32_t>(info[2], "groups");
    const Napi::Float32Array penalties = arrayFrom<float>(info[3], "penalties");
    const Napi::Float32Array targets = arrayFrom<float>(info[4], "targets");
    const int columns = integerArgument(info, 5, "columns", 1);
    if (selection.count == 0 || targets.ElementLength() != selection.count * columns)
      throw std::invalid_argument("size of the targets");
    if (groups.ElementLength() != selection.count || penalties.ElementLength() != selection.count)
      throw std::invalid_argument("each row has a group and a penalty");
    Napi::Float32Array coefficients = Napi::Float32Array::New(info.Env(), targets.ElementLength());
    Napi::Float32Array leftOut = Napi::Float32Array::New(info.Env(), targets.ElementLength());
    std::copy_n(targets.Data(), targets.ElementLength(), coefficients.Data());
    solveRidge({selection, penalties.Data(), groups.Data(), columns}, integerArgument(info, 6, "threads", 1),
               coefficients.Data(), leftOut.Data());
    Napi::Object object = Napi::Object::New(info.Env());
    object.Set("coefficients", coefficients);
    object.Set("leftOut", leftOut);
    return object;
  });
}

/// colourBlocks(image): F32[576, 6]
Napi::Value colourBlocksOf(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const RgbView image = rgbArgument(info);
    return arrayOf(info.Env(), colourBlocks(image, {0, 0, image.width, image.height}));
  });
}

/// describeColour(image, vocabulary): { values I16[length], scale }
Napi::Value describeColourOf(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const ColourVocabulary vocabulary = colourVocabularyArgument(objectArgument(info, 1, "vocabulary"));
    const std::size_t components = vocabulary.weights.size();
    if (components < 1 || vocabulary.means.size() != components * kBlockDimensions ||
        vocabulary.variances.size() != components * kBlockDimensions)
      throw std::invalid_argument("size of the colour vocabulary");
    const RgbView image = rgbArgument(info);
    const QuantizedEncoding description =
        quantize(describeColour(image, {0, 0, image.width, image.height}, vocabulary));
    Napi::Object object = Napi::Object::New(info.Env());
    object.Set("values", arrayOf(info.Env(), description.values));
    object.Set("scale", description.scale);
    return object;
  });
}

}  // namespace

void exportVehicles(Napi::Env env, Napi::Object exports) {
  Napi::Object vehicles = Napi::Object::New(env);
  vehicles.Set("VehicleClassifier", VehicleClassifier::define(env));
  const auto set = [&](const char* name, Napi::Value (*function)(const Napi::CallbackInfo&)) {
    vehicles.Set(name, Napi::Function::New(env, function, name));
  };
  set("sampleDescriptors", sampleDescriptors);
  set("fitProjection", fitProjection);
  set("fitMixture", fitMixtureOf);
  set("trainSearch", trainSearchOf);
  set("gram", gram);
  set("combine", combine);
  set("multiply", multiply);
  set("solve", solve);
  set("colourBlocks", colourBlocksOf);
  set("describeColour", describeColourOf);
  exports.Set("vehicles", vehicles);
}

}  // namespace edgesift::addon
