/** Least squares and the first principal component, in float64. */

/**
 * Fit a linear function to targets by least squares with a ridge: minimise the mean of (x . w + b - y)^2 + ridge |w|^2,
 * where the scale of the ridge is the mean variance of the columns of x.
 *
 * @param {Float32Array} x  (N, H)
 * @param {ArrayLike<number>} y  (N)
 * @param {number} H
 * @param {number} ridge
 * @returns {{w: Float64Array, b: number}}
 */
export function leastSquares(x, y, H, ridge) {
  const N = y.length;
  const means = columnMeans(x, N, H);
  const mean = Array.from(y).reduce((sum, each) => sum + each, 0) / N;
  const A = covariance(x, means, N, H);
  let trace = 0;
  for (let k = 0; k < H; k++) trace += A[k * H + k];
  for (let k = 0; k < H; k++) A[k * H + k] += (ridge * trace) / H + 1e-12;
  const c = new Float64Array(H);
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < H; k++) c[k] += ((x[n * H + k] - means[k]) * (y[n] - mean)) / N;
  }
  const w = solve(A, c);
  return { w, b: mean - dot(w, means, 0) };
}

/**
 * The direction of largest variance of the rows of x, among those orthogonal to w.
 *
 * @param {Float32Array} x  (N, H)
 * @param {number} N
 * @param {Float64Array} w  (H)
 * @returns {{direction: Float64Array, mean: number}}  a unit vector, and the mean of the rows in this direction
 */
export function principalComponent(x, N, w) {
  const H = w.length;
  const means = columnMeans(x, N, H);
  const A = covariance(x, means, N, H);
  let direction = Float64Array.from({ length: H }, (_, k) => Math.cos(k + 1));
  for (let round = 0; round < 60; round++) {
    orthogonalize(direction, w);
    const next = new Float64Array(H);
    for (let i = 0; i < H; i++) {
      for (let j = 0; j < H; j++) next[i] += A[i * H + j] * direction[j];
    }
    orthogonalize(next, w);
    direction = next;
  }
  return { direction, mean: dot(direction, means, 0) };
}

/**
 * Make a vector orthogonal to w and of length 1, in place.
 *
 * @param {Float64Array} vector
 * @param {Float64Array} w
 */
function orthogonalize(vector, w) {
  const along = dot(vector, w, 0) / (dot(w, w, 0) || 1);
  for (let k = 0; k < vector.length; k++) vector[k] -= along * w[k];
  const norm = Math.sqrt(dot(vector, vector, 0)) || 1;
  for (let k = 0; k < vector.length; k++) vector[k] /= norm;
}

/**
 * The sum of w[k] x[at + k].
 *
 * @param {Float64Array} w
 * @param {Float32Array | Float64Array} x
 * @param {number} at
 */
export function dot(w, x, at) {
  let sum = 0;
  for (let k = 0; k < w.length; k++) sum += w[k] * x[at + k];
  return sum;
}

/**
 * @param {Float32Array} x
 * @param {number} N
 * @param {number} H
 */
function columnMeans(x, N, H) {
  const means = new Float64Array(H);
  for (let at = 0; at < N * H; at++) means[at % H] += x[at] / N;
  return means;
}

/**
 * The covariance (H, H) of the columns of x.
 *
 * @param {Float32Array} x
 * @param {Float64Array} means
 * @param {number} N
 * @param {number} H
 */
function covariance(x, means, N, H) {
  const A = new Float64Array(H * H);
  const row = new Float64Array(H);
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < H; k++) row[k] = x[n * H + k] - means[k];
    for (let i = 0; i < H; i++) {
      const factor = row[i] / N;
      for (let j = 0; j <= i; j++) A[i * H + j] += factor * row[j];
    }
  }
  for (let i = 0; i < H; i++) {
    for (let j = 0; j < i; j++) A[j * H + i] = A[i * H + j];
  }
  return A;
}

/**
 * Solve A w = c for a symmetric positive definite A (H, H), which is overwritten by its Cholesky factor.
 *
 * @param {Float64Array} A
 * @param {Float64Array} c  (H)
 */
function solve(A, c) {
  const H = c.length;
  for (let i = 0; i < H; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = A[i * H + j];
      for (let k = 0; k < j; k++) sum -= A[i * H + k] * A[j * H + k];
      A[i * H + j] = i === j ? Math.sqrt(Math.max(sum, 1e-12)) : sum / A[j * H + j];
    }
  }
  const w = Float64Array.from(c);
  for (let i = 0; i < H; i++) {
    for (let k = 0; k < i; k++) w[i] -= A[i * H + k] * w[k];
    w[i] /= A[i * H + i];
  }
  for (let i = H - 1; i >= 0; i--) {
    for (let k = i + 1; k < H; k++) w[i] -= A[k * H + i] * w[k];
    w[i] /= A[i * H + i];
  }
  return w;
}
