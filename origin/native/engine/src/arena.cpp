#include "arena.hpp"

#include <sys/mman.h>

#include <new>

namespace edgesift {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

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
  const std::size_t capacity = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  void* block = mmap(nullptr, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  // Advice only: without huge pages the result is the same.
  static_cast<void>(madvise(block, capacity, MADV_HUGEPAGE));
#endif
  block_ = static_cast<std::byte*>(block);
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
