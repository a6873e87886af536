#pragma once

#include "engine.h"

namespace edgesift::addon {

/// Our own engine (engine/), one extractor per thread, which keeps its working memory between images as long as
/// that is little.
class EdgesiftEngine final : public Engine {
 public:
  std::string name() const override;
  std::string version() const override;
  void extract(const Image& image, const SiftParameters& parameters, const Limits& limits,
               const PayloadMemory& memory) const override;
  std::vector<std::uint8_t> grey(const Image& image) const override;
};

}  // namespace edgesift::addon
