#pragma once

#include <cstddef>

namespace edgesift::addon {

/// While one of these lives, the matrices that this thread's OpenCV calls make come from memory that the thread
/// keeps between jobs.
///
/// OpenCV's SIFT asks for some 235 bytes per pixel, in blocks so large that malloc maps and unmaps each one: the
/// page faults take up to a third of a job and, being serialised by the kernel, do not scale over threads. Raising
/// malloc's thresholds does not help worker threads (an arena of theirs ends at 64 MiB). So each thread reserves
/// one range of addresses, backed by huge pages where the system has them. After a job the pages beyond
/// kRetainedBytes go back to the system. What does not fit takes OpenCV's usual way.
class JobMemory {
 public:
  /// Stays resident per thread after a job; enough for the pyramid of a 512 x 512 image.
  static constexpr std::size_t kRetainedBytes = std::size_t{64} << 20;

  JobMemory();
  JobMemory(const JobMemory&) = delete;
  JobMemory& operator=(const JobMemory&) = delete;
  ~JobMemory();
};

}  // namespace edgesift::addon
