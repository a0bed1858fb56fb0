import { TraceConfig, TraceEncoding } from "../../config/trace_config";
import { Body } from "../../host/body";
import { Callouts } from "../../host/callouts";
import { Clock } from "../../host/clock";
import { HeaderBlock } from "../../host/header_block";
import { HeaderMap } from "../../host/header_map";
import { Level, Log } from "../../host/log";
import { Properties } from "../../host/properties";
import { Random } from "../../host/random";
import { SPAN_RESULT_COUNT, SpanResult } from "../../mcp/protocol/span_result";
import { indexOfIgnoringCase } from "../../memory/bytes";
import { NANOSECONDS_PER_MILLISECOND, hasCome, isWithin } from "../../memory/elapsed";
import { envelopeOf, spanWriterOf } from "../otlp/encodings";
import { Envelope } from "../otlp/envelope";
import { RESPONSE_LIMIT, rejectedByJson, rejectedByProtobuf } from "../otlp/export_response";
import { SpanWriter } from "../otlp/span_writer";
import { BATCH_LIMIT, Batch } from "./batch";
import { ExportLock } from "./export_lock";
import { retryAfterMs } from "./retry_after";
import { SpanRing } from "./span_ring";
import { workloadOf } from "./workload";

/** Timeout in milliseconds after which the proxy ends a call. */
const TIMEOUT_MS: u32 = 10_000;
/**
 * Time in milliseconds after which a call without a response counts as failed. The proxy should have ended it before.
 */
const LOST_MS: u64 = TIMEOUT_MS + 5000;
/** Time in milliseconds for which a batch is sent again. */
const EXPIRY_MS: u64 = 300_000;
const FIRST_BACKOFF_MS: u64 = 1000;
const LAST_BACKOFF_MS: u64 = 30_000;
/** Minimum time in milliseconds between two log lines. */
const LOG_MS: u64 = 60_000;

/** Host services that a plugin instance provides to its exporters. */
export class ExportHost {
  constructor(
    readonly callouts: Callouts,
    /** The headers of the response to a callout, during its callback. */
    readonly responseHeaders: HeaderMap,
    /** The body of the response to a callout, during its callback. */
    readonly responseBody: Body,
    readonly properties: Properties,
    readonly random: Random,
    readonly log: Log,
    readonly clock: Clock,
    /** The version of the filter. */
    readonly version: string,
  ) {}
}

/**
 * Sends spans to the collector by OTLP over HTTP: in batches, one call at a time, with retries if they can help
 * (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP response"). Spans that cannot be sent wait in a bounded ring. Each
 * added span is counted once, by its result.
 */
export class Exporter {
  /** Writes the spans to add. */
  readonly writer: SpanWriter;
  /** Number of spans by {@link SpanResult}. Reset by the code that reads them. */
  readonly counts: StaticArray<u32> = new StaticArray<u32>(SPAN_RESULT_COUNT);
  private ring: SpanRing = new SpanRing();
  private batch: Batch = new Batch();
  private envelope: Envelope | null = null;
  private headers: HeaderBlock | null = null;
  /** The token of the call in flight; 0 for none. */
  private token: u32 = 0;
  private sentAtMs: u64 = 0;
  /** Number of consecutive calls with a transient failure. */
  private failures: i32 = 0;
  /** Earliest time of the next call, in milliseconds. */
  private nextAtMs: u64 = 0;
  /** The exporter is closing: no more spans are added, and those that cannot be sent at once are dropped. */
  private isClosing: bool = false;
  private loggedAtMs: u64 = 0;
  /** The exporter could not send because another exporter's call was in flight, or another exporter was next. */
  private isBlocked: bool = false;

  constructor(
    private config: TraceConfig,
    private role: string,
    private host: ExportHost,
  ) {
    this.writer = spanWriterOf(config.encoding);
  }

