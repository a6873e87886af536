#include "matching/matching_binding.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "arguments.h"
#include "engine.h"
#include "matching/mutual_neighbours.h"
#include "opencv/two_view_geometry.h"

namespace edgesift::addon {

namespace {

// Bounds what a mistake can ask for; the service's contract is narrower.
constexpr std::size_t kMostFeatures = 1'000'000;

/// A typed array of `Array`'s kind, whose length is a multiple of `step`, for at most kMostFeatures features.
template <typename Array>
Array arrayArgument(const Napi::CallbackInfo& info, std::size_t index, napi_typedarray_type type, std::size_t step,
                    const char* name) {
  const Napi::Value value = info[index];
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) {
    throw Napi::TypeError::New(info.Env(), std::string(name) + " must be a typed array of the right kind");
  }
  const Array array = value.As<Array>();
  if (array.ElementLength() % step != 0 || array.ElementLength() / step > kMostFeatures) {
    throw Napi::RangeError::New(info.Env(), std::string(name) + " has a wrong length");
  }
  return array;
}

double numberArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name, double greatest) {
  if (!info[index].IsNumber()) throw Napi::TypeError::New(info.Env(), std::string(name) + " must be a number");
  const double number = info[index].As<Napi::Number>().DoubleValue();
  if (!(number > 0 && number <= greatest)) {
    throw Napi::RangeError::New(info.Env(), std::string(name) + " is out of range");
  }
  return number;
}

Descriptors descriptorsArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  const auto array = arrayArgument<Napi::Uint8Array>(info, index, napi_uint8_array, kDescriptorLength, name);
  return {array.Data(), array.ElementLength() / kDescriptorLength};
}

Napi::Value matchDescriptors(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return rethrowInJs(env, "matching", [&]() -> Napi::Value {
    const Descriptors first = descriptorsArgument(info, 0, "first");
    const Descriptors second = descriptorsArgument(info, 1, "second");
    const double ratio = numberArgument(info, 2, "ratio", 1);
    const std::vector<Match> matches = mutualNeighbours(first, second, ratio, cancellationArgument(info, 3));
    Napi::Uint32Array rows = Napi::Uint32Array::New(env, matches.size() * 3);
    std::uint32_t* target = rows.Data();
    for (const Match& match : matches) {
      *target++ = match.first;
      *target++ = match.second;
      *target++ = match.squaredDistance;
    }
    return rows;
  });
}

const float* pointsArgument(const Napi::CallbackInfo& info, std::size_t index, std::size_t& count) {
  const auto array = arrayArgument<Napi::Float32Array>(info, index, napi_float32_array, 2, "points");
  const float* points = array.Data();
  if (!std::all_of(points, points + array.ElementLength(), [](float value) { return std::isfinite(value); })) {
    throw Napi::RangeError::New(info.Env(), "points must be finite");
  }
  count = array.ElementLength() / 2;
  return points;
}

TwoViewModel modelArgument(const Napi::CallbackInfo& info, std::size_t index) {
  const std::string name = info[index].IsString() ? info[index].As<Napi::String>().Utf8Value() : "";
  if (name == "homography") return TwoViewModel::homography;
  if (name == "reflection") return TwoViewModel::reflection;
  if (name == "fundamental") return TwoViewModel::fundamental;
  throw Napi::TypeError::New(info.Env(), "model must be 'homography', 'reflection' or 'fundamental'");
}

Napi::Float64Array numbers(Napi::Env env, const double* values, std::size_t count) {
  Napi::Float64Array array = Napi::Float64Array::New(env, count);
  std::copy_n(values, count, array.Data());
  return array;
}

Napi::Value estimate(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return rethrowInJs(env, "two-view geometry", [&]() -> Napi::Value {
    std::size_t count = 0;
    std::size_t secondCount = 0;
    const float* first = pointsArgument(info, 0, count);
    const float* second = pointsArgument(info, 1, secondCount);
    if (count != secondCount) throw Napi::RangeError::New(env, "first and second must be of equal length");
    const TwoViewModel model = modelArgument(info, 2);
    const double threshold = numberArgument(info, 3, "threshold", 1e6);
    const auto geometry = estimateGeometry({first, second, count}, model, threshold, cancellationArgument(info, 4));
    if (!geometry) return env.Null();
    Napi::Object result = Napi::Object::New(env);
    result.Set("matrix", numbers(env, geometry->matrix.data(), geometry->matrix.size()));
    result.Set("errors", numbers(env, geometry->errors.data(), geometry->errors.size()));
    return result;
  });
}

}  // namespace

void exportMatching(Napi::Env env, Napi::Object exports) {
  exports.Set("matchDescriptors", Napi::Function::New(env, matchDescriptors, "matchDescriptors"));
  exports.Set("estimateGeometry", Napi::Function::New(env, estimate, "estimateGeometry"));
}

}  // namespace edgesift::addon
