#pragma once

// What JavaScript hands over is read by these: a value of another kind becomes a TypeError, one out of bounds a
// RangeError.

#include <napi.h>

#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <string>

#include "engine.h"

namespace edgesift::addon {

inline Napi::Object objectArgument(const Napi::CallbackInfo& info, std::size_t index, const char* name) {
  if (!info[index].IsObject()) {
    throw Napi::TypeError::New(info.Env(), std::string(name) + " must be an object");
  }
  return info[index].As<Napi::Object>();
}

/// A finite number in [least, greatest].
inline double numberField(const Napi::Object& object, const char* name, double least, double greatest) {
  const Napi::Value value = object.Get(name);
  if (!value.IsNumber()) {
    throw Napi::TypeError::New(object.Env(), std::string(name) + " must be a number");
  }
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= least && number <= greatest)) {
    throw Napi::RangeError::New(object.Env(), std::string(name) + " is out of range");
  }
  return number;
}

inline int integerField(const Napi::Object& object, const char* name, double least, double greatest) {
  const double number = numberField(object, name, least, greatest);
  if (number != std::floor(number)) {
    throw Napi::RangeError::New(object.Env(), std::string(name) + " must be an integer");
  }
  return static_cast<int>(number);
}

/// An Int32Array whose first element another thread sets to other than 0 to end the work; never where it is not given.
inline Cancellation cancellationArgument(const Napi::CallbackInfo& info, std::size_t index) {
  using Flag = std::atomic<std::int32_t>;
  static_assert(sizeof(Flag) == sizeof(std::int32_t) && Flag::is_always_lock_free, "an element is a flag");
  const Napi::Value value = info[index];
  if (value.IsUndefined()) return {};
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_int32_array ||
      value.As<Napi::TypedArray>().ElementLength() == 0) {
    throw Napi::TypeError::New(info.Env(), "cancelled must be an Int32Array");
  }
  return Cancellation(reinterpret_cast<const Flag*>(value.As<Napi::Int32Array>().Data()));
}

/// A RangeError whose `code` says what is refused.
inline Napi::Error refusal(Napi::Env env, const char* code, const std::exception& error) {
  Napi::Error thrown = Napi::RangeError::New(env, error.what());
  thrown.Set("code", Napi::String::New(env, code));
  return thrown;
}

/// Runs `work` and turns every C++ exception into a JavaScript one, which names `what` failed.
template <typename Work>
Napi::Value rethrowInJs(Napi::Env env, const std::string& what, const Work& work) {
  try {
    return work();
  } catch (const Napi::Error&) {
    throw;
  } catch (const InvalidInput& error) {
    throw Napi::RangeError::New(env, error.what());
  } catch (const TooMuchWork& error) {
    throw refusal(env, "TOO_MUCH_WORK", error);
  } catch (const Cancelled& error) {
    throw refusal(env, "CANCELLED", error);
  } catch (const TooManyKeypoints& error) {
    throw refusal(env, "TOO_MANY_KEYPOINTS", error);
  } catch (const std::bad_alloc&) {
    throw Napi::Error::New(env, "not enough memory for this task");
  } catch (const std::exception& error) {
    throw Napi::Error::New(env, what + ": " + error.what());
  } catch (...) {
    throw Napi::Error::New(env, what + ": unknown failure");
  }
}

}  // namespace edgesift::addon
