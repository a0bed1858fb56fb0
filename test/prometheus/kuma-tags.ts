/** An Envoy without our tags. */

/** The tags of the bootstrap that Kuma writes (pkg/xds/bootstrap of its sources). */
const KUMA_TAGS = [
  { tag_name: "name", regex: "^grpc\\.((.+)\\.)" },
  { tag_name: "status", regex: "^grpc.*streams_closed(_([0-9]+))" },
  { tag_name: "kafka_name", regex: "^kafka(\\.(\\S*[0-9]))\\." },
  { tag_name: "kafka_type", regex: "^kafka\\..*\\.(.*?(?=_duration|$))" },
  { tag_name: "worker", regex: "(worker_([0-9]+)\\.)" },
  { tag_name: "listener", regex: "((.+?)\\.)rbac\\." },
];

/** The bootstrap with Kuma's tags in place of ours. Its histograms' bounds stay, so that both have the same. */
export function withTagsOfKuma(text: string): string {
  const bootstrap = JSON.parse(text) as { stats_config: { stats_tags: object[] } };
  bootstrap.stats_config.stats_tags = KUMA_TAGS;
  return JSON.stringify(bootstrap);
}
