import { ConfigReader, PluginConfig } from "../config/plugin_config";
import { Level } from "../host/log";
import { Cancellations } from "../mcp/cancellations";
import { Exchange, isCandidate } from "../mcp/exchange";
import { RequestHead, ResponseHead } from "../mcp/head";
import { Action, BufferType, HeaderMapType } from "../proxy-wasm/abi";
import { resetArena } from "../proxy-wasm/arena";
import { RootContext } from "../proxy-wasm/contexts";
import {
  BufferSlice,
  HostClock,
  HostHeaders,
  HostLog,
  HostMetrics,
  HostProperties,
  setTickPeriod,
} from "../proxy-wasm/host";
import { StreamEnd } from "../mcp/stream_kinds";
import { LabelSettings } from "../stats/labels";
import { Recorder } from "../stats/recorder";
import { endingOf } from "./ending";
import { namesPath } from "./paths";

/** Bodies are read in slices of this size, so that the memory for them stays small whatever the proxy's buffers hold. */
const SLICE: usize = 65536;
const TICK_MILLISECONDS: u32 = 1000;

/** A plugin instance: wires the proxy's callbacks to MCP exchanges, and these to statistics. Its streams' handles are
 *  the addresses of their {@link Exchange}s. */
export class Plugin extends RootContext {
  private clock: HostClock = new HostClock();
  private properties: HostProperties = new HostProperties();
  private log: HostLog = new HostLog();
  private headers: HostHeaders = new HostHeaders();
  private slice: BufferSlice = new BufferSlice();
  private requestHead: RequestHead = new RequestHead();
  private responseHead: ResponseHead = new ResponseHead();
  private cancellations: Cancellations = new Cancellations();
  private matchPaths: string[] = [];
  /** Null while there is no valid configuration: then all traffic passes unread. */
  private recorder: Recorder | null = null;
  private pages: i32 = 0;

  /** Never refuses: a worker whose plugin refuses its configuration lets traffic pass unseen, or answers it with 500. */
  onConfigure(size: usize): bool {
    const reader = new ConfigReader();
    if (size && this.slice.read(BufferType.PluginConfiguration, 0, size)) {
      reader.read(this.slice.at, this.slice.length);
    }
    const config = reader.config;
    this.log.level = <Level>config.logLevel;
    for (let i = 0; i < reader.warnings.length; i++) {
      this.log.write(Level.Warn, "configuration: " + reader.warnings[i]);
    }
    for (let i = 0; i < reader.errors.length; i++) {
      this.log.write(Level.Error, "invalid configuration, MCP passes unread: " + reader.errors[i]);
    }
    if (reader.errors.length == 0) this.start(config);
    return true;
  }

  private start(config: PluginConfig): void {
    const settings = new LabelSettings();
    settings.role = config.role;
    settings.server = config.server;
    settings.maxTools = config.maxTools;
    settings.maxServers = config.maxServers;
    settings.tools = config.tools;
    settings.caller = config.labelCaller;
    this.matchPaths = config.matchPaths;
    this.recorder = new Recorder(settings, this.properties, new HostMetrics(), this.clock);
    if (this.log.level <= Level.Info) setTickPeriod(TICK_MILLISECONDS);
  }

  /** Tells when the VM's memory has grown. */
  onTick(): void {
    const pages = memory.size();
    if (pages == this.pages) return;
    this.pages = pages;
    this.log.write(Level.Info, "memory: " + pages.toString() + " pages of 64 KiB");
  }

  onRequestHeaders(endOfStream: bool): usize {
    const recorder = this.recorder;
    if (!recorder) return 0;
    const head = this.requestHead;
    this.headers.open(HeaderMapType.RequestHeaders);
    head.read(this.headers);
    if (!isCandidate(head, namesPath(this.matchPaths, head.path, head.pathLength))) return 0;
    const exchange = Exchange.take();
    exchange.begin(head, this.clock.now(), recorder);
    if (endOfStream && exchange.readsRequest) exchange.requestEnd(recorder, this.cancellations);
    return changetype<usize>(exchange);
  }

  onRequestBody(stream: usize, size: usize, endOfStream: bool): Action {
    const exchange = changetype<Exchange>(stream);
    const recorder = this.recorder!;
    for (let start: usize = 0; start < size && exchange.readsRequest; start += SLICE) {
      if (!this.slice.read(BufferType.RequestBody, start, min(SLICE, size - start))) break;
      exchange.requestBody(this.slice.at, this.slice.length, recorder);
      resetArena();
    }
    if (endOfStream) this.endRequest(exchange);
    return Action.Continue;
  }

  onRequestTrailers(stream: usize): Action {
    this.endRequest(changetype<Exchange>(stream));
    return Action.Continue;
  }

  private endRequest(exchange: Exchange): void {
    if (exchange.readsRequest) exchange.requestEnd(this.recorder!, this.cancellations);
  }

  onResponseHeaders(stream: usize, endOfStream: bool): Action {
    const exchange = changetype<Exchange>(stream);
    if (!exchange.isWatched) return Action.Continue;
    this.headers.open(HeaderMapType.ResponseHeaders);
    this.responseHead.read(this.headers);
    exchange.responseHead(this.responseHead, this.recorder!, this.cancellations);
    if (endOfStream) exchange.responseEnd(this.recorder!);
    return Action.Continue;
  }

  onResponseBody(stream: usize, size: usize, endOfStream: bool): Action {
    const exchange = changetype<Exchange>(stream);
    const recorder = this.recorder!;
    for (let start: usize = 0; start < size && exchange.readsResponse; start += SLICE) {
      if (!this.slice.read(BufferType.ResponseBody, start, min(SLICE, size - start))) break;
      exchange.responseBody(this.slice.at, this.slice.length, recorder);
      resetArena();
    }
    if (endOfStream) exchange.responseEnd(recorder);
    return Action.Continue;
  }

  onResponseTrailers(stream: usize): Action {
    changetype<Exchange>(stream).responseEnd(this.recorder!);
    return Action.Continue;
  }

  onEnd(stream: usize): void {
    const exchange = changetype<Exchange>(stream);
    const end = exchange.isWatched ? endingOf(exchange, this.properties) : StreamEnd.Complete;
    exchange.close(end, this.recorder!, this.cancellations);
  }
}
