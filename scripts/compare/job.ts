/** Processes a capture, or a batch of generated inputs, with both modules (paths of their files). */
export interface Job {
  readonly job: number;
  readonly old: string;
  readonly new: string;
  /** Compares only what can be observed from outside the filter. */
  readonly observable: boolean;
  readonly traffic: { readonly capture: string } | { readonly seed: number; readonly batch: number; inputs: number };
}
