// Magnitude and direction of gradients.

namespace edgesift::EDGESIFT_SIMD {
namespace {

/// Samples are processed in groups of this many on every instruction set, so that sums have one order.
constexpr int kGroup = 16;
/// Histograms summed side by side: neighbouring samples often fall into one bin, and would wait for each other.
constexpr int kStreams = 4;
/// Samples collected before they are processed: few enough that all of it stays in the first-level cache.
constexpr int kBatch = 128;
/// Room in arrays of samples: a group may begin at the last place of a batch.
constexpr int kSampleRoom = kBatch + 2 * kGroup;

EDGESIFT_INLINE Floats ramp() {
  constexpr float kRamp[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return load(kRamp);
}

/// Angle of (x, y) in the first octant, `Turn` to a full turn, for the magnitudes of x and y in any order: the polynomial
/// of cv::fastAtan2, whose error of up to 0.01 degrees is part of the result.
template <int Turn>
EDGESIFT_INLINE Floats octantAngle(Floats ax, Floats ay) {
  constexpr float kRadian = static_cast<float>(Turn / 6.283185307179586);
  const auto coefficient = [](float value) { return broadcast(value * kRadian); };
  const Floats ratio = minimum(ax, ay) / (maximum(ax, ay) + broadcast(2.2204460492503131e-16f));
  const Floats square = ratio * ratio;
  Floats angle = fusedMultiplyAdd(square, coefficient(-0.04432655554792128f), coefficient(0.1555786518463281f));
  angle = fusedMultiplyAdd(angle, square, coefficient(-0.3258083974640975f));
  return fusedMultiplyAdd(angle, square, coefficient(0.9997878412794807f)) * ratio;
}

/// Angle of (x, y) in degrees, 0 to 360. Rounded in every step as cv::fastAtan2 rounds, for callers that round it to
/// whole bins.
EDGESIFT_INLINE Floats angleInDegrees(Floats y, Floats x) {
  const Floats zero = broadcast(0.0f);
  const Floats ax = absolute(x);
  const Floats ay = absolute(y);
  Floats angle = octantAngle<360>(ax, ay);
  angle = selectGreaterEqual(ax, ay, angle, broadcast(90.0f) - angle);
  angle = selectGreaterEqual(x, zero, angle, broadcast(180.0f) - angle);
  return selectGreaterEqual(y, zero, angle, broadcast(360.0f) - angle);
}

/// Angle of (x, y), -Turn/2 to Turn/2, in fewer operations.
template <int Turn>
EDGESIFT_INLINE Floats signedAngle(Floats y, Floats x) {
  const Floats quarter = broadcast(Turn / 4.0f);
  const Floats ax = absolute(x);
  const Floats ay = absolute(y);
  const Floats angle = octantAngle<Turn>(ax, ay);
  const Floats pastQuarter = selectGreaterEqual(ax, ay, angle - quarter, broadcast(0.0f) - angle);
  return negateWhere(y, quarter + negateWhere(x, pastQuarter));
}

EDGESIFT_INLINE Floats magnitude(Floats y, Floats x) { return squareRoot(fusedMultiplyAdd(x, x, y * y)); }

/// Zeroes the group behind the samples and returns their number rounded up to whole groups.
EDGESIFT_INLINE int padToGroup(float* const* arrays, int arrayCount, int count) {
  for (int a = 0; a < arrayCount; ++a)
    for (int i = 0; i < kGroup; i += kLanes) store(arrays[a] + count + i, broadcast(0.0f));
  return (count + kGroup - 1) / kGroup * kGroup;
}

}  // namespace
}  // namespace edgesift::EDGESIFT_SIMD
