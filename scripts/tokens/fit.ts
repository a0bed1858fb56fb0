/** Fits the estimator's weights to texts: ridge regression of the relative errors, with no weight below zero. */
import { CholeskyDecomposition, Matrix } from "ml-matrix";

/** A part of a text: how often each weight counts in it, and how many tokens it truly is. */
export interface Sample {
  readonly uses: Float64Array;
  readonly tokens: number;
  /** How much it counts beside others. */
  readonly share: number;
}

export interface Weights {
  /** What the weights are drawn to: all that decides where no sample has them. */
  readonly expected: readonly number[];
  /** Those that are as expected whatever the samples say. */
  readonly fixed: readonly number[];
}

/** The weights in tokens. The ridge is what a deviation of one token from what is expected costs, in squared errors. */
export function fitWeights(samples: readonly Sample[], { expected, fixed }: Weights, ridge: number): number[] {
  const size = expected.length;
  const matrix = Matrix.eye(size, size, ridge);
  const vector = Matrix.columnVector(expected).mul(ridge);
  for (const sample of samples) addSample(matrix, vector, sample);

  const weights = [...expected];
  const held = new Set(fixed);
  for (;;) {
    const free = expected.map((_, index) => index).filter((index) => !held.has(index));
    const solved = solve(matrix, vector, weights, free);
    const negative = free.filter((_, at) => solved[at] < 0);
    if (negative.length === 0) {
      free.forEach((index, at) => (weights[index] = solved[at]));
      return weights;
    }
    for (const index of negative) {
      weights[index] = 0;
      held.add(index);
    }
  }
}

/** Adds a sample to the normal equations of (uses · weights) / tokens = 1. */
function addSample(matrix: Matrix, vector: Matrix, { uses, tokens, share }: Sample): void {
  const relative = uses.map((count) => count / tokens);
  const used = [...uses.keys()].filter((index) => uses[index] !== 0);
  for (const row of used) {
    vector.set(row, 0, vector.get(row, 0) + share * relative[row]);
    for (const column of used) {
      // The product comes first: so the matrix is symmetric to the last bit.
      matrix.set(row, column, matrix.get(row, column) + relative[row] * relative[column] * share);
    }
  }
}

/** The free weights, given the others. */
function solve(matrix: Matrix, vector: Matrix, weights: readonly number[], free: readonly number[]): number[] {
  const held = Matrix.columnVector(weights.map((weight, index) => (free.includes(index) ? 0 : weight)));
  const rest = Matrix.sub(vector, matrix.mmul(held)).selection([...free], [0]);
  return new CholeskyDecomposition(matrix.selection([...free], [...free])).solve(rest).to1DArray();
}
