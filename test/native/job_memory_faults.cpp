// Puts the memory of jobs in situations that hardly happen. Ends with 0 when all went well, else with a message or a
// signal.
//
// usage: job_memory_faults trim | release | thread

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <new>
#include <opencv2/core.hpp>
#include <thread>
#include <vector>

#include "opencv/job_memory.h"

namespace {

thread_local bool allocationFails = false;
bool systemRefuses = false;

}  // namespace

void* operator new(std::size_t bytes) {
  void* memory = allocationFails ? nullptr : std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

// These stand before those of the C library. A mapping over an existing one can fail after the old one has gone.
extern "C" void* mmap(void* at, std::size_t bytes, int protection, int flags, int file, off_t offset) noexcept {
  if (systemRefuses && (flags & MAP_FIXED) != 0) {
    munmap(at, bytes);
    return MAP_FAILED;
  }
  return reinterpret_cast<void*>(syscall(SYS_mmap, at, bytes, protection, flags, file, offset));
}
extern "C" int madvise(void* at, std::size_t bytes, int advice) noexcept {
  return systemRefuses ? -1 : static_cast<int>(syscall(SYS_madvise, at, bytes, advice));
}

namespace {

constexpr int kMebibyte = 1 << 20;

cv::Mat filled(int bytes, int value) { return cv::Mat(1, bytes, CV_8UC1, cv::Scalar(value)); }

bool holds(const cv::Mat& matrix, int value) { return cv::countNonZero(matrix != value) == 0; }

/// A thread's memory beyond what it keeps is usable after the system has refused to take it back.
bool trim() {
  for (int job = 0; job < 3; ++job) {
    systemRefuses = false;
    const edgesift::addon::JobMemory memory;
    if (!holds(filled(200 * kMebibyte, job), job)) return false;
    systemRefuses = true;
  }
  return true;
}

/// Matrices are released in any order while there is no memory, and others take their place unharmed.
bool release() {
  const edgesift::addon::JobMemory memory;
  std::vector<cv::Mat> matrices;
  for (int i = 0; i < 64; ++i) matrices.push_back(filled(kMebibyte + 1000 * i, i));
  allocationFails = true;
  for (int first : {1, 3, 2}) {
    for (int i = first; i < 64; i += 4) matrices[i].release();
  }
  allocationFails = false;
  for (int i = 1; i < 64; i += 3) matrices[i] = filled(kMebibyte / 2 + 5000 * i, i);
  for (int i = 0; i < 64; ++i) {
    if (!matrices[i].empty() && !holds(matrices[i], i)) return false;
  }
  const std::uint8_t* lowest = matrices[0].data;
  matrices.clear();
  return filled(300 * kMebibyte, 7).data == lowest;
}

/// Matrices of one thread's job that another thread releases harm neither thread's memory.
bool thread() {
  const edgesift::addon::JobMemory memory;
  cv::Mat early = filled(4 * kMebibyte, 1);
  bool unharmed = false;
  cv::Mat late = filled(4 * kMebibyte, 5);
  std::thread([&] {
    early.release();
    const edgesift::addon::JobMemory memoryOfThread;
    const cv::Mat first = filled(2 * kMebibyte, 2);
    late.release();
    cv::Mat second = filled(kMebibyte, 3);
    unharmed = holds(first, 2) && holds(second, 3);
  }).join();
  return unharmed && holds(filled(4 * kMebibyte, 4), 4);
}

}  // namespace

int main(int argumentCount, char** arguments) {
  const char* situation = argumentCount == 2 ? arguments[1] : "";
  const bool passed = std::strcmp(situation, "trim") == 0      ? trim()
                      : std::strcmp(situation, "release") == 0 ? release()
                      : std::strcmp(situation, "thread") == 0  ? thread()
                                                               : false;
  if (!passed) std::cerr << situation << ": the memory of a job did not hold what was written\n";
  return passed ? 0 : 1;
}
