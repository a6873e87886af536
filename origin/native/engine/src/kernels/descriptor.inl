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
  alignas(kSamePlace) float x[kSampleRoom];
  alignas(kSamePlace) float y[kSampleRoom];
  alignas(kSamePlace) float row[kSampleRoom];
  alignas(kSamePlace) float column[kSampleRoom];
  alignas(kSamePlace) float weight[kSampleRoom];
  int count = 0;
};

/// Eight votes of each sample of a batch, and where they go.
struct Votes {
  alignas(64) std::int32_t place[kSampleRoom];
  alignas(64) float lowerBin[4 * kSampleRoom];
  alignas(64) float upperBin[4 * kSampleRoom];
};

/// Integer part of a coordinate; leaves the fraction.
EDGESIFT_INLINE Floats splitOff(Floats& coordinate) {
  const Floats whole = floor(coordinate);
  coordinate = coordinate - whole;
  return whole;
}

int weighVotes(DescriptorSamples& samples, float angle, Votes& votes) {
  float* const arrays[] = {samples.x, samples.y, samples.row, samples.column, samples.weight};
  const int count = padToGroup(arrays, 5, samples.count);
  const Floats zero = broadcast(0.0f);
  const Floats bins = broadcast(static_cast<float>(kBins));
  for (int i = 0; i < count; i += kLanes) {
    const Floats x = load(samples.x + i);
    const Floats y = load(samples.y + i);
    const Floats vote = magnitude(y, x) * load(samples.weight + i);
    Floats bin = (angleInDegrees(y, x) - broadcast(angle)) * broadcast(kBins / 360.0f);
    Floats row = load(samples.row + i);
    Floats column = load(samples.column + i);
    Floats wholeBin = splitOff(bin);
    const Floats wholeRow = splitOff(row);
    const Floats wholeColumn = splitOff(column);
    wholeBin = selectGreaterEqual(wholeBin, zero, wholeBin, wholeBin + bins);
    wholeBin = selectGreaterEqual(wholeBin, bins, wholeBin - bins, wholeBin);

    constexpr float kFirstPlace = (kWidth + 1 + 1) * kPlaceStride;
    Floats place = fusedMultiplyAdd(wholeBin, broadcast(4.0f), broadcast(kFirstPlace));
    place = fusedMultiplyAdd(wholeColumn, broadcast(static_cast<float>(kPlaceStride)), place);
    place = fusedMultiplyAdd(wholeRow, broadcast(static_cast<float>((kWidth + 1) * kPlaceStride)), place);
    storeIntegers(votes.place + i, place);

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
    storeQuads(votes.lowerBin + 4 * i, highLeft - upperHighLeft, highRight - upperHighRight, lowLeft - upperLowLeft,
               lowRight - upperLowRight);
    storeQuads(votes.upperBin + 4 * i, upperHighLeft, upperHighRight, upperLowLeft, upperLowRight);
  }
  return count;
}

void castVotes(const Votes& votes, int count, float (*histograms)[kVoteStride]) {
  for (int start = 0; start < count; start += kGroup) {
    const std::int32_t* place = votes.place + start;
    const float* lower = votes.lowerBin + 4 * start;
    const float* upper = votes.upperBin + 4 * start;
#pragma GCC unroll 16
    for (int i = 0; i < kGroup; ++i) {
      float* bins = histograms[i % kStreams] + place[i];
      const int from = i / kLanes * kLanes * 4 + quadOffset(i % kLanes);
      storeQuad(bins, loadQuad(bins) + loadQuad(lower + from));
      storeQuad(bins + 4, loadQuad(bins + 4) + loadQuad(upper + from));
    }
  }
}

/// Columns of rows of pixels that lie in the square, as offsets from its centre.
struct Spans {
  static constexpr int kRows = 16;
  alignas(64) std::int32_t begin[kRows];
  alignas(64) std::int32_t end[kRows];
};

/// Coordinates of pixels in units of histograms, so that the first histogram's centre is at 0 and the last one's at
/// 3. `product` is what the pixel's row contributes.
EDGESIFT_INLINE Floats toHistogram(Floats offset, Floats factor, Floats product) {
  return fusedMultiplyAdd(offset, factor, product) + broadcast(kWidth / 2) - broadcast(0.5f);
}

/// 1 where the coordinate is outside of the square.
EDGESIFT_INLINE Floats isOutside(Floats coordinate) {
  const Floats zero = broadcast(0.0f);
  const Floats one = broadcast(1.0f);
  return selectGreaterEqual(broadcast(-1.0f), coordinate, one,
                            selectGreaterEqual(coordinate, broadcast(static_cast<float>(kWidth)), one, zero));
}

/// Factors with their reciprocals; tiny factors are replaced, for rows parallel to a side of the square.
struct Slope {
  Floats factor;
  Floats reciprocal;
  Floats half;
};

