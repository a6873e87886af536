#pragma once

#include <cstddef>

namespace edgesift {

/// One block of memory, carved up anew for every image. It is kept between images and asks for huge pages, so
/// that an image costs no page faults once the block is large enough.
class Arena {
 public:
  static constexpr std::size_t kAlignment = 64;

  Arena() = default;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// Forgets what was carved and makes sure that `bytes` can be. Throws std::bad_alloc.
  void reset(std::size_t bytes);

  /// `count` floats, uninitialised, aligned to a cache line. The sum of all takes stays within what `reset` was
  /// given if each is counted with `bytesFor`.
  float* take(std::size_t count);

  static constexpr std::size_t bytesFor(std::size_t count) {
    return (count * sizeof(float) + kAlignment - 1) / kAlignment * kAlignment;
  }

 private:
  void release() noexcept;

  std::byte* block_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t used_ = 0;
};

}  // namespace edgesift
