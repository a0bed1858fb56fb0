import assert from "node:assert/strict";

import * as core from "@modelcontextprotocol/core";
import * as sdk from "@modelcontextprotocol/sdk/types.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { TestModule } from "../module.ts";
import { itHolds } from "../property.ts";
import { METHODS, NAMESPACES, methodLabel } from "./methods.ts";

interface Exports {
  first: { value: number };
  last: { value: number };
  find(at: number, length: number): number;
  name(method: number): number;
  target(method: number): number;
}

const module = new TestModule<Exports>("methods");
const { exports: methods } = module;

/** What labels show for a method of this name. */
function labelOf(name: string): string {
  const method = module.lend(Buffer.from(name), (at, length) => methods.find(at, length));
  return module.string(methods.name(method));
}

/** The methods that an SDK's schemas know. */
function methodsOf(schemas: object): string[] {
  return Object.values(schemas).flatMap((schema) => {
    const method: unknown = schema?.shape?.method?.value;
    return typeof method === "string" ? [method] : [];
  });
}

describe("a method", () => {
  it.each(METHODS)("%s is known", (name) => {
    expect(labelOf(name)).toBe(name);
  });

  it("is known just where this test knows it", () => {
    const names: string[] = [];
    for (let method = methods.first.value; method <= methods.last.value; method++) {
      names.push(module.string(methods.name(method)));
    }
    expect(names).toEqual(METHODS);
  });

  it.each([
    ["1.x", sdk],
    ["2.x", core],
  ])("of the TypeScript SDK %s is known", (_, schemas) => {
    const names = methodsOf(schemas);
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) expect(labelOf(name)).toBe(name);
  });

  it.each([...NAMESPACES].flatMap((namespace) => [namespace, `${namespace}new`, `${namespace}listx`, `${namespace}é`]))(
    "%s is another of MCP's",
    (name) => {
      expect(labelOf(name)).toBe("_OTHER");
    },
  );

  it("of a namespace may be long", () => {
    expect(labelOf(`tools/${"x".repeat(200)}`)).toBe("_OTHER");
  });

  it.each([
    "",
    "_OTHER",
    "x",
    "pin",
    "pings",
    "Ping",
    "tools",
    "Tools/call",
    " tools/call",
    "tool/call",
    "initialized",
    "server",
    "rpc.discover",
    "eth_call",
    "notification/x",
  ])("%j is not MCP's", (name) => {
    expect(labelOf(name)).toBe("");
  });

  it("names a tool or a prompt only where it calls one", () => {
    const targets = METHODS.map((name) => {
      const method = module.lend(Buffer.from(name), (at, length) => methods.find(at, length));
      return [name, methods.target(method)] as const;
    });
    expect(targets.filter(([, target]) => target !== 0)).toEqual([
      ["tools/call", 1],
      ["prompts/get", 2],
    ]);
  });

  itHolds(
    "is what its name says",
    500,
    fc.property(
      fc.oneof(
        fc.string(),
        fc
          .tuple(fc.constantFrom(...METHODS, ...NAMESPACES), fc.nat({ max: 40 }), fc.string({ maxLength: 2 }))
          .map(([name, at, insert]) => name.slice(0, at) + insert + name.slice(at)),
      ),
      (name) => assert.equal(labelOf(name), methodLabel(name)),
    ),
  );
});
