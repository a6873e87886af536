#include <stdexcept>

#include "kernels.hpp"

namespace edgesift::vehicles {

const Kernels& kernelsFor(InstructionSet set) {
  if (!isSupported(set)) throw std::invalid_argument("instruction set not supported by this processor");
  switch (set) {
#if defined(__x86_64__)
    case InstructionSet::avx2: return avx2::kernels;
    case InstructionSet::avx512: return avx512::kernels;
#elif defined(__aarch64__)
    case InstructionSet::neon: return neon::kernels;
#endif
    default: return portable::kernels;
  }
}

}  // namespace edgesift::vehicles