  /** Keeps a span, in the collector's encoding, until it is sent. The bytes may be overwritten afterwards. */
  add(at: usize, length: i32): void {
    if (this.isClosing) {
      this.count(SpanResult.Dropped, 1);
      return;
    }
    const gone = this.ring.push(at, length);
    if (gone) this.count(SpanResult.Dropped, gone);
    if (this.ring.length >= BATCH_LIMIT && this.batch.count == 0) this.send();
  }

  /** Number of spans that have been added and not counted yet. */
  get waiting(): u32 {
    return <u32>this.ring.count + this.batch.count;
  }

  /** Called on each tick. */
  tick(): void {
    const now = this.host.clock.milliseconds;
    if (this.token && !isWithin(LOST_MS, this.sentAtMs, now)) {
      this.end();
      this.failed(0, now);
    }
    if (this.batch.count && !this.token && !isWithin(EXPIRY_MS, this.batch.madeAtMs, now)) {
      this.count(SpanResult.Expired, this.batch.clear());
    }
    this.send();
  }

  /** Called when the call of another exporter has ended: sends the spans that waited for that. */
  resume(): void {
    if (this.isBlocked) this.send();
  }

  /** Handles the response to a callout of the plugin instance. Returns false if another exporter made the callout. */
  receive(token: u32, headerCount: u32, bodySize: usize): bool {
    if (!this.token || this.token != token) return false;
    this.end();
    const now = this.host.clock.milliseconds;
    const status = headerCount ? this.status() : 0;
    if (status >= 200 && status < 300) {
      const rejected = <u32>min<u64>(this.rejected(bodySize), this.batch.count);
      this.count(SpanResult.Rejected, rejected);
      this.count(SpanResult.Exported, this.batch.clear() - rejected);
      if (rejected) this.report("the collector rejected spans of a batch: " + rejected.toString(), now);
      this.failures = 0;
    } else if (mayPass(status)) {
      this.failed(status, now);
      if (headerCount) this.retryAfter(now);
    } else {
      const rejected = this.batch.clear();
      this.count(SpanResult.Rejected, rejected);
      this.report("the collector answered with status " + status.toString() + ": spans rejected", now);
      this.failures = 0;
    }
    // A full next batch is sent at once. While closing, everything is.
    if (this.isClosing || this.ring.length >= BATCH_LIMIT) this.send();
    return true;
  }

  /** Closes the exporter: no more spans are added. Waiting spans are sent without retries while {@link isSending},
   *  and without waiting for other exporters. Spans that are not sent count as dropped. */
  close(): void {
    this.isClosing = true;
    this.send();
    if (!this.token) this.drop();
  }

  /** Drops all waiting spans. */
  private drop(): void {
    this.token = 0;
    this.count(SpanResult.Dropped, this.batch.clear() + <u32>this.ring.clear());
    ExportLock.leave(changetype<usize>(this));
  }

  /** Whether a call is in flight. */
  get isSending(): bool {
    return this.token != 0;
  }

  /** Sends waiting spans, if the exporter may send now. */
  private send(): void {
    if (this.token || this.waiting == 0) return;
    const host = this.host;
    const now = host.clock.milliseconds;
    if (!hasCome(this.nextAtMs, now)) return;
    const self = changetype<usize>(this);
    this.isBlocked = !ExportLock.tryAcquire(self, now) && !this.isClosing;
    if (this.isBlocked) return;
    const batch = this.batch;
    if (batch.count == 0) batch.fill(this.ring, this.openEnvelope(), now);
    if (!host.callouts.send(this.config.cluster, this.openHeaders(), batch.at, batch.length, TIMEOUT_MS)) {
      ExportLock.release(self);
      this.failed(-1, now);
      return;
    }
    this.token = host.callouts.token;
    this.sentAtMs = now;
  }

  /** Handles the end of the call in flight. */
  private end(): void {
    this.token = 0;
    ExportLock.release(changetype<usize>(this));
  }

