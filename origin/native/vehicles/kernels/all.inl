// Compiled once per instruction set, each in a namespace of its own; see engine/src/kernels/all.inl.

namespace edgesift::vehicles::EDGESIFT_SIMD {

using namespace edgesift::EDGESIFT_SIMD;

namespace {

constexpr int kTileVectors = kLanes == 16 ? 4 : 2;
constexpr int kTileColumns = kTileVectors * kLanes;

template <int Rows>
EDGESIFT_INLINE void multiplyTile(const float* a, std::ptrdiff_t aStride, const float* b, int depth,
                                  const float* initial, float* out, std::ptrdiff_t outStride) {
  Floats sum[Rows][kTileVectors];
  for (int m = 0; m < Rows; ++m)
    for (int v = 0; v < kTileVectors; ++v) sum[m][v] = load((initial ? initial : out + m * outStride) + v * kLanes);
  for (int k = 0; k < depth; ++k, b += kPanel) {
    Floats column[kTileVectors];
    for (int v = 0; v < kTileVectors; ++v) column[v] = load(b + v * kLanes);
    for (int m = 0; m < Rows; ++m) {
      const Floats value = broadcast(a[m * aStride + k]);
      for (int v = 0; v < kTileVectors; ++v) sum[m][v] = fusedMultiplyAdd(value, column[v], sum[m][v]);
    }
  }
  for (int m = 0; m < Rows; ++m)
    for (int v = 0; v < kTileVectors; ++v) store(out + m * outStride + v * kLanes, sum[m][v]);
}

constexpr int kTileRows = kLanes == 16 ? 6 : 5;

void multiply(const float* a, std::ptrdiff_t aStride, int rows, const float* panels, int depth, int columns,
              const float* initial, float* out, std::ptrdiff_t outStride) {
  for (int n = 0; n < columns; n += kPanel) {
    const float* panel = panels + static_cast<std::ptrdiff_t>(n) * depth;
    for (int m = 0; m < rows;) {
      const bool whole = rows - m >= kTileRows;
      for (int c = 0; c < kPanel; c += kTileColumns) {
        const float* start = initial ? initial + n + c : nullptr;
        const float* left = a + m * aStride;
        float* target = out + m * outStride + n + c;
        if (whole) multiplyTile<kTileRows>(left, aStride, panel + c, depth, start, target, outStride);
        else multiplyTile<1>(left, aStride, panel + c, depth, start, target, outStride);
      }
      m += whole ? kTileRows : 1;
    }
  }
}

int nearGreatest(const float* values, int count, float margin, std::int32_t* indices) {
  Floats most = load(values);
  for (int i = kLanes; i < count; i += kLanes) most = maximum(most, load(values + i));
  float lanes[kLanes];
  store(lanes, most);
  float greatest = lanes[0];
  for (int i = 1; i < kLanes; ++i) greatest = lanes[i] > greatest ? lanes[i] : greatest;
  const Floats least = broadcast(greatest - margin);
  int found = 0;
  for (int i = 0; i < count; i += kLanes)
    for (std::uint32_t mask = maskGreaterEqual(load(values + i), least); mask != 0; mask &= mask - 1)
      indices[found++] = i + __builtin_ctz(mask);
  return found;
}

void addScaled(float weight, const float* values, int count, float* sum) {
  const Floats factor = broadcast(weight);
  for (int i = 0; i < count; i += kLanes) store(sum + i, fusedMultiplyAdd(factor, load(values + i), load(sum + i)));
}

std::int32_t dotPacked(const std::uint8_t* packed, const std::int16_t* values, int count) {
  std::int32_t sum = 0;
  for (int block = 0; block < count; block += 64, packed += 32, values += 64) {
    for (int i = 0; i < 32; ++i) sum += ((packed[i] & 15) - 8) * values[i];
    for (int i = 0; i < 32; ++i) sum += ((packed[i] >> 4) - 8) * values[32 + i];
  }
  return sum;
}

}  // namespace

extern const Kernels kernels = {multiply, nearGreatest, addScaled, dotPacked};

}  // namespace edgesift::vehicles::EDGESIFT_SIMD
