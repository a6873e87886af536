#include "arena.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace edgesift {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::size_t roundUp(std::size_t bytes) { return (bytes + kHugePage - 1) / kHugePage * kHugePage; }

/// Maps whole huge pages: only what begins at the multiple of one can be one.
std::byte* mapHugePages(std::size_t bytes) {
  const std::size_t room = bytes + kHugePage;
  void* mapped = mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  std::byte* const begin = static_cast<std::byte*>(mapped);
  const std::size_t before = roundUp(reinterpret_cast<std::uintptr_t>(begin)) - reinterpret_cast<std::uintptr_t>(begin);
  if (before > 0) munmap(begin, before);
  munmap(begin + before + bytes, kHugePage - before);
#ifdef MADV_HUGEPAGE
  // Advice only: without huge pages the result is the same.
  static_cast<void>(madvise(begin + before, bytes, MADV_HUGEPAGE));
#endif
  return begin + before;
}

}  // namespace

Arena::~Arena() { release(); }

void Arena::release() noexcept {
  if (block_ != nullptr) munmap(block_, capacity_);
  block_ = nullptr;
  capacity_ = 0;
}

void Arena::reset(std::size_t bytes) {
  used_ = 0;
  if (bytes <= capacity_) return;
  release();
  const std::size_t capacity = roundUp(bytes);
  block_ = mapHugePages(capacity);
  capacity_ = capacity;
}

float* Arena::take(std::size_t count) {
  const std::size_t bytes = bytesFor(count);
  if (bytes > capacity_ - used_) throw std::bad_alloc();
  void* start = block_ + used_;
  used_ += bytes;
  return static_cast<float*>(start);
}

}  // namespace edgesift
