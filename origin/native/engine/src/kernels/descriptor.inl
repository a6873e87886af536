// The descriptor: 4x4 histograms of 8 gradient orientations (Lowe 2004, section 6).

namespace edgesift::EDGESIFT_SIMD {
namespace {

constexpr int kWidth = 4;
constexpr int kBins = 8;
// A sample lies between four histograms and between two bins. Its eight votes go to neighbouring floats: a place is
// the square between four histograms, of which there are 5x5; it holds 8 bins and a ninth that is the first again,
// each with the votes for the upper left, upper right, lower left and lower right histogram.
constexpr int kPlaces = (kWidth + 1) * (kWidth + 1);
constexpr int kPlaceStride = (kBins + 1) * 4;
constexpr int kVotes = kPlaces * kPlaceStride;
constexpr int kVoteStride = (kVotes + 15) / 16 * 16;

struct DescriptorSamples {
  alignas(64) float x[kBatch + 2 * kGroup];
  alignas(64) float y[kBatch + 2 * kGroup];
  alignas(64) float row[kBatch + 2 * kGroup];
  alignas(64) float column[kBatch + 2 * kGroup];
  alignas(64) float weight[kBatch + 2 * kGroup];
  int count = 0;
};

/// Integer part of a coordinate; leaves the fraction.
EDGESIFT_INLINE Floats splitOff(Floats& coordinate) {
  const Floats whole = floor(coordinate);
  coordinate = coordinate - whole;
  return whole;
}

void castVotes(DescriptorSamples& samples, float angle, float (*votes)[kVoteStride]) {
  float* const arrays[] = {samples.x, samples.y, samples.row, samples.column, samples.weight};
  const int count = padToGroup(arrays, 5, samples.count);
  const Floats zero = broadcast(0.0f);
  const Floats bins = broadcast(static_cast<float>(kBins));
  for (int start = 0; start < count; start += kGroup) {
    alignas(64) std::int32_t index[kGroup];
    alignas(64) float lowerBin[kGroup * 4];
    alignas(64) float upperBin[kGroup * 4];
    for (int i = 0; i < kGroup; i += kLanes) {
      const int at = start + i;
      const Floats x = load(samples.x + at);
      const Floats y = load(samples.y + at);
      const Floats vote = magnitude(y, x) * load(samples.weight + at);
      Floats bin = (angleInDegrees(y, x) - broadcast(angle)) * broadcast(kBins / 360.0f);
      Floats row = load(samples.row + at);
      Floats column = load(samples.column + at);
      Floats wholeBin = splitOff(bin);
      const Floats wholeRow = splitOff(row);
      const Floats wholeColumn = splitOff(column);
      wholeBin = selectGreaterEqual(wholeBin, zero, wholeBin, wholeBin + bins);
      wholeBin = selectGreaterEqual(wholeBin, bins, wholeBin - bins, wholeBin);

      constexpr float kFirstPlace = (kWidth + 1 + 1) * kPlaceStride;
      Floats offset = fusedMultiplyAdd(wholeBin, broadcast(4.0f), broadcast(kFirstPlace));
      offset = fusedMultiplyAdd(wholeColumn, broadcast(static_cast<float>(kPlaceStride)), offset);
      offset = fusedMultiplyAdd(wholeRow, broadcast(static_cast<float>((kWidth + 1) * kPlaceStride)), offset);
      storeIntegers(index + i, offset);

      const Floats low = vote * row;
      const Floats high = vote - low;
      const Floats lowRight = low * column;
      const Floats lowLeft = low - lowRight;
      const Floats highRight = high * column;
      const Floats highLeft = high - highRight;
      const Floats upperHighLeft = highLeft * bin;
      const Floats upperHighRight = highRight * bin;
      const Floats upperLowLeft = lowLeft * bin;
      const Floats upperLowRight = lowRight * bin;
      storeQuads(lowerBin + 4 * i, highLeft - upperHighLeft, highRight - upperHighRight, lowLeft - upperLowLeft,
                 lowRight - upperLowRight);
      storeQuads(upperBin + 4 * i, upperHighLeft, upperHighRight, upperLowLeft, upperLowRight);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kGroup; ++i) {
      float* place = votes[i % kStreams] + index[i];
      const int from = i / kLanes * kLanes * 4 + quadOffset(i % kLanes);
      storeQuad(place, loadQuad(place) + loadQuad(lowerBin + from));
      storeQuad(place + 4, loadQuad(place + 4) + loadQuad(upperBin + from));
    }
  }
  samples.count = 0;
}

/// Columns of one row of pixels that lie in the square, as offsets from its centre.
struct Span {
  int begin;
  int end;
};

/// Coordinates of a pixel in units of histograms, so that the first histogram's centre is at 0 and the last one's
/// at 3. `row` and `column` are the products for the pixel's row.
EDGESIFT_INLINE float toHistogram(float offset, float factor, float product) {
  return __builtin_fmaf(offset, factor, product) + kWidth / 2 - 0.5f;
}

EDGESIFT_INLINE bool isInside(float coordinate) { return coordinate > -1 && coordinate < kWidth; }

/// The offsets in [-limit, limit] for which |offset * factor + product| may be below (kWidth + 1) / 2, give or take
/// one.
EDGESIFT_INLINE void narrow(float factor, float product, float& low, float& high) {
  if (__builtin_fabsf(factor) < 1e-6f) return;
  const float centre = -product / factor;
  const float half = __builtin_fabsf((kWidth + 1) * 0.5f / factor);
  if (centre - half > low) low = centre - half;
  if (centre + half < high) high = centre + half;
}

/// The set is defined by isInside alone; the estimate only says where to look, so its rounding does not matter. It
/// is contiguous because the coordinates are monotonic in the offset, rounding included.
EDGESIFT_INLINE Span spanOf(const DescriptorFrame& frame, float rowProduct, float columnProduct) {
  const auto inside = [&](int offset) {
    const float at = static_cast<float>(offset);
    return isInside(toHistogram(at, frame.sine, rowProduct)) && isInside(toHistogram(at, frame.cosine, columnProduct));
  };
  float low = static_cast<float>(-frame.radius);
  float high = static_cast<float>(frame.radius);
  narrow(frame.sine, rowProduct, low, high);
  narrow(frame.cosine, columnProduct, low, high);
  if (!(low <= high + 2)) return {0, 0};
  int begin = static_cast<int>(low) - 2 < -frame.radius ? -frame.radius : static_cast<int>(low) - 2;
  int end = static_cast<int>(high) + 3 > frame.radius + 1 ? frame.radius + 1 : static_cast<int>(high) + 3;
  while (begin < end && !inside(begin)) ++begin;
  while (begin < end && !inside(end - 1)) --end;
  return {begin, end};
}

/// Sum of squares in 16 partial sums.
EDGESIFT_INLINE float sumOfSquares(const float* values) {
  alignas(64) float partial[kGroup];
  for (int i = 0; i < kGroup; i += kLanes) {
    Floats sum = broadcast(0.0f);
    for (int k = 0; k < kDescriptorSize; k += kGroup) {
      const Floats value = load(values + k + i);
      sum = fusedMultiplyAdd(value, value, sum);
    }
    store(partial + i, sum);
  }
  for (int width = kGroup / 2; width > 0; width /= 2)
    for (int i = 0; i < width; ++i) partial[i] += partial[i + width];
  return partial[0];
}

/// Normalises to unit length, limits elements to 0.2, normalises again, and scales by 512 (Lowe 2004, section 6.1;
/// 512 and the limit of 255 are OpenCV's).
void quantise(float* values, std::uint8_t* descriptor) {
  const Floats limit = broadcast(__builtin_sqrtf(sumOfSquares(values)) * 0.2f);
  for (int k = 0; k < kDescriptorSize; k += kLanes) store(values + k, minimum(load(values + k), limit));
  constexpr float kEpsilon = 1.1920929e-7f;
  const float length = __builtin_sqrtf(sumOfSquares(values));
  const Floats scale = broadcast(512.0f / (length > kEpsilon ? length : kEpsilon));
  const Floats white = broadcast(255.0f);
  for (int k = 0; k < kDescriptorSize; k += kLanes) {
    std::int32_t level[kLanes];
    storeIntegers(level, minimum(roundToEven(load(values + k) * scale), white));
    for (int i = 0; i < kLanes; ++i) descriptor[k + i] = static_cast<std::uint8_t>(level[i]);
  }
}

/// Collects, for every histogram, the votes of the four places around it.
void gather(float (*votes)[kVoteStride], float* values) {
  float* total = votes[0];
  for (int i = 0; i < kVoteStride; i += kLanes) {
    store(total + i, (load(votes[0] + i) + load(votes[1] + i)) + (load(votes[2] + i) + load(votes[3] + i)));
  }
  for (int place = 0; place < kPlaces; ++place) {
    float* first = total + place * kPlaceStride;
    storeQuad(first, loadQuad(first) + loadQuad(first + kBins * 4));
  }
  for (int row = 0; row < kWidth; ++row) {
    for (int column = 0; column < kWidth; ++column) {
      const float* upperLeft = total + (row * (kWidth + 1) + column) * kPlaceStride;
      const float* upperRight = upperLeft + kPlaceStride;
      const float* lowerLeft = upperLeft + (kWidth + 1) * kPlaceStride;
      const float* lowerRight = lowerLeft + kPlaceStride;
      for (int bin = 0; bin < kBins; ++bin)
        *values++ = (lowerRight[4 * bin] + lowerLeft[4 * bin + 1]) + (upperRight[4 * bin + 2] + upperLeft[4 * bin + 3]);
    }
  }
}

void describe(const LevelView& level, const DescriptorFrame& frame, std::uint8_t* descriptor) {
  alignas(64) float votes[kStreams][kVoteStride] = {};
  DescriptorSamples samples;
  const int top = frame.row - frame.radius < 1 ? 1 : frame.row - frame.radius;
  const int bottom = frame.row + frame.radius > level.rows - 2 ? level.rows - 2 : frame.row + frame.radius;
  const float* weights = frame.weights + frame.radius;
  const Floats sine = broadcast(frame.sine);
  const Floats cosine = broadcast(frame.cosine);
  const Floats half = broadcast(0.5f);
  const Floats middleOfWidth = broadcast(kWidth / 2);
  for (int y = top; y <= bottom; ++y) {
    const int offset = y - frame.row;
    const float rowProduct = static_cast<float>(offset) * frame.cosine;
    const float columnProduct = -(static_cast<float>(offset) * frame.sine);
    Span span = spanOf(frame, rowProduct, columnProduct);
    if (frame.column + span.begin < 1) span.begin = 1 - frame.column;
    if (frame.column + span.end > level.columns - 1) span.end = level.columns - 1 - frame.column;
    const float* above = level.row(y - 1) + frame.column;
    const float* middle = level.row(y) + frame.column;
    const float* below = level.row(y + 1) + frame.column;
    const Floats rowWeight = broadcast(weights[offset]);
    for (int x = span.begin; x < span.end; x += kGroup) {
      for (int i = 0; i < kGroup; i += kLanes) {
        const int at = samples.count + i;
        const Floats columnOffset = ramp() + broadcast(static_cast<float>(x + i));
        store(samples.x + at, load(middle + x + i + 1) - load(middle + x + i - 1));
        store(samples.y + at, load(above + x + i) - load(below + x + i));
        store(samples.row + at, fusedMultiplyAdd(columnOffset, sine, broadcast(rowProduct)) + middleOfWidth - half);
        store(samples.column + at,
              fusedMultiplyAdd(columnOffset, cosine, broadcast(columnProduct)) + middleOfWidth - half);
        store(samples.weight + at, rowWeight * load(weights + x + i));
      }
      samples.count += span.end - x < kGroup ? span.end - x : kGroup;
      if (samples.count >= kBatch) castVotes(samples, frame.angle, votes);
    }
  }
  castVotes(samples, frame.angle, votes);

  alignas(64) float values[kDescriptorSize];
  gather(votes, values);
  quantise(values, descriptor);
}

}  // namespace
}  // namespace edgesift::EDGESIFT_SIMD
