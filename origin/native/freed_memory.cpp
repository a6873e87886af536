#include "freed_memory.h"

#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace edgesift::addon {

void keepFreedMemory() noexcept {
#ifdef __GLIBC__
  constexpr int kMappedFromBytes = 32 * 1024 * 1024;
  constexpr int kKeptBytes = 64 * 1024 * 1024;
  mallopt(M_MMAP_THRESHOLD, kMappedFromBytes);
  mallopt(M_TRIM_THRESHOLD, kKeptBytes);
#endif
}

}  // namespace edgesift::addon
