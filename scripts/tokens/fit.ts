/** Fits the estimator's weights to texts by ridge regression of the relative errors. No weight is negative. */
import { CholeskyDecomposition, Matrix } from "ml-matrix";

/** A part of a text: the number of uses of each weight, and the exact number of tokens. */
export interface Sample {
  readonly uses: Float64Array;
  readonly tokens: number;
  /** The weight of the sample relative to other samples. */
  readonly share: number;
}

export interface Weights {
  /** The values towards which the ridge pulls the weights. A weight that no sample uses has this value. */
  readonly expected: readonly number[];
  /** The indexes of weights that always have their expected value. */
  readonly fixed: readonly number[];
}

/** Computes the weights in tokens. `ridge` is the penalty for a deviation of one token from the expected value, in squared
 *  relative errors. */
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
      // The product of both counts is computed first, so that the matrix is exactly symmetric.
      matrix.set(row, column, matrix.get(row, column) + relative[row] * relative[column] * share);
    }
  }
}

/** Solves for the free weights, with the others held constant. */
function solve(matrix: Matrix, vector: Matrix, weights: readonly number[], free: readonly number[]): number[] {
  const held = Matrix.columnVector(weights.map((weight, index) => (free.includes(index) ? 0 : weight)));
  const rest = Matrix.sub(vector, matrix.mmul(held)).selection([...free], [0]);
  return new CholeskyDecomposition(matrix.selection([...free], [...free])).solve(rest).to1DArray();
}
