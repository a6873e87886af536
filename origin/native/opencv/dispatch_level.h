#pragma once

#include <string>

namespace edgesift::addon {

/// The instruction set that OpenCV's SIFT will run with in this process: "avx512", "avx2", "sse4.1" or
/// "baseline" on x86, "neon" on ARM. Results differ between these in a few bits, so it belongs to the version.
///
/// `featuresLine` is what cv::getCPUFeaturesLine() says: names without a mark are compiled in always, '*'
/// before a name marks one chosen at run time, '?' after it one that this processor lacks or that
/// OPENCV_CPU_DISABLE switches off.
std::string dispatchLevel(const std::string& featuresLine);

}  // namespace edgesift::addon
