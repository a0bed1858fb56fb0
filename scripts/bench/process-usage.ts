/** CPU and memory of a process, from Linux's /proc. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

/** Throws an error of one sentence if the system has no /proc. */
export function requireProcfs(): void {
  if (!existsSync("/proc/self/stat")) {
    throw new Error("CPU and memory of Envoy are read from /proc, which this system does not have: use Linux.");
  }
}

/** CPU time of the process so far in microseconds, in user and system mode. */
export function cpuMicroseconds(pid: number): number {
  // /proc/PID/stat counts ticks of 10 ms; the scheduler's accounting of each thread is in nanoseconds.
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}/schedstat`);
  if (!existsSync(threads[0])) return cpuTicks(pid) * 10_000;
  return threads.reduce((sum, file) => sum + Number(readFileSync(file, "utf8").split(" ")[0]), 0) / 1000;
}

function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // Fields 14 and 15. The second one, a name in parentheses, may contain spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

/** Resident memory in bytes: now, and the peak since {@link resetPeak}. */
export function residentBytes(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kibibytes = (field: string) => Number(new RegExp(`^${field}:\\s*(\\d+)`, "m").exec(status)?.[1]);
  return { now: kibibytes("VmRSS") * 1024, peak: kibibytes("VmHWM") * 1024 };
}

/** Resets the peak (proc(5), clear_refs). */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}
