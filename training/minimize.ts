const MEMORY = 8;
const LEAST_STEP = 1e-10;
const SUFFICIENT_DECREASE = 1e-4;

/** A point, the value of a function there and its gradient. */
interface Place {
  point: Float64Array;
  value: number;
  gradient: Float64Array;
}

/** A function to minimise: its value at a point, and its gradient, which is written to `gradient`. */
export type Objective = (point: Float64Array, gradient: Float64Array) => number;

/** L-BFGS (Nocedal 1980) with a backtracking line search, from 0, for at most `rounds` rounds. */
export function minimize(objective: Objective, size: number, rounds: number): Float64Array {
  const at = (point: Float64Array): Place => {
    const gradient = new Float64Array(size);
    return { point, value: objective(point, gradient), gradient };
  };
  let place = at(new Float64Array(size));
  const pairs: { step: Float64Array; change: Float64Array; product: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const direction = descent(place.gradient, pairs);
    const next = along(place, direction, at);
    if (next === undefined) break;
    const step = difference(next.point, place.point);
    const change = difference(next.gradient, place.gradient);
    const product = dot(step, change);
    place = next;
    // Only a positive product keeps the approximation of the second derivatives positive definite.
    if (product <= 1e-12 * dot(step, step)) continue;
    pairs.push({ step, change, product });
    if (pairs.length > MEMORY) pairs.shift();
  }
  return place.point;
}

/** Minus the gradient times the approximate inverse of the second derivatives: the two loops of the method. */
function descent(
  gradient: Float64Array,
  pairs: readonly { step: Float64Array; change: Float64Array; product: number }[],
): Float64Array {
  const direction = gradient.map((value) => -value);
  const shares = pairs.map(() => 0);
  for (let i = pairs.length - 1; i >= 0; i--) {
    const pair = pairs[i];
    if (!pair) continue;
    const share = dot(pair.step, direction) / pair.product;
    shares[i] = share;
    add(direction, -share, pair.change);
  }
  const last = pairs.at(-1);
  const scale = last ? last.product / dot(last.change, last.change) : 1;
  for (let k = 0; k < direction.length; k++) direction[k] = (direction[k] ?? 0) * scale;
  pairs.forEach(({ step, change, product }, i) => {
    add(direction, (shares[i] ?? 0) - dot(change, direction) / product, step);
  });
  return direction;
}

/** The first place along the direction, in halves of the way, that is clearly lower. */
function along(place: Place, direction: Float64Array, at: (point: Float64Array) => Place): Place | undefined {
  const slope = dot(place.gradient, direction);
  if (!(slope < 0)) return undefined;
  for (let length = 1; length > LEAST_STEP; length /= 2) {
    const point = place.point.slice();
    add(point, length, direction);
    const next = at(point);
    if (next.value <= place.value + SUFFICIENT_DECREASE * length * slope) return next;
  }
  return undefined;
}

function add(to: Float64Array, factor: number, values: Float64Array): void {
  for (let k = 0; k < to.length; k++) to[k] = (to[k] ?? 0) + factor * (values[k] ?? 0);
}

function difference(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, k) => value - (b[k] ?? 0));
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += (a[k] ?? 0) * (b[k] ?? 0);
  return sum;
}
