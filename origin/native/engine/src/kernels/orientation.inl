// Histogram of gradient orientations around a keypoint (Lowe 2004, section 5).

namespace edgesift::EDGESIFT_SIMD {
namespace {

constexpr int kOrientationStride = 48;
/// More streams than the descriptor's: runs of samples in one bin are longer.
constexpr int kOrientationStreams = 8;

struct OrientationSamples {
  alignas(64) float x[kSampleRoom];
  alignas(64) float y[kSampleRoom];
  alignas(64) float weight[kSampleRoom];
  alignas(64) std::int32_t bin[kSampleRoom];
  int count = 0;
};

struct OrientationScratch {
  OrientationSamples samples;
  alignas(64) float histograms[kOrientationStreams][kOrientationStride];
};
static_assert(sizeof(OrientationScratch) <= kSampleScratchFloats * sizeof(float));

void addToHistograms(OrientationSamples& samples, float (*histograms)[kOrientationStride]) {
  float* const arrays[] = {samples.x, samples.y, samples.weight};
  const int count = padToGroup(arrays, 3, samples.count);
  for (int i = 0; i < count; i += kLanes) {
    const Floats x = load(samples.x + i);
    const Floats y = load(samples.y + i);
    storeIntegers(samples.bin + i, roundToEven(angleInDegrees(y, x) * broadcast(kOrientationBins / 360.0f)));
    store(samples.weight + i, load(samples.weight + i) * magnitude(y, x));
  }
  for (int start = 0; start < count; start += kOrientationStreams) {
#pragma GCC unroll 8
    for (int i = 0; i < kOrientationStreams; ++i) histograms[i][samples.bin[start + i]] += samples.weight[start + i];
  }
  samples.count = 0;
}

void orientationHistogram(const LevelView& level, const OrientationFrame& frame, float* scratch, float* histogram) {
  OrientationScratch& room = *reinterpret_cast<OrientationScratch*>(scratch);
  OrientationSamples& samples = room.samples;
  auto& histograms = room.histograms;
  samples.count = 0;
  for (auto& stream : histograms)
    for (float& value : stream) value = 0;
  const int top = frame.row - frame.radius < 1 ? 1 : frame.row - frame.radius;
  const int bottom = frame.row + frame.radius > level.rows - 2 ? level.rows - 2 : frame.row + frame.radius;
  const int left = frame.column - frame.radius < 1 ? 1 : frame.column - frame.radius;
  const int right =
      frame.column + frame.radius > level.columns - 2 ? level.columns - 2 : frame.column + frame.radius;
  const float* weights = frame.weights + frame.radius;
  for (int y = top; y <= bottom; ++y) {
    const float* above = level.row(y - 1);
    const float* middle = level.row(y);
    const float* below = level.row(y + 1);
    const Floats rowWeight = broadcast(weights[y - frame.row]);
    for (int x = left; x <= right; x += kGroup) {
      for (int i = 0; i < kGroup; i += kLanes) {
        const int at = samples.count + i;
        store(samples.x + at, load(middle + x + i + 1) - load(middle + x + i - 1));
        store(samples.y + at, load(above + x + i) - load(below + x + i));
        store(samples.weight + at, rowWeight * load(weights + x + i - frame.column));
      }
      samples.count += right - x + 1 < kGroup ? right - x + 1 : kGroup;
      if (samples.count >= kBatch) addToHistograms(samples, histograms);
    }
  }
  addToHistograms(samples, histograms);

  // Circular smoothing with (1, 4, 6, 4, 1) / 16.
  alignas(64) float circle[2 * kOrientationStride];
  float* centre = circle + 4;
  for (int i = 0; i < kOrientationBins; i += 4) {
    Quad sum[kOrientationStreams];
    for (int stream = 0; stream < kOrientationStreams; ++stream) sum[stream] = loadQuad(histograms[stream] + i);
    storeQuad(centre + i, ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7])));
  }
  // Whole turns.
  for (int stream = 0; stream < kOrientationStreams; ++stream) centre[0] += histograms[stream][kOrientationBins];
  for (int i = 1; i <= 2; ++i) {
    centre[-i] = centre[kOrientationBins - i];
    centre[kOrientationBins - 1 + i] = centre[i - 1];
  }
  for (int i = 0; i < kOrientationBins; i += 4) {
    const Quad outer = loadQuad(centre + i - 2) + loadQuad(centre + i + 2);
    const Quad inner = loadQuad(centre + i - 1) + loadQuad(centre + i + 1);
    const Quad sum = fusedMultiplyAdd(
        outer, broadcastQuad(1 / 16.0f),
        fusedMultiplyAdd(inner, broadcastQuad(4 / 16.0f), loadQuad(centre + i) * broadcastQuad(6 / 16.0f)));
    storeQuad(histogram + i, sum);
  }
}

}  // namespace
}  // namespace edgesift::EDGESIFT_SIMD
