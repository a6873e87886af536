// The descriptor: 4x4 histograms of 8 gradient orientations (Lowe 2004, section 6).

namespace edgesift::EDGESIFT_SIMD {
namespace {

constexpr int kWidth = 4;
constexpr int kBins = 8;
// A sample lies between four histograms and between two bins. Its eight votes go to neighbouring floats: a place is
// the square between four histograms, of which there are 5x5; it has a slot for every two neighbouring bins, with the
// votes of the lower bin for the upper left, upper right, lower left and lower right histogram, then those of the
// upper bin. So samples share all of a slot or nothing: a load that needs parts of two stores would wait for both.
constexpr int kHistograms = 2;
constexpr int kCorners = 4;
constexpr int kSlot = 2 * kCorners;
constexpr int kPlaces = (kWidth + 1) * (kWidth + 1);
constexpr int kPlaceStride = kBins * kSlot;
constexpr int kVotes = kPlaces * kPlaceStride;

struct DescriptorSamples {
  alignas(64) float x[kSampleRoom];
  alignas(64) float y[kSampleRoom];
  alignas(64) float row[kSampleRoom];
  alignas(64) float column[kSampleRoom];
  int count = 0;
};

/// What each sample of a batch adds to the four histograms around it, how far it lies between two bins, and where the
/// votes go.
struct Votes {
  alignas(64) std::int32_t slot[kSampleRoom];
  alignas(64) float bin[kSampleRoom];
  alignas(64) float corners[kCorners * kSampleRoom];
};

struct DescriptorScratch {
  DescriptorSamples samples;
  Votes votes;
  alignas(64) float histograms[kHistograms][kVotes];
};
static_assert(sizeof(DescriptorScratch) <= kSampleScratchFloats * sizeof(float));

/// Integer part of a coordinate; leaves the fraction.
EDGESIFT_INLINE Floats splitOff(Floats& coordinate) {
  const Floats whole = floor(coordinate);
  coordinate = coordinate - whole;
  return whole;
}

/// What each sample votes for, of gradients already weighted.
void splitVotes(const DescriptorSamples& samples, Floats angle, int count, Votes& votes) {
  for (int i = 0; i < count; i += kLanes) {
    const Floats x = load(samples.x + i);
    const Floats y = load(samples.y + i);
    Floats row = load(samples.row + i);
    Floats column = load(samples.column + i);
    const Floats vote = magnitude(y, x);
    Floats bin = signedAngle<kBins>(y, x) - angle;
    const Floats wholeBin = splitOff(bin);
    const Floats wholeRow = splitOff(row);
    const Floats wholeColumn = splitOff(column);
    constexpr float kFirstPlace = (kWidth + 1 + 1) * kPlaceStride;
    Floats place = fusedMultiplyAdd(wholeColumn, broadcast(static_cast<float>(kPlaceStride)), broadcast(kFirstPlace));
    place = fusedMultiplyAdd(wholeRow, broadcast(static_cast<float>((kWidth + 1) * kPlaceStride)), place);
    // Bins form a circle.
    storeSum(votes.slot + i, place, wholeBin * broadcast(static_cast<float>(kSlot)), kBins * kSlot - 1);

    store(votes.bin + i, bin);

    const Floats low = vote * row;
    const Floats high = vote - low;
    const Floats lowRight = low * column;
    const Floats highRight = high * column;
    storeQuads(votes.corners + kCorners * i, high - highRight, highRight, low - lowRight, lowRight);
  }
}

void countVotes(const Votes& votes, int count, float (*histograms)[kVotes]) {
  for (int start = 0; start < count; start += kGroup) {
    const std::int32_t* slot = votes.slot + start;
    const float* bin = votes.bin + start;
    const float* corners = votes.corners + kCorners * start;
#pragma GCC unroll 16
    for (int i = 0; i < kGroup; ++i) {
      float* bins = histograms[i % kHistograms] + slot[i];
      const float* quad = corners + kCorners * (i / kLanes * kLanes) + quadOffset(i % kLanes);
      storeOctet(bins, loadOctet(bins) + divided(quad, bin[i]));
    }
  }
}

/// Columns of rows of pixels that lie in the square, as offsets from its centre.
struct Spans {
  static constexpr int kRows = 64;
  alignas(64) std::int32_t begin[kRows];
  alignas(64) std::int32_t end[kRows];
};

/// Coordinates of pixels are in units of histograms, the first one's centre at 0 and the last one's at 3; this is the
/// descriptor's own centre.
constexpr float kCentre = kWidth / 2 - 0.5f;

/// 1 where a coordinate is outside of the square.
EDGESIFT_INLINE Floats isOutside(Floats row, Floats column) {
  const Floats zero = broadcast(0.0f);
  const Floats one = broadcast(1.0f);
  const Floats pastEnd = selectGreaterEqual(maximum(row, column), broadcast(static_cast<float>(kWidth)), one, zero);
  return selectGreaterEqual(broadcast(-1.0f), minimum(row, column), one, pastEnd);
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

/// Spans of `count` rows, at most kRows, from `firstRow` (an offset) on. The pixels of a row inside the square are
/// contiguous, and their ends are within one of where the sides cross the row; each end is the first of three
/// candidates that is inside.
void findSpans(const DescriptorFrame& frame, int firstRow, int count, Spans& spans) {
  const Slope rowSlope = slopeOf(frame.sine);
  const Slope columnSlope = slopeOf(frame.cosine);
  const Floats one = broadcast(1.0f);
  const Floats centre = broadcast(kCentre);
  const Floats radius = broadcast(static_cast<float>(frame.radius));
  for (int i = 0; i < count; i += kLanes) {
    const Floats y = ramp() + broadcast(static_cast<float>(firstRow + i));
    const Floats rowProduct = fusedMultiplyAdd(y, columnSlope.factor, centre);
    const Floats columnProduct = centre - y * rowSlope.factor;
    const Floats rowCentre = (centre - rowProduct) * rowSlope.reciprocal;
    const Floats columnCentre = (centre - columnProduct) * columnSlope.reciprocal;
    const Floats low = maximum(rowCentre - rowSlope.half, columnCentre - columnSlope.half);
    const Floats high = minimum(rowCentre + rowSlope.half, columnCentre + columnSlope.half);
    const auto outside = [&](Floats x) {
      return isOutside(fusedMultiplyAdd(x, rowSlope.factor, rowProduct),
                       fusedMultiplyAdd(x, columnSlope.factor, columnProduct));
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
void gather(const float (*histograms)[kVotes], float* values) {
  // Votes of a row of places for every fourth bin are neighbours: those that one histogram after the other needs.
  constexpr int kRow = (kWidth + 1) * kBins;
  alignas(64) float corners[kWidth + 1][4][kRow];
  for (int row = 0; row <= kWidth; ++row) {
    for (int column = 0; column <= kWidth; ++column) {
      const int place = (row * (kWidth + 1) + column) * kPlaceStride;
      const auto slotOf = [&](int bin) {
        const int slot = place + bin * kSlot;
        return loadOctet(histograms[0] + slot) + loadOctet(histograms[1] + slot);
      };
      Octet before = slotOf(kBins - 1);
#pragma GCC unroll 8
      for (int bin = 0; bin < kBins; ++bin) {
        // Votes for a bin are in its slot and in that of the bin before.
        const Octet slot = slotOf(bin);
        storeQuad(corners[row][bin % 4] + column * kBins + bin / 4 * kCorners, lowHalf(slot) + highHalf(before));
        before = slot;
      }
    }
  }
  for (int row = 0; row < kWidth; ++row) {
    for (int i = 0; i < kWidth * kBins; i += kLanes, values += kLanes) {
      const auto around = [&](int k) {
        const float* above = corners[row][k] + i;
        const float* below = corners[row + 1][k] + i;
        return mixedQuads(load(below + kBins), load(below), load(above + kBins), load(above));
      };
      store(values, sumOfQuads(around(0), around(1), around(2), around(3)));
    }
  }
}

void describe(const LevelView& level, const DescriptorFrame& frame, float* scratch, std::uint8_t* descriptor) {
  DescriptorScratch& room = *reinterpret_cast<DescriptorScratch*>(scratch);
  DescriptorSamples& samples = room.samples;
  auto& histograms = room.histograms;
  samples.count = 0;
  for (auto& histogram : histograms)
    for (float& value : histogram) value = 0;
  Spans spans;
  const Floats angle = broadcast(frame.angle * (kBins / 360.0f));
  const auto vote = [&] {
    float* const arrays[] = {samples.x, samples.y, samples.row, samples.column};
    const int count = padToGroup(arrays, 4, samples.count);
    splitVotes(samples, angle, count, room.votes);
    countVotes(room.votes, count, histograms);
    samples.count = 0;
  };
  const int top = frame.row - frame.radius < 1 ? 1 : frame.row - frame.radius;
  const int bottom = frame.row + frame.radius > level.rows - 2 ? level.rows - 2 : frame.row + frame.radius;
  const int left = 1 - frame.column;
  const int right = level.columns - 1 - frame.column;
  const float* weights = frame.weights + frame.radius;
  const Floats sine = broadcast(frame.sine);
  const Floats cosine = broadcast(frame.cosine);
  const Floats centre = broadcast(kCentre);
  for (int y = top; y <= bottom; ++y) {
    const int offset = y - frame.row;
    const int slot = (y - top) % Spans::kRows;
    if (slot == 0) findSpans(frame, offset, bottom - y < Spans::kRows ? bottom - y + 1 : Spans::kRows, spans);
    const int begin = spans.begin[slot] < left ? left : spans.begin[slot];
    const int end = spans.end[slot] > right ? right : spans.end[slot];
    const Floats rowOffset = broadcast(static_cast<float>(offset));
    const Floats rowProduct = fusedMultiplyAdd(rowOffset, cosine, centre);
    const Floats columnProduct = centre - rowOffset * sine;
    const float* above = level.row(y - 1) + frame.column;
    const float* middle = level.row(y) + frame.column;
    const float* below = level.row(y + 1) + frame.column;
    const Floats rowWeight = broadcast(weights[offset]);
    for (int x = begin; x < end; x += kGroup) {
      for (int i = 0; i < kGroup; i += kLanes) {
        const int at = samples.count + i;
        const Floats columnOffset = ramp() + broadcast(static_cast<float>(x + i));
        const Floats weight = rowWeight * load(weights + x + i);
        store(samples.x + at, (load(middle + x + i + 1) - load(middle + x + i - 1)) * weight);
        store(samples.y + at, (load(above + x + i) - load(below + x + i)) * weight);
        store(samples.row + at, fusedMultiplyAdd(columnOffset, sine, rowProduct));
        store(samples.column + at, fusedMultiplyAdd(columnOffset, cosine, columnProduct));
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
