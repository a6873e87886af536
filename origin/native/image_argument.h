#pragma once

// Images and their sizes as JavaScript hands them over.

#include <napi.h>

#include <cstddef>
#include <utility>

#include "arguments.h"
#include "engine.h"

namespace edgesift::addon {

// OpenCV counts pixels of the doubled image in int; this also bounds what a mistake can ask for.
constexpr double kMaxSide = 1 << 20;
constexpr double kMaxPixels = 1 << 28;

/// The object's `width` and `height` in pixels.
inline std::pair<int, int> sizeFields(const Napi::Object& object) {
  const int width = integerField(object, "width", 1, kMaxSide);
  const int height = integerField(object, "height", 1, kMaxSide);
  if (static_cast<double>(width) * height > kMaxPixels) {
    throw Napi::RangeError::New(object.Env(), "the image has too many pixels");
  }
  return {width, height};
}

inline int channelsField(const Napi::Object& object) {
  const int channels = integerField(object, "channels", 1, 3);
  if (channels == 2) throw Napi::RangeError::New(object.Env(), "channels must be 1 or 3");
  return channels;
}

/// The first argument.
inline Image imageArgument(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Object object = objectArgument(info, 0, "image");
  const auto [width, height] = sizeFields(object);
  const int channels = channelsField(object);

  // After the other fields: reading them may run JavaScript, after which a pixel pointer would be stale.
  const Napi::Value pixels = object.Get("pixels");
  if (!pixels.IsTypedArray() || pixels.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw Napi::TypeError::New(env, "pixels must be a Uint8Array");
  }
  const Napi::Uint8Array bytes = pixels.As<Napi::Uint8Array>();
  const std::size_t expected = static_cast<std::size_t>(width) * height * channels;
  if (bytes.ByteLength() != expected) {
    throw Napi::RangeError::New(env, "pixels must hold width * height * channels bytes");
  }
  return {bytes.Data(), width, height, channels};
}

}  // namespace edgesift::addon
