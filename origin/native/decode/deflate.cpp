#include "decode/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace edgesift::addon {

namespace {

constexpr std::size_t kScratchBytes = 1 << 16;

class Inflater {
 public:
  Inflater(const std::uint8_t* bytes, std::size_t size) : scratch_(kScratchBytes) {
    stream_.next_in = const_cast<Bytef*>(bytes);  // zlib only reads it
    stream_.avail_in = static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
    ready_ = inflateInit(&stream_) == Z_OK;
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }

  bool reachesItsEnd(std::size_t mostBytes, const Cancellation& cancellation) {
    int state = ready_ ? Z_OK : Z_STREAM_ERROR;
    while (state == Z_OK && stream_.total_out <= mostBytes) {
      cancellation.throwIfRequested();
      stream_.next_out = scratch_.data();
      stream_.avail_out = static_cast<uInt>(scratch_.size());
      state = inflate(&stream_, Z_NO_FLUSH);
    }
    return state == Z_STREAM_END && stream_.total_out <= mostBytes;
  }

 private:
  z_stream stream_{};
  std::vector<std::uint8_t> scratch_;
  bool ready_ = false;
};

}  // namespace

bool isSoundDeflateStream(const std::uint8_t* bytes, std::size_t size, std::size_t mostBytes,
                          const Cancellation& cancellation) {
  return Inflater(bytes, size).reachesItsEnd(mostBytes, cancellation);
}

}  // namespace edgesift::addon
