const MOST = 7;
/** Weights further out are cut: the scale of the others gains more than they lose. */
const CUT_DEVIATIONS = 3.2;
const BLOCK = 64;

export interface PackedWeights {
  /** U8[rows, length / 2], as `dotPacked` in origin/native/vehicles/kernels.hpp reads them. */
  packed: Uint8Array<ArrayBuffer>;
  scales: Float32Array<ArrayBuffer>;
}

/** Weights F32[rows, length] in 4 bits each. */
export function packWeights(weights: Float32Array, length: number): PackedWeights {
  const rows = weights.length / length;
  const packed = new Uint8Array((rows * length) / 2);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const values = weights.subarray(row * length, (row + 1) * length);
    const scale = scaleOf(values);
    scales[row] = scale;
    const quantum = (at: number) => {
      const value = scale > 0 ? Math.round((values[at] ?? 0) / scale) : 0;
      return Math.max(-MOST, Math.min(MOST, value)) + MOST + 1;
    };
    for (let block = 0; block < length; block += BLOCK) {
      for (let i = 0; i < BLOCK / 2; i++) {
        packed[(row * length + block) / 2 + i] = quantum(block + i) | (quantum(block + BLOCK / 2 + i) << 4);
      }
    }
  }
  return { packed, scales };
}

function scaleOf(values: Float32Array): number {
  let greatest = 0;
  let squares = 0;
  for (const value of values) {
    greatest = Math.max(greatest, Math.abs(value));
    squares += value * value;
  }
  return Math.min(greatest, CUT_DEVIATIONS * Math.sqrt(squares / values.length)) / MOST;
}
