// Dense descriptors: gradients in eight orientations for every pixel, summed in triangular windows.

namespace edgesift::EDGESIFT_SIMD {
namespace {

void orientationRow(const float* above, const float* row, const float* below, int width, float* scratch, float* out) {
  float* magnitudes = scratch;
  float* angles = scratch + denseRowFloats(width);
  const Floats half = broadcast(0.5f);
  for (int x = 0; x < width; x += kLanes) {
    const Floats gx = half * (load(row + x + 1) - load(row + x - 1));
    const Floats gy = half * (load(below + x) - load(above + x));
    const Floats angle = signedAngle<kDenseOrientations>(gy, gx);
    const Floats zero = broadcast(0.0f);
    store(magnitudes + x, magnitude(gy, gx));
    store(angles + x, selectGreaterEqual(angle, zero, angle, angle + broadcast(kDenseOrientations)));
  }
  for (int i = 0; i < width * kDenseOrientations; ++i) out[i] = 0.0f;
  for (int x = 0; x < width; ++x, out += kDenseOrientations) {
    const int whole = static_cast<int>(angles[x]);
    const float upper = magnitudes[x] * (angles[x] - static_cast<float>(whole));
    out[whole & (kDenseOrientations - 1)] = magnitudes[x] - upper;
    out[(whole + 1) & (kDenseOrientations - 1)] = upper;
  }
}

void slideSum(float* sum, const float* entering, const float* leaving, int count) {
  for (int i = 0; i < count; i += kLanes) store(sum + i, load(sum + i) + (load(entering + i) - load(leaving + i)));
}

void triangleRow(const float* in, int width, int binSize, float* boxes, float* out) {
  constexpr int kBins = kDenseOrientations;
  // boxes[x] sums in[x] .. in[x + binSize - 1], from x = 1 - binSize on.
  float sum[kBins] = {};
  float* box = boxes;
  for (int x = 1 - binSize; x < width; ++x, box += kBins) {
    if (x + binSize - 1 < width)
      for (int o = 0; o < kBins; ++o) sum[o] += in[(x + binSize - 1) * kBins + o];
    if (x - 1 >= 0)
      for (int o = 0; o < kBins; ++o) sum[o] -= in[(x - 1) * kBins + o];
    for (int o = 0; o < kBins; ++o) box[o] = sum[o];
  }
  float outer[kBins] = {};
  for (int i = 0; i < binSize - 1; ++i)
    for (int o = 0; o < kBins; ++o) outer[o] += boxes[i * kBins + o];
  for (int x = 0; x < width; ++x) {
    const float* entering = boxes + (x + binSize - 1) * kBins;
    for (int o = 0; o < kBins; ++o) outer[o] += entering[o];
    // Running sums leave rounding errors of either sign where the sum is 0.
    for (int o = 0; o < kBins; ++o) out[x * kBins + o] = outer[o] > 0.0f ? outer[o] : 0.0f;
    const float* leaving = boxes + x * kBins;
    for (int o = 0; o < kBins; ++o) outer[o] -= leaving[o];
  }
}

EDGESIFT_INLINE float sumOfEight(const float* values) {
  return ((values[0] + values[4]) + (values[2] + values[6])) + ((values[1] + values[5]) + (values[3] + values[7]));
}

void describeDense(const float* const* rows, int column, int binSize, float* out) {
  constexpr int kBins = kDenseOrientations;
  float squares[kBins] = {};
  for (int j = 0; j < 4; ++j)
    for (int i = 0; i < 4; ++i) {
      const float weight = kDenseBinWeights[j] * kDenseBinWeights[i];
      const float* bin = rows[j] + (column + i * binSize) * kBins;
      float* value = out + (4 * j + i) * kBins;
      for (int o = 0; o < kBins; ++o) {
        value[o] = bin[o] * weight;
        squares[o] += value[o] * value[o];
      }
    }
  const float norm = __builtin_sqrtf(sumOfEight(squares));
  if (!(norm > kDenseLeastNorm * static_cast<float>(binSize * binSize))) {
    for (int i = 0; i < kDescriptorSize; ++i) out[i] = 0.0f;
    return;
  }
  const float scale = 1.0f / norm;
  float sums[kBins] = {};
  for (int i = 0; i < kDescriptorSize; i += kBins)
    for (int o = 0; o < kBins; ++o) {
      const float scaled = out[i + o] * scale;
      out[i + o] = scaled < 0.2f ? scaled : 0.2f;
      sums[o] += out[i + o];
    }
  const Floats share = broadcast(1.0f / sumOfEight(sums));
  for (int i = 0; i < kDescriptorSize; i += kLanes) store(out + i, squareRoot(load(out + i) * share));
}

}  // namespace
}  // namespace edgesift::EDGESIFT_SIMD
