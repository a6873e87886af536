#pragma once

#include <napi.h>

namespace edgesift::addon {

/// Adds decodeJpeg, decodeTiff, exifOrientation and orient to `exports`.
void exportDecoding(Napi::Env env, Napi::Object exports);

}  // namespace edgesift::addon
