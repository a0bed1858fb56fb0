/** The part of a VM that records what went wrong in the host. */
interface Recorder {
  readonly alerts: string[];
}

/** Ends the running callback as a host does that stops the module because of a mistake. */
export function trap(recorder: Recorder, message: string): never {
  recorder.alerts.push(`[error] ${message}`);
  throw new Error(message);
}

/** Ends the running callback by a mistake that would crash the whole worker process. */
export function crash(recorder: Recorder, message: string): never {
  recorder.alerts.push(`[crash] ${message}`);
  throw new Error(`the worker process crashes: ${message}`);
}