EDGESIFT_INLINE Slope slopeOf(float factor) {
  const float safe = __builtin_fabsf(factor) > 1e-6f ? factor : 1e-6f;
  return {broadcast(factor), broadcast(1.0f / safe), broadcast(__builtin_fabsf((kWidth + 1) * 0.5f / safe))};
}

/// Spans of kRows rows from `firstRow` (an offset) on. The pixels of a row inside the square are contiguous, and
/// their ends are within one of where the sides cross the row; each end is the first of three candidates that is
/// inside.
void findSpans(const DescriptorFrame& frame, int firstRow, Spans& spans) {
  const Slope rowSlope = slopeOf(frame.sine);
  const Slope columnSlope = slopeOf(frame.cosine);
  const Floats one = broadcast(1.0f);
  const Floats radius = broadcast(static_cast<float>(frame.radius));
  for (int i = 0; i < Spans::kRows; i += kLanes) {
    const Floats y = ramp() + broadcast(static_cast<float>(firstRow + i));
    const Floats rowProduct = y * columnSlope.factor;
    const Floats columnProduct = broadcast(0.0f) - y * rowSlope.factor;
    const Floats rowCentre = broadcast(0.0f) - rowProduct * rowSlope.reciprocal;
    const Floats columnCentre = broadcast(0.0f) - columnProduct * columnSlope.reciprocal;
    const Floats low = maximum(rowCentre - rowSlope.half, columnCentre - columnSlope.half);
    const Floats high = minimum(rowCentre + rowSlope.half, columnCentre + columnSlope.half);
    const auto outside = [&](Floats x) {
      return maximum(isOutside(toHistogram(x, rowSlope.factor, rowProduct)),
                     isOutside(toHistogram(x, columnSlope.factor, columnProduct)));
    };
    Floats begin = maximum(floor(low), broadcast(0.0f) - radius);
    Floats end = minimum(floor(high) + one, radius);
    for (int candidate = 0; candidate < 3; ++candidate) {
      begin = begin + outside(begin);
      end = end - outside(end);
    }
    // Rows that miss the square have no pixel inside at either end.
    const Floats empty = maximum(outside(begin), outside(end));
    end = selectGreaterEqual(empty, one, begin, end + one);
    storeIntegers(spans.begin + i, begin);
    storeIntegers(spans.end + i, end);
  }
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
void gather(float (*histograms)[kVoteStride], float* values) {
  float* total = histograms[0];
  for (int i = 0; i < kVoteStride; i += kLanes) {
    store(total + i, (load(histograms[0] + i) + load(histograms[1] + i)) +
                         (load(histograms[2] + i) + load(histograms[3] + i)));
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
  alignas(64) float histograms[kStreams][kVoteStride] = {};
  DescriptorSamples samples;
  Votes votes;
  Spans spans;
  const auto vote = [&] { castVotes(votes, weighVotes(samples, frame.angle, votes), histograms); samples.count = 0; };
  const int top = frame.row - frame.radius < 1 ? 1 : frame.row - frame.radius;
  const int bottom = frame.row + frame.radius > level.rows - 2 ? level.rows - 2 : frame.row + frame.radius;
  const int left = 1 - frame.column;
  const int right = level.columns - 1 - frame.column;
  const float* weights = frame.weights + frame.radius;
  const Floats sine = broadcast(frame.sine);
  const Floats cosine = broadcast(frame.cosine);
  for (int y = top; y <= bottom; ++y) {
    const int offset = y - frame.row;
    const int slot = (y - top) % Spans::kRows;
    if (slot == 0) findSpans(frame, offset, spans);
    const int begin = spans.begin[slot] < left ? left : spans.begin[slot];
    const int end = spans.end[slot] > right ? right : spans.end[slot];
    const Floats rowProduct = broadcast(static_cast<float>(offset)) * cosine;
    const Floats columnProduct = broadcast(0.0f) - broadcast(static_cast<float>(offset)) * sine;
    const float* above = level.row(y - 1) + frame.column;
    const float* middle = level.row(y) + frame.column;
    const float* below = level.row(y + 1) + frame.column;
    const Floats rowWeight = broadcast(weights[offset]);
    for (int x = begin; x < end; x += kGroup) {
      for (int i = 0; i < kGroup; i += kLanes) {
        const int at = samples.count + i;
        const Floats columnOffset = ramp() + broadcast(static_cast<float>(x + i));
        store(samples.x + at, load(middle + x + i + 1) - load(middle + x + i - 1));
        store(samples.y + at, load(above + x + i) - load(below + x + i));
        store(samples.row + at, toHistogram(columnOffset, sine, rowProduct));
        store(samples.column + at, toHistogram(columnOffset, cosine, columnProduct));
        store(samples.weight + at, rowWeight * load(weights + x + i));
      }
      samples.count += end - x < kGroup ? end - x : kGroup;
      if (samples.count >= kBatch) vote();
    }
  }
  vote();

  alignas(64) float values[kDescriptorSize];
  gather(histograms, values);
  quantise(values, descriptor);
}

}  // namespace
}  // namespace edgesift::EDGESIFT_SIMD
