#pragma once

#include <napi.h>

namespace edgesift::addon {

/// Adds `matchDescriptors` and `estimateGeometry`, see addon.ts.
void exportMatching(Napi::Env env, Napi::Object exports);

}  // namespace edgesift::addon
