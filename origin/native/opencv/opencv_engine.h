#pragma once

#include "engine.h"

namespace edgesift::addon {

/// cv::SIFT, value for value. Constructing it sets OpenCV to one thread for the whole process: parallelism
/// comes from running one image per worker thread.
class OpenCvEngine final : public Engine {
 public:
  OpenCvEngine();

  std::string name() const override;
  std::string version() const override;
  void extract(const Image& image, const SiftParameters& parameters, const Limits& limits,
               const PayloadMemory& memory) const override;
  std::vector<std::uint8_t> grey(const Image& image) const override;
};

}  // namespace edgesift::addon
