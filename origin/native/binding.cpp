// The JavaScript side of the engines. Everything that JavaScript hands over is checked here, and no C++
// exception leaves: a wrong argument becomes a TypeError or RangeError, any failure of the engine an Error.

#include <napi.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "arguments.h"
#include "decode/decode_binding.h"
#include "edgesift_engine.h"
#include "engine.h"
#include "freed_memory.h"
#include "image_argument.h"
#include "matching/matching_binding.h"
#include "opencv/denoising.h"
#include "opencv/opencv_engine.h"
#include "payload.h"
#include "vehicles/vehicles_binding.h"

namespace edgesift::addon {

namespace {

const Engine& engineOf(const Napi::CallbackInfo& info) {
  return *static_cast<const Engine*>(info.Data());
}

/// Any value that OpenCV computes without overflow; the service's contract is narrower.
SiftParameters parametersArgument(const Napi::CallbackInfo& info) {
  const Napi::Object object = objectArgument(info, 1, "parameters");
  return {
      integerField(object, "nfeatures", 0, std::numeric_limits<int>::max()),
      integerField(object, "n_octave_layers", 1, 32),
      numberField(object, "contrast_threshold", 0, 1000),
      numberField(object, "edge_threshold", 1e-3, 1e6),
      numberField(object, "sigma", 1e-3, 100),
  };
}

/// Any number where it is not given.
int mostKeypointsArgument(const Napi::CallbackInfo& info) {
  const Napi::Value value = info[2];
  if (value.IsUndefined()) return 0;
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : 0;
  if (!(number >= 1 && number <= std::numeric_limits<int>::max() && number == std::floor(number))) {
    throw Napi::RangeError::New(info.Env(), "mostKeypoints must be a positive integer");
  }
  return static_cast<int>(number);
}

Napi::Value extract(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Engine& engine = engineOf(info);
  return rethrowInJs(env, engine.name(), [&]() -> Napi::Value {
    // The image last: reading fields may run JavaScript, after which a pixel pointer would be stale.
    const SiftParameters parameters = parametersArgument(info);
    const Limits limits = {mostKeypointsArgument(info), cancellationArgument(info, 3)};
    const Image image = imageArgument(info);
    Napi::ArrayBuffer payload;
    engine.extract(image, parameters, limits, [&](std::size_t features) {
      payload = Napi::ArrayBuffer::New(env, features * kFeatureBytes);
      return static_cast<std::uint8_t*>(payload.Data());
    });
    return payload;
  });
}

Denoising denoisingArgument(const Napi::CallbackInfo& info) {
  const Napi::Object object = objectArgument(info, 1, "denoising");
  return {
      static_cast<float>(numberField(object, "h", 1e-3, 1000)),
      static_cast<float>(numberField(object, "h_color", 1e-3, 1000)),
      integerField(object, "template_window_size", 1, 99),
      integerField(object, "search_window_size", 1, 99),
  };
}

Napi::Value denoiseImage(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return rethrowInJs(env, "denoising", [&]() -> Napi::Value {
    const Denoising denoising = denoisingArgument(info);
    const Cancellation cancellation = cancellationArgument(info, 2);
    Napi::Uint8Array result;
    denoise(imageArgument(info), denoising, cancellation, [&](std::size_t bytes) {
      result = Napi::Uint8Array::New(env, bytes);
      return result.Data();
    });
    return result;
  });
}

Napi::Value toGrey(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Engine& engine = engineOf(info);
  return rethrowInJs(env, engine.name(), [&]() -> Napi::Value {
    const std::vector<std::uint8_t> grey = engine.grey(imageArgument(info));
    Napi::Uint8Array result = Napi::Uint8Array::New(env, grey.size());
    std::copy(grey.begin(), grey.end(), result.Data());
    return result;
  });
}

/// `engine` must live as long as the process.
Napi::Object describe(Napi::Env env, const Engine& engine) {
  // Node-API hands the pointer back as it is; nothing is changed through it.
  void* data = const_cast<Engine*>(&engine);
  Napi::Object description = Napi::Object::New(env);
  description.Set("name", engine.name());
  description.Set("version", engine.version());
  Napi::Object described = Napi::Object::New(env);
  described.Set("engine", description);
  described.Set("extract", Napi::Function::New(env, extract, "extract", data));
  described.Set("denoise", Napi::Function::New(env, denoiseImage, "denoise"));
  described.Set("toGrey", Napi::Function::New(env, toGrey, "toGrey", data));
  exportMatching(env, described);
  exportDecoding(env, described);
  return described;
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  keepFreedMemory();
  static const OpenCvEngine opencv;
  static const EdgesiftEngine edgesift;
  rethrowInJs(env, "edgesift", [&]() -> Napi::Value {
    exports.Set("opencv", describe(env, opencv));
    exports.Set("edgesift", describe(env, edgesift));
    exportVehicles(env, exports);
    return exports;
  });
  return exports;
}

}  // namespace

}  // namespace edgesift::addon

namespace {

Napi::Object initialiseAddon(Napi::Env env, Napi::Object exports) {
  return edgesift::addon::initialise(env, exports);
}

}  // namespace

NODE_API_MODULE(edgesift, initialiseAddon)
