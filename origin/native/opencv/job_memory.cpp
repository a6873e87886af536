#include "opencv/job_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <opencv2/core.hpp>
#include <vector>

namespace edgesift::addon {

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
    // Behind each hole stands a block, so there are never more holes than blocks.
    holes_.reserve(blocks_ + 1);
    const std::size_t size = alignUp(bytes, kAlignment);
    const auto hole =
        std::find_if(holes_.begin(), holes_.end(), [&](const Hole& candidate) { return candidate.size >= size; });
    if (hole == holes_.end() && size > kReservedBytes - top_) return nullptr;
    ++blocks_;
    return base_ + (hole != holes_.end() ? takeFromHole(hole, size) : takeFromTop(size));
  }

  /// A block that another thread took stays taken: this thread may not touch that thread's range, which goes
  /// with its thread at the latest.
  void giveBack(const std::uint8_t* block, std::size_t bytes) noexcept {
    if (!contains(block)) return;
    const auto offset = static_cast<std::size_t>(block - base_);
    const std::size_t size = alignUp(bytes, kAlignment);
    --blocks_;
    const auto next = std::find_if(holes_.begin(), holes_.end(),
                                   [&](const Hole& candidate) { return candidate.offset > offset; });
    const bool touchesNext = next != holes_.end() && offset + size == next->offset;
    const bool touchesPrevious = next != holes_.begin() && std::prev(next)->end() == offset;
    if (touchesPrevious) {
      std::prev(next)->size += size + (touchesNext ? next->size : 0);
      if (touchesNext) holes_.erase(next);
    } else if (touchesNext) {
      *next = {offset, size + next->size};
    } else {
      holes_.insert(next, {offset, size});  // take() has reserved its place
    }
    if (holes_.back().end() == top_) {
      top_ = holes_.back().offset;
      holes_.pop_back();
    }
  }

  void trim() noexcept {
    const std::size_t kept = alignUp(std::max(top_, JobMemory::kRetainedBytes), kHugePage);
    if (touched_ <= kept) return;
    // What the system refuses to take back stays usable, and is offered again after the next job.
    if (madvise(base_ + kept, alignUp(touched_, kHugePage) - kept, MADV_DONTNEED) == 0) touched_ = kept;
  }

 private:
  struct Hole {
    std::size_t offset;
    std::size_t size;
    std::size_t end() const { return offset + size; }
  };
  using Holes = std::vector<Hole>;  // by ascending offset; no two touch each other or the top

  bool contains(const std::uint8_t* block) const {
    const std::less<> before;
    return base_ != nullptr && !before(block, base_) && before(block, base_ + top_);
  }

  std::size_t takeFromHole(Holes::iterator hole, std::size_t size) {
    const std::size_t offset = hole->offset;
    if (hole->size == size) {
      holes_.erase(hole);
    } else {
      *hole = {offset + size, hole->size - size};
    }
    return offset;
  }

  std::size_t takeFromTop(std::size_t size) {
    const std::size_t offset = top_;
    top_ += size;
    touched_ = std::max(touched_, top_);
    return offset;
  }

  bool reserve() {
    if (base_ == nullptr && !refused_) {
      void* mapped = mmap(nullptr, kReservedBytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      refused_ = mapped == MAP_FAILED;
      if (refused_) return false;
      base_ = static_cast<std::uint8_t*>(mapped);
#ifdef MADV_HUGEPAGE
      madvise(base_, kReservedBytes, MADV_HUGEPAGE);  // a wish: without them it is only slower
#endif
    }
    return base_ != nullptr;
  }

  std::uint8_t* base_ = nullptr;
  bool refused_ = false;
  std::size_t top_ = 0;
  std::size_t touched_ = 0;
  std::size_t blocks_ = 0;
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

}  // namespace edgesift::addon
