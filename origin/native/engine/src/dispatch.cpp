#include <stdexcept>

#include "kernels.hpp"

namespace edgesift {

bool isSupported(InstructionSet set) noexcept {
  switch (set) {
    case InstructionSet::portable: return true;
#if defined(__x86_64__)
    case InstructionSet::avx2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case InstructionSet::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("fma");
#elif defined(__aarch64__)
    case InstructionSet::neon: return true;
#endif
    default: return false;
  }
}

InstructionSet bestInstructionSet() noexcept {
  for (const InstructionSet set : {InstructionSet::avx512, InstructionSet::avx2, InstructionSet::neon})
    if (isSupported(set)) return set;
  return InstructionSet::portable;
}

const char* name(InstructionSet set) noexcept {
  switch (set) {
    case InstructionSet::neon: return "neon";
    case InstructionSet::avx2: return "avx2";
    case InstructionSet::avx512: return "avx512";
    default: return "portable";
  }
}

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

}  // namespace edgesift
