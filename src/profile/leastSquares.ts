/** Options of `leastSquares`. */
export interface LeastSquaresOptions {
  /** Most iterations. */
  readonly iterations?: number;
  /** Residuals beyond this count linearly and not by their square (Huber). */
  readonly outlier?: number;
  /** Stop when an iteration lowers the cost by less than this share. */
  readonly tolerance?: number;
  readonly lower: readonly number[];
  readonly upper: readonly number[];
}

/** Iterations in a row that may bring next to nothing. */
const patience = 4;

/**
 * Minimises the sum of Huber losses of `residuals(x)` within bounds, by Levenberg and Marquardt with a numeric
 * Jacobian. Deterministic. Returns the best x and its cost.
 *
 * `residuals` writes all of `out`; but where it is told which entry alone of x was `moved`, `out` holds what there was before,
 * and only what hangs on that entry has to be written.
 */
export function leastSquares(
  residuals: (x: readonly number[], out: Float64Array, moved?: number) => void,
  start: readonly number[],
  size: number,
  {iterations = 60, outlier = Infinity, tolerance = 1e-5, lower, upper}: LeastSquaresOptions,
): {x: number[]; cost: number} {
  const dimensions = start.length;
  let x = start.map((value, i) => clamp(value, lower[i], upper[i]));
  const now = new Float64Array(size);
  const next = new Float64Array(size);
  const columns = x.map(() => new Float64Array(size));
  residuals(x, now);
  let cost = huberSum(now, outlier);
  let damping = 1e-2;
  let idle = 0;
  for (let iteration = 0; iteration < iterations; iteration++) {
    for (let j = 0; j < dimensions; j++) {
      // A step large enough to move a residual that rounds to whole waves.
      const step = x[j] + 1e-3 <= upper[j] ? 1e-3 : -1e-3;
      const moved = [...x];
      moved[j] += step;
      next.set(now);
      residuals(moved, next, j);
      const column = columns[j];
      for (let i = 0; i < size; i++) column[i] = (next[i] - now[i]) / step;
    }
    const {matrix, gradient} = normalEquations(columns, now, outlier);
    let improved = false;
    for (let attempt = 0; attempt < 12 && !improved; attempt++) {
      const damped = matrix.map((row, i) =>
        row.map((value, j) => (i === j ? value * (1 + damping) + 1e-12 : value)),
      );
      const delta = solve(damped, gradient);
      const candidate = x.map((value, i) => clamp(value - delta[i], lower[i], upper[i]));
      residuals(candidate, next);
      const candidateCost = huberSum(next, outlier);
      if (candidateCost < cost) {
        improved = true;
        idle = cost - candidateCost > tolerance * cost ? 0 : idle + 1;
        x = candidate;
        cost = candidateCost;
        now.set(next);
        damping = Math.max(1e-9, damping / 5);
      } else {
        damping *= 4;
      }
    }
    if (!improved || idle === patience) break;
  }
  return {x, cost};
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

function huberSum(residuals: Float64Array, outlier: number): number {
  let sum = 0;
  for (const residual of residuals) {
    const size = Math.abs(residual);
    sum += size <= outlier ? size * size : outlier * (2 * size - outlier);
  }
  return sum;
}

/** J'WJ and J'Wr with Huber's weights. */
function normalEquations(columns: readonly Float64Array[], residuals: Float64Array, outlier: number) {
  const dimensions = columns.length;
  const matrix = columns.map(() => new Array<number>(dimensions).fill(0));
  const gradient = new Array<number>(dimensions).fill(0);
  // The columns that are not 0 in a row, of which there may be few.
  const used = new Int32Array(dimensions);
  for (let i = 0; i < residuals.length; i++) {
    const size = Math.abs(residuals[i]);
    const weight = size <= outlier ? 1 : outlier / size;
    let uses = 0;
    for (let a = 0; a < dimensions; a++) if (columns[a][i] !== 0) used[uses++] = a;
    for (let u = 0; u < uses; u++) {
      const a = used[u];
      const scaled = weight * columns[a][i];
      gradient[a] += scaled * residuals[i];
      const row = matrix[a];
      for (let v = u; v < uses; v++) row[used[v]] += scaled * columns[used[v]][i];
    }
  }
  for (let a = 0; a < dimensions; a++) for (let b = 0; b < a; b++) matrix[a][b] = matrix[b][a];
  return {matrix, gradient};
}

/** Solves a symmetric positive definite system by Gaussian elimination with pivoting. */
function solve(matrix: number[][], right: readonly number[]): number[] {
  const size = right.length;
  const rows = matrix.map((row, i) => [...row, right[i]]);
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let i = column + 1; i < size; i++) {
      if (Math.abs(rows[i][column]) > Math.abs(rows[pivot][column])) pivot = i;
    }
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    const divisor = rows[column][column];
    if (divisor === 0) continue;
    for (let i = column + 1; i < size; i++) {
      const factor = rows[i][column] / divisor;
      if (factor === 0) continue;
      for (let j = column; j <= size; j++) rows[i][j] -= factor * rows[column][j];
    }
  }
  const x = new Array<number>(size).fill(0);
  for (let i = size - 1; i >= 0; i--) {
    let sum = rows[i][size];
    for (let j = i + 1; j < size; j++) sum -= rows[i][j] * x[j];
    x[i] = rows[i][i] === 0 ? 0 : sum / rows[i][i];
  }
  return x;
}