  /** Handles a call with a transient failure. `status` is 0 if there was no response, -1 if the proxy did not send
   *  the call. */
  private failed(status: i32, now: u64): void {
    if (this.isClosing) return this.drop();
    this.failures++;
    const longest = min(FIRST_BACKOFF_MS << (<u64>min(this.failures - 1, 10)), LAST_BACKOFF_MS);
    // Random backoff, up to a quarter shorter, so that proxies that failed together do not retry together.
    this.nextAtMs = now + longest - (this.host.random.next() % (longest / 4));
    const what =
      status < 0
        ? "is unknown or has no endpoints"
        : status
          ? "answered with status " + status.toString()
          : "did not answer";
    this.report("cluster " + this.config.cluster + " " + what + ": spans wait", now);
  }

  /** Delays the next call for as long as the collector asks. */
  private retryAfter(now: u64): void {
    const headers = this.host.responseHeaders;
    if (!headers.find("retry-after")) return;
    const wallMs = this.host.clock.wallNow() / NANOSECONDS_PER_MILLISECOND;
    const asked = retryAfterMs(headers.at, headers.length, wallMs);
    this.nextAtMs = max(this.nextAtMs, now + asked);
  }

  /** The HTTP status of the response; 0 if it has none. */
  private status(): i32 {
    const headers = this.host.responseHeaders;
    if (!headers.find(":status") || headers.length != 3) return 0;
    let status = 0;
    for (let i = 0; i < 3; i++) status = status * 10 + ((load<u8>(headers.at + i) - 0x30) & 15);
    return status;
  }

  /** The number of spans that a response with a 2xx status rejects; 0 if the response is not OTLP. */
  private rejected(size: usize): u64 {
    const body = this.host.responseBody;
    if (size == 0) return 0;
    const headers = this.host.responseHeaders;
    let isJson = this.config.encoding == TraceEncoding.Json;
    if (headers.find("content-type")) {
      isJson = indexOfIgnoringCase(headers.at, headers.length, "json") >= 0;
      if (!isJson && indexOfIgnoringCase(headers.at, headers.length, "protobuf") < 0) return 0;
    }
    body.begin(min(size, RESPONSE_LIMIT));
    if (!body.next()) return 0;
    return isJson ? rejectedByJson(body.at, body.length) : rejectedByProtobuf(body.at, body.length);
  }

  private openEnvelope(): Envelope {
    const known = this.envelope;
    if (known) return known;
    const host = this.host;
    const resource = workloadOf(this.config.resource, this.role, host.version, host.properties);
    const envelope = envelopeOf(this.config.encoding, resource);
    this.envelope = envelope;
    return envelope;
  }

  private openHeaders(): HeaderBlock {
    const known = this.headers;
    if (known) return known;
    const config = this.config;
    const pairs = [
      ":method",
      "POST",
      ":path",
      config.path,
      ":authority",
      config.authority.length ? config.authority : config.cluster,
      "content-type",
      this.openEnvelope().contentType,
      "user-agent",
      "mcp-proxy-wasm/" + this.host.version,
    ];
    const headers = new HeaderBlock(pairs.concat(config.headers));
    this.headers = headers;
    return headers;
  }

  @inline
  private count(result: SpanResult, spans: u32): void {
    unchecked((this.counts[result] += spans));
  }

  /** Writes a log line, at most one per minute. It never contains `trace.headers`, which may have credentials. */
  private report(what: string, now: u64): void {
    if (this.loggedAtMs && isWithin(LOG_MS, this.loggedAtMs, now)) return;
    this.loggedAtMs = now;
    this.host.log.write(Level.Warn, "trace: " + what);
  }
}

/** Whether a failed call may succeed later: it had no response, or a status that OTLP defines as retryable. */
function mayPass(status: i32): bool {
  return status == 0 || status == 429 || status == 502 || status == 503 || status == 504;
}
