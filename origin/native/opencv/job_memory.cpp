#include "opencv/job_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <opencv2/core.hpp>

namespace edgesift {

namespace {

// Room for the pyramid of 50 Mpx; addresses only, pages come when they are touched.
constexpr std::size_t kReservedBytes = std::size_t{16} << 30;
constexpr std::size_t kSmallestBlock = std::size_t{16} << 10;
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

constexpr std::size_t alignUp(std::size_t value, std::size_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

/// A range of addresses given out from the bottom up, first fit.
class Range {
 public:
  Range() = default;
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;
  ~Range() {
    if (base_ != nullptr) munmap(base_, kReservedBytes);
  }

  bool open = false;

  /// Null when the range is used up or the system does not grant it.
  std::uint8_t* take(std::size_t bytes) {
    if (!reserve()) return nullptr;
    const std::size_t size = alignUp(bytes, kAlignment);
    const auto hole = std::find_if(holes_.begin(), holes_.end(),
                                   [&](const auto& candidate) { return candidate.second >= size; });
    if (hole != holes_.end()) return base_ + takeFromHole(hole, size);
    if (size > kReservedBytes - top_) return nullptr;
    const std::size_t offset = top_;
    top_ += size;
    touched_ = std::max(touched_, top_);
    return base_ + offset;
  }

  void giveBack(const std::uint8_t* block, std::size_t bytes) {
    const auto offset = static_cast<std::size_t>(block - base_);
    auto hole = holes_.emplace(offset, alignUp(bytes, kAlignment)).first;
    const auto next = std::next(hole);
    if (next != holes_.end() && offset + hole->second == next->first) {
      hole->second += next->second;
      holes_.erase(next);
    }
    if (hole != holes_.begin()) {
      const auto previous = std::prev(hole);
      if (previous->first + previous->second == offset) {
        previous->second += hole->second;
        holes_.erase(hole);
        hole = previous;
      }
    }
    if (hole->first + hole->second == top_) {
      top_ = hole->first;
      holes_.erase(hole);
    }
  }

  void trim() {
    const std::size_t kept = alignUp(std::max(top_, JobMemory::kRetainedBytes), kHugePage);
    if (touched_ <= kept) return;
    map(base_ + kept, kReservedBytes - kept, MAP_FIXED);
    touched_ = kept;
  }

 private:
  using Holes = std::map<std::size_t, std::size_t>;  // offset to size; no two touch each other or the top

  std::size_t takeFromHole(Holes::iterator hole, std::size_t size) {
    const auto [offset, available] = *hole;
    holes_.erase(hole);
    if (available > size) holes_.emplace(offset + size, available - size);
    return offset;
  }

  bool reserve() {
    if (base_ == nullptr && !refused_) {
      base_ = map(nullptr, kReservedBytes, 0);
      refused_ = base_ == nullptr;
    }
    return base_ != nullptr;
  }

  static std::uint8_t* map(std::uint8_t* at, std::size_t bytes, int flags) {
    void* mapped = mmap(at, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
    if (mapped == MAP_FAILED) return nullptr;
#ifdef MADV_HUGEPAGE
    madvise(mapped, bytes, MADV_HUGEPAGE);
#endif
    return static_cast<std::uint8_t*>(mapped);
  }

  std::uint8_t* base_ = nullptr;
  bool refused_ = false;
  std::size_t top_ = 0;
  std::size_t touched_ = 0;
  Holes holes_;
};

thread_local Range range;

/// Every job's matrices live and die on the thread of the job, so no lock is needed.
class JobAllocator final : public cv::MatAllocator {
 public:
  cv::UMatData* allocate(int dims, const int* sizes, int type, void* data, std::size_t* step,
                         cv::AccessFlag access, cv::UMatUsageFlags usage) const override {
    std::size_t bytes = CV_ELEM_SIZE(type);
    for (int i = 0; i < dims; ++i) bytes *= static_cast<std::size_t>(sizes[i]);
    const bool ours = range.open && data == nullptr && bytes >= kSmallestBlock;
    std::unique_ptr<cv::UMatData> block = ours ? std::make_unique<cv::UMatData>(this) : nullptr;
    std::uint8_t* memory = block ? range.take(bytes) : nullptr;
    if (memory == nullptr) {
      return cv::Mat::getStdAllocator()->allocate(dims, sizes, type, data, step, access, usage);
    }

    std::size_t stride = CV_ELEM_SIZE(type);
    for (int i = dims - 1; i >= 0; --i) {
      if (step != nullptr) step[i] = stride;
      stride *= static_cast<std::size_t>(sizes[i]);
    }
    block->data = block->origdata = memory;
    block->size = bytes;
    return block.release();
  }

  bool allocate(cv::UMatData* data, cv::AccessFlag, cv::UMatUsageFlags) const override {
    return data != nullptr;
  }

  void deallocate(cv::UMatData* data) const override {
    const std::unique_ptr<cv::UMatData> block(data);
    if (block) range.giveBack(block->origdata, block->size);
  }
};

/// For the whole process: outside a job it does what OpenCV's own allocator does.
void install() {
  static const bool installed = [] {
    static JobAllocator allocator;
    cv::Mat::setDefaultAllocator(&allocator);
    return true;
  }();
  static_cast<void>(installed);
}

}  // namespace

JobMemory::JobMemory() {
  install();
  range.open = true;
}

JobMemory::~JobMemory() {
  range.open = false;
  range.trim();
}

}  // namespace edgesift
