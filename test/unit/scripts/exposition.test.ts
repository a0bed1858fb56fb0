import { describe, expect, it } from "vitest";
import { readSamples } from "../../../scripts/statistics/exposition.ts";

describe("samples of an exposition", () => {
  it.each<[what: string, line: string, labels: Record<string, string>, value: number]>([
    ["no labels", "mcp_x 3", {}, 3],
    ["empty braces", "mcp_x{} 3", {}, 3],
    ["a comma after the last label", 'mcp_x{a="1",} 3', { a: "1" }, 3],
    ["escaped characters", String.raw`mcp_x{a="q\"b\\c\nd"} 3`, { a: 'q"b\\c\nd' }, 3],
    ["braces, commas and equals signs in a value", 'mcp_x{a="x,y={} 1",b="}"} 3', { a: "x,y={} 1", b: "}" }, 3],
    ["other scripts and control characters", 'mcp_x{a="天\x1b[2J\u202e"} 3', { a: "天\x1b[2J\u202e" }, 3],
    ["a timestamp", "mcp_x 3 1700000000000", {}, 3],
    ["an exponent", "mcp_x 1e+06", {}, 1e6],
    ["infinity", 'mcp_x_bucket{le="+Inf"} +Inf', { le: "+Inf" }, Infinity],
    ["no number", "mcp_x NaN", {}, NaN],
  ])("have %s", (_what, line, labels, value) => {
    const [sample, ...others] = readSamples(line, "mcp_");
    expect(others).toEqual([]);
    expect(sample).toMatchObject({ labels, value });
  });

  it("keep the label sets of histograms apart", () => {
    const text = `# HELP mcp_h text
# TYPE mcp_h histogram
mcp_h_bucket{s="a",le="5"} 1
mcp_h_bucket{s="a",le="+Inf"} 2
mcp_h_sum{s="a"} 9
mcp_h_count{s="a"} 2
mcp_h_bucket{s="b",le="5"} 3
mcp_h_bucket{s="b",le="+Inf"} 3
mcp_h_sum{s="b"} 4
mcp_h_count{s="b"} 3
`;
    expect(readSamples(text, "mcp_h_bucket")).toEqual([
      { name: "mcp_h_bucket", labels: { s: "a", le: "5" }, value: 1 },
      { name: "mcp_h_bucket", labels: { s: "a", le: "+Inf" }, value: 2 },
      { name: "mcp_h_bucket", labels: { s: "b", le: "5" }, value: 3 },
      { name: "mcp_h_bucket", labels: { s: "b", le: "+Inf" }, value: 3 },
    ]);
    expect(readSamples(text, "mcp_h")).toHaveLength(8);
  });

  it("exclude other metrics and comments", () => {
    expect(readSamples("# TYPE mcp_x counter\nenvoy_x 1\nmcp_x 2\n# EOF\n", "")).toHaveLength(2);
  });

  it("are an error if a line is not of this format", () => {
    expect(() => readSamples("mcp_x{a=1} 2\n", "mcp_")).toThrow("mcp_x{a=1} 2");
  });
});
