import assert from "node:assert/strict";
import { BlockList, isIP, isIPv6 } from "node:net";

import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";

interface Exports {
  parse: (at: number, length: number) => number;
  byteAt: (index: number) => number;
  setBlock: (at: number, length: number) => number;
  holds: (at: number, length: number) => number;
}

const module: TestModule<Exports> = new TestModule("cidr");
const { exports } = module;

const isBlock = (text: string) => module.lend(Buffer.from(text), exports.setBlock) !== 0;

/** Whether a caller with this address is in the current block; undefined if the address is unknown. */
function holds(address: string): boolean | undefined {
  const answer = module.lend(Buffer.from(address), exports.holds);
  return answer < 0 ? undefined : answer === 1;
}

/** The bytes of an address in hexadecimal; empty if it is not an address. */
function bytes(text: string): string {
  const size = module.lend(Buffer.from(text), exports.parse);
  return Array.from({ length: size }, (_, i) => exports.byteAt(i).toString(16).padStart(2, "0")).join("");
}

/** The bytes of an IPv6 address as the URL standard writes it. */
function expanded(text: string): string {
  const [before, behind] = new URL(`http://[${text}]`).hostname.slice(1, -1).split("::");
  const groups = (part: string | undefined) => (part ? part.split(":") : []);
  const [left, right] = [groups(before), groups(behind)];
  const zeros = behind === undefined ? [] : Array<string>(8 - left.length - right.length).fill("0");
  return [...left, ...zeros, ...right].map((group) => group.padStart(4, "0")).join("");
}

const v4 = fc.ipV4();
const v6 = fc.ipV6().filter((text) => !text.includes("."));

describe("an address", () => {
  itHolds(
    "of IPv4 is its four bytes",
    500,
    fc.property(v4, (text) => {
      const expected = text.split(".").map((part) => Number(part).toString(16).padStart(2, "0"));
      assert.equal(bytes(text), expected.join(""));
    }),
  );

  itHolds(
    "of IPv6 is its sixteen bytes, however it is written",
    2000,
    fc.property(v6, (text) => {
      assert.equal(bytes(text), expanded(text));
      assert.equal(bytes(text.toUpperCase()), expanded(text));
    }),
  );

  itHolds(
    "is one just where Node says so",
    5000,
    fc.property(
      fc.array(fc.constantFrom("0", "1", "25", "255", "256", ".", ".", ":", ":", "::", "f", "ffff", "g", "00"), {
        maxLength: 16,
      }),
      (parts) => {
        const text = parts.join("");
        const isKnown = !text.includes(":") || !text.includes(".");
        if (isKnown) assert.equal(bytes(text) !== "", isIP(text) !== 0, text);
      },
    ),
  );

  it.each(["", ".", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1%eth0"])(
    "is not %j",
    (text) => {
      expect(bytes(text)).toBe("");
    },
  );

  it("of IPv4 mapped to IPv6 is that of IPv4", () => {
    expect(bytes("::ffff:10.1.2.3")).toBe("0a010203");
    // The form that proxies write; other forms are unknown addresses.
    for (const other of [
      "::FFFF:10.1.2.3",
      "::10.1.2.3",
      "::ffff:0:10.1.2.3",
      "64:ff9b::10.1.2.3",
      "::ffff:10.1.2",
      "::ffff:10.1.2.3.4",
    ]) {
      expect(bytes(other), other).toBe("");
    }
  });
});

describe("a block", () => {
  const within = (block: string, address: string) => {
    const [network, prefix] = block.split("/");
    const list = new BlockList();
    list.addSubnet(network, Number(prefix), isIPv6(network) ? "ipv6" : "ipv4");
    return list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
  };
  /** The address with one bit flipped, so that blocks of all sizes have neighbours. */
  const turned = (address: string, bit: number) => {
    const parts = address.split(".").map(Number);
    parts[bit >> 3] ^= 128 >> (bit & 7);
    return parts.join(".");
  };

  itHolds(
    "of IPv4 holds what Node's BlockList holds",
    2000,
    fc.property(v4, fc.nat(32), fc.nat(31), (address, prefix, bit) => {
      const block = `${address}/${prefix}`;
      assert.ok(isBlock(block));
      for (const other of [address, turned(address, bit)]) {
        assert.equal(holds(`${other}:1234`), within(block, other), `${other} in ${block}`);
      }
      assert.equal(holds("[2001:db8::1]:443"), false);
    }),
  );

  itHolds(
    "of IPv6 holds what Node's BlockList holds",
    2000,
    fc.property(v6, v6, fc.nat(128), fc.nat(31), (address, other, prefix, digit) => {
      const block = `${address}/${prefix}`;
      assert.ok(isBlock(block));
      const hex = expanded(address);
      const changed = hex.slice(0, digit) + (parseInt(hex[digit], 16) ^ 1).toString(16) + hex.slice(digit + 1);
      const near = changed.match(/.{4}/g)!.join(":");
      for (const each of [address, near, other]) {
        assert.equal(holds(`[${each}]:443`), within(block, each), `${each} in ${block}`);
      }
      assert.equal(holds("192.0.2.1:51234"), false);
    }),
  );

  it("without a prefix is one address", () => {
    expect(isBlock("192.0.2.1")).toBe(true);
    expect(["192.0.2.1:1", "192.0.2.0:1", "192.0.2.2:1"].map(holds)).toEqual([true, false, false]);
    expect(isBlock("2001:db8::1")).toBe(true);
    expect(["[2001:db8::1]:1", "[2001:db8:0:0:0:0:0:1]:1", "[2001:db8::2]:1"].map(holds)).toEqual([true, true, false]);
  });

  it.each([
    "10.0.0.0/33",
    "::/129",
    "10.0.0.0/",
    "10.0.0.0/a",
    "10.0.0.0/-1",
    "10.0.0.0/1000",
    "/8",
    "",
    "10.0.0.0/8/8",
  ])("is not %j", (text) => {
    expect(isBlock(text)).toBe(false);
  });

  it("of IPv4 contains a mapped peer", () => {
    isBlock("10.0.0.0/8");
    expect(holds("[::ffff:10.1.2.3]:80")).toBe(true);
  });

  it.each(["", "x", "192.0.2.1", "/run/envoy.sock", "@abstract:1", "192.0.2:1", "[2001:db8::1", "envoy://internal"])(
    "is undetermined for a peer at %j",
    (address) => {
      isBlock("0.0.0.0/0");
      expect(holds(address)).toBeUndefined();
    },
  );
});
