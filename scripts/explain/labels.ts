import type { Plugin } from "../host/index.ts";

/** The labels of each series of a counter, in the order in which the filter defined them. */
export function labelsOf(plugin: Plugin, counter: string): Record<string, string>[] {
  const names = Object.keys(plugin.vm.metrics.counters(counter));
  return names.map((name) =>
    Object.fromEntries(Array.from(name.matchAll(/(\w+)="([^"]*)"/g), ([, label, value]) => [label, value])),
  );
}
