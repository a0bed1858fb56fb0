import { expect, it } from "vitest";
import { ObservableView } from "../../../scripts/compare/observable.ts";

const property = (session: string) => `proxy_set_property mcp.session\t${session} → 0`;

it("is equal where keys of shared data and hashes of sessions differ alone", () => {
  const one = new ObservableView();
  const other = new ObservableView();
  const [a, b] = ["0123456789abcdef", "fedcba9876543210"];
  const log = (session: string) =>
    `proxy_log warn mcp_access_denied\t{"event":"mcp_access_denied","session":"${session}"}`;
  const shared = (format: number) => `proxy_get_shared_data mcp/*/lease\tmcp/${format}/lease → 0, 16 bytes`;
  expect(one.of([shared(4), property(a), log(b), property(a)])).toEqual(
    other.of([property(b), log(a), property(b), "proxy_get_current_time_nanoseconds\t → 0"]),
  );
  expect(one.of([property(b)])).toEqual(other.of([property(a)]));
  expect(one.of([property(b)])).not.toEqual(other.of([property(b)]));
});

it("keeps all other calls as they are", () => {
  const calls = [
    "proxy_increment_metric mcp_streams_total\t1 → 0",
    "proxy_set_property mcp.target\t0123456789abcdef → 0",
  ];
  expect(new ObservableView().of(calls)).toEqual(calls);
});
