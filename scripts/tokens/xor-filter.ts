/** Builds the filter that assembly/tokens/vocabulary.ts looks tokens up in (Graf and Lemire, "Xor Filters", 2019). */

/** The places of a key, one in each third of the slots, and what their exclusive or must be. */
interface Key {
  readonly places: readonly [number, number, number];
  readonly fingerprint: number;
}

/** Fills slots of 4 bits, two a byte, with keys: numbers of 64 well-mixed bits, all different. */
export function buildFilter(keys: readonly bigint[], slotCount: number): Uint8Array {
  const third = slotCount / 3;
  const all = keys.map((bits) => keyOf(bits, BigInt(third)));
  const slots = new Uint8Array(slotCount);
  for (const [{ places, fingerprint }, own] of peel(all, slotCount).reverse()) {
    slots[own] = 0;
    slots[own] = places.reduce((bits, place) => bits ^ slots[place], fingerprint);
  }
  return packed(slots);
}

function keyOf(bits: bigint, third: bigint): Key {
  const place = (index: bigint): number => {
    const part = (bits >> (20n * index)) & 0xfffffn;
    return Number(((part * third) >> 20n) + index * third);
  };
  return { places: [place(0n), place(1n), place(2n)], fingerprint: Number(bits >> 60n) };
}

/** Orders the keys so that each has a slot which no later one has, and tells that slot. */
function peel(keys: readonly Key[], slotCount: number): [Key, number][] {
  // Of the keys that have a slot: how many, and the exclusive or of their indices, which names the last one left.
  const counts = new Uint32Array(slotCount);
  const indices = new Uint32Array(slotCount);
  keys.forEach(({ places }, index) => {
    for (const place of places) {
      counts[place]++;
      indices[place] ^= index;
    }
  });
  const single = [...counts.keys()].filter((place) => counts[place] === 1);
  const order: [Key, number][] = [];
  for (let own = single.pop(); own !== undefined; own = single.pop()) {
    if (counts[own] !== 1) continue;
    const index = indices[own];
    order.push([keys[index], own]);
    for (const place of keys[index].places) {
      counts[place]--;
      indices[place] ^= index;
      if (counts[place] === 1) single.push(place);
    }
  }
  if (order.length < keys.length) throw new Error(`${slotCount} slots are too few for these ${keys.length} keys.`);
  return order;
}

function packed(slots: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(slots.length / 16) * 8);
  slots.forEach((bits, index) => (bytes[index >> 1] |= bits << ((index & 1) * 4)));
  return bytes;
}
