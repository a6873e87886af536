#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "edgesift/sift.hpp"
#include "kernels.hpp"

namespace edgesift {

/// A keypoint in the units of the result.
struct Keypoint {
  float x;
  float y;
  float size;
  float angle;
  float response;
  std::int32_t octave;
};

/// The keypoints of one image as they are found, and their order and selection at the end. Keeps its memory.
class KeypointStore {
 public:
  /// Forgets the keypoints. `limit` is the number that will be selected, 0 for all; `most` as of
  /// Parameters::mostKeypoints.
  void clear(int limit, int most);

  /// Whether a keypoint of that response may still be selected.
  bool isWanted(float response) const noexcept;

  /// Adds a keypoint; its descriptor is to be written to the place returned. Throws TooManyKeypoints.
  std::uint8_t* add(const Keypoint& keypoint);

  /// Orders by response (descending), then y, x, size, angle, octave, cuts at the limit, and lays the result out.
  Features select();

 private:
  using Descriptor = std::array<std::uint8_t, kDescriptorSize>;
  // Blocks never move, so that growing copies nothing and wastes at most one block.
  static constexpr std::size_t kBlock = 4096;
  struct Block {
    std::array<Keypoint, kBlock> keypoints;
    std::array<Descriptor, kBlock> descriptors;
  };

  const Keypoint& keypoint(std::size_t i) const { return blocks_[i / kBlock]->keypoints[i % kBlock]; }
  void order();

  std::size_t count_ = 0;
  std::size_t limit_ = 0;
  /// Of keypoints added.
  std::size_t capacity_ = 0;
  std::vector<std::unique_ptr<Block>> blocks_;
  /// With a limit: a heap of the highest responses, the least of them on top.
  std::vector<float> highest_;
  /// Response and index, so that descending responses sort as ascending numbers.
  std::vector<std::uint64_t> order_;
  std::vector<float> xy_;
  std::vector<float> size_;
  std::vector<float> angle_;
  std::vector<float> response_;
  std::vector<std::int32_t> octave_;
  std::vector<std::uint8_t> descriptors_;
};

}  // namespace edgesift
