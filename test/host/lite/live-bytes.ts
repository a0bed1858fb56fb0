/** Counts the bytes that the build for plain hosts has allocated and not freed. */
import { google, loadModule, type Plugin, Vm } from "../../../scripts/host/index.ts";
import { modulePath } from "../../modules.ts";

/** The size of a block's header, and the bits of it that are no part of the size. */
const OVERHEAD = 4;
const FLAGS = 3;

/** A plugin instance, and how many bytes of blocks are in use by its VM, with their headers. */
export interface Counted {
  readonly plugin: Plugin;
  readonly live: () => number;
}

/** Starts the build, or another module of test/host/filter/modules, compiled so that it reports each block of memory. */
export function startCounted(configuration: object, module = "traced-lite"): Counted {
  const started: { vm?: Vm } = {};
  const sizes = new Map<number, number>();
  let live = 0;
  const set = (block: number, size: number) => {
    live += size - (sizes.get(block) ?? 0);
    if (size === 0) sizes.delete(block);
    else sizes.set(block, size);
  };
  // What the module allocates when it starts does not count.
  const sizeAt = (block: number) => (started.vm === undefined ? 0 : OVERHEAD + (started.vm.memory.u32(block) & ~FLAGS));
  const passOn = (address: number) => address;
  const rtrace = {
    ...{ oninit: passOn, onmove: passOn, onvisit: () => 1, oncollect: passOn, onstore: passOn, onload: passOn },
    onalloc: (block: number) => set(block, sizeAt(block)),
    onresize: (block: number) => set(block, sizeAt(block)),
    onfree: (block: number) => set(block, 0),
  };
  const vm = new Vm(loadModule(modulePath(`test/host/filter/modules/${module}.ts`)), {
    host: google(),
    imports: { rtrace },
  });
  started.vm = vm;
  return { plugin: vm.plugin({ configuration }), live: () => live };
}
