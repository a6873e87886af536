#include "decode/decode_binding.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>

#include "arguments.h"
#include "decode/decoding.h"
#include "decode/jpeg.h"
#include "decode/orientation.h"
#include "decode/tiff.h"
#include "image_argument.h"

namespace edgesift::addon {

namespace {

Napi::Uint8Array bytesArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  const Napi::Value value = info[index];
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw Napi::TypeError::New(info.Env(), std::string(name) + " must be a Uint8Array");
  }
  return value.As<Napi::Uint8Array>();
}

DecodeRequest requestArgument(const Napi::CallbackInfo& info, std::size_t index) {
  const Napi::Object object = objectArgument(info, index, "request");
  const auto [width, height] = sizeFields(object);
  const int channels = channelsField(object);
  const Napi::Value apply = object.Get("applyOrientation");
  if (!apply.IsBoolean()) throw Napi::TypeError::New(info.Env(), "applyOrientation must be a boolean");
  return {width, height, channels, apply.As<Napi::Boolean>().Value(), cancellationArgument(info, index + 1)};
}

Napi::Object imageObject(Napi::Env env, Napi::Uint8Array pixels, int width, int height, int channels) {
  Napi::Object image = Napi::Object::New(env);
  image.Set("pixels", pixels);
  image.Set("width", width);
  image.Set("height", height);
  image.Set("channels", channels);
  return image;
}

Napi::Uint8Array newPixels(Napi::Env env, int width, int height, int channels) {
  return Napi::Uint8Array::New(env, static_cast<std::size_t>(width) * static_cast<std::size_t>(height) *
                                        static_cast<std::size_t>(channels));
}

using Decoder = int (*)(const EncodedImage&, const DecodeRequest&, std::uint8_t*);

template <Decoder decoder>
Napi::Value decode(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return rethrowInJs(env, "decoding", [&]() -> Napi::Value {
    // The bytes last: reading fields may run JavaScript, after which a pointer would be stale.
    const DecodeRequest request = requestArgument(info, 1);
    Napi::Uint8Array pixels = newPixels(env, request.width, request.height, request.channels);
    const Napi::Uint8Array bytes = bytesArgument(info, 0, "bytes");
    try {
      const int orientation = decoder({bytes.Data(), bytes.ByteLength()}, request, pixels.Data());
      auto [width, height] = std::pair(request.width, request.height);
      if (isTransposed(orientation)) std::swap(width, height);
      return imageObject(env, pixels, width, height, request.channels);
    } catch (const DamagedImage& error) {
      throw refusal(env, "DAMAGED_IMAGE", error);
    } catch (const UnsupportedImage& error) {
      throw refusal(env, "UNSUPPORTED_IMAGE", error);
    }
  });
}

Napi::Value readExifOrientation(const Napi::CallbackInfo& info) {
  return rethrowInJs(info.Env(), "EXIF", [&]() -> Napi::Value {
    const Napi::Uint8Array tiff = bytesArgument(info, 0, "tiff");
    return Napi::Number::New(info.Env(), exifOrientation(tiff.Data(), tiff.ByteLength()));
  });
}

Napi::Value orient(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return rethrowInJs(env, "orientation", [&]() -> Napi::Value {
    if (!info[1].IsNumber()) throw Napi::TypeError::New(env, "orientation must be a number");
    const int orientation = info[1].As<Napi::Number>().Int32Value();
    if (!isOrientation(orientation)) throw Napi::RangeError::New(env, "orientation is out of range");
    const Image image = imageArgument(info);
    const auto [width, height, channels] = std::tuple(image.width, image.height, image.channels);
    Napi::Uint8Array pixels = newPixels(env, width, height, channels);
    const OrientedRows rows(pixels.Data(), width, height, channels, orientation);
    const std::size_t rowBytes = static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
    for (int y = 0; y < height; ++y) rows.put(y, image.pixels + static_cast<std::size_t>(y) * rowBytes);
    return isTransposed(orientation) ? imageObject(env, pixels, height, width, channels)
                                     : imageObject(env, pixels, width, height, channels);
  });
}

}  // namespace

void exportDecoding(Napi::Env env, Napi::Object exports) {
  exports.Set("decodeJpeg", Napi::Function::New(env, decode<decodeJpeg>, "decodeJpeg"));
  exports.Set("decodeTiff", Napi::Function::New(env, decode<decodeTiff>, "decodeTiff"));
  exports.Set("exifOrientation", Napi::Function::New(env, readExifOrientation, "exifOrientation"));
  exports.Set("orient", Napi::Function::New(env, orient, "orient"));
}

}  // namespace edgesift::addon
