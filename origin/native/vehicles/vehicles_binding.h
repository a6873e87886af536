#pragma once

#include <napi.h>

namespace edgesift::addon {

/// Adds the class `VehicleClassifier` and what trains its models.
void exportVehicles(Napi::Env env, Napi::Object exports);

}  // namespace edgesift::addon
