import { PluginConfig } from "../config/plugin_config";
import { Level } from "../host/log";
import { Exchange, isCandidate } from "../mcp/exchange";
import { RequestHead, ResponseHead } from "../mcp/head";
import { StreamEnd } from "../mcp/stream_kinds";
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
  HostRandom,
  setTickPeriod,
} from "../proxy-wasm/host";
import { HostSharedData } from "../proxy-wasm/shared_data";
import { Configuration } from "./configuration";
import { endingOf } from "./ending";
import { namesPath } from "./paths";
import { Host, Unit } from "./unit";

/** Bodies are read in slices of this size, so that the memory for them stays small whatever the proxy's buffers hold. */
const SLICE: usize = 65536;
const TICK_MILLISECONDS: u32 = 1000;

/** A plugin instance: wires the proxy's callbacks to MCP exchanges, and these to statistics. Its streams' handles are
 *  the addresses of their {@link Exchange}s. */
export class Plugin extends RootContext {
  private properties: HostProperties = new HostProperties();
  private host: Host = new Host(
    new HostClock(),
    new HostMetrics(),
    this.properties,
    new HostSharedData(),
    new HostRandom(),
  );
  private log: HostLog = new HostLog();
  private headers: HostHeaders = new HostHeaders();
  private slice: BufferSlice = new BufferSlice();
  private requestHead: RequestHead = new RequestHead([]);
  private responseHead: ResponseHead = new ResponseHead();
  private configuration: Configuration = new Configuration(this.host, this.log);
  /** What the traffic is counted in, from the first candidate on. */
  private unit: Unit | null = null;
  /** The configuration that `requestHead` and `unit` go by. */
  private applied: PluginConfig | null = null;
  private pages: i32 = 0;

  /** Never refuses: a worker whose plugin refuses its configuration lets traffic pass unseen, or answers it with 500. */
  onConfigure(size: usize): bool {
    const isThere = size > 0 && this.slice.read(BufferType.PluginConfiguration, 0, size);
    this.configuration.read(this.slice.at, isThere ? this.slice.length : 0);
    this.applied = null;
    setTickPeriod(TICK_MILLISECONDS);
    return true;
  }

  onTick(): void {
    this.configuration.settle();
    const unit = this.unit;
    if (unit) unit.tick();
    this.tellMemory();
  }

  /** Tells when the VM's memory has grown. */
  private tellMemory(): void {
    const pages = memory.size();
    if (pages == this.pages) return;
    this.pages = pages;
    this.log.write(Level.Info, "memory: " + pages.toString() + " pages of 64 KiB");
  }

  private apply(config: PluginConfig): void {
    this.applied = config;
    this.unit = null;
    this.requestHead = new RequestHead(config.callerHeaders);
  }

  /** What to count in. The first candidate opens it, since only streams tell the role. */
  private unitFor(config: PluginConfig): Unit {
    let unit = this.unit;
    if (unit) return unit;
    unit = Unit.open(config, this.roleOf(config), this.host);
    this.unit = unit;
    return unit;
  }

  /** The configured role, else by the direction of the listener, which only streams can tell. */
  private roleOf(config: PluginConfig): string {
    if (config.role.length) return config.role;
    // envoy.config.core.v3.TrafficDirection: 2 is OUTBOUND.
    const outbound = this.properties.find("xds.listener_direction") && load<u8>(this.properties.at) == 2;
    return outbound ? "client" : "server";
  }

  onRequestHeaders(endOfStream: bool): usize {
    const config = this.configuration.current();
    if (!config) return 0;
    if (config != this.applied) this.apply(config);
    const head = this.requestHead;
    this.headers.open(HeaderMapType.RequestHeaders);
    head.read(this.headers);
    if (!isCandidate(head, namesPath(config.matchPaths, head.path, head.pathLength))) return 0;
    const unit = this.unitFor(config);
    const exchange = Exchange.take();
    exchange.begin(head, this.host.clock.now(), unit);
    if (endOfStream) this.endRequest(exchange);
    return changetype<usize>(exchange);
  }

  onRequestBody(stream: usize, size: usize, endOfStream: bool): Action {
    const exchange = changetype<Exchange>(stream);
    const unit = this.unit!;
    for (let start: usize = 0; start < size && exchange.readsRequest; start += SLICE) {
      if (!this.slice.read(BufferType.RequestBody, start, min(SLICE, size - start))) break;
      exchange.requestBody(this.slice.at, this.slice.length, unit);
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
    if (exchange.readsRequest) exchange.requestEnd(this.unit!);
  }

  onResponseHeaders(stream: usize, endOfStream: bool): Action {
    const exchange = changetype<Exchange>(stream);
    if (!exchange.isWatched) return Action.Continue;
    this.headers.open(HeaderMapType.ResponseHeaders);
    this.responseHead.read(this.headers);
    exchange.responseHead(this.responseHead, this.unit!);
    if (endOfStream) exchange.responseEnd(this.unit!);
    return Action.Continue;
  }

  onResponseBody(stream: usize, size: usize, endOfStream: bool): Action {
    const exchange = changetype<Exchange>(stream);
    const unit = this.unit!;
    for (let start: usize = 0; start < size && exchange.readsResponse; start += SLICE) {
      if (!this.slice.read(BufferType.ResponseBody, start, min(SLICE, size - start))) break;
      exchange.responseBody(this.slice.at, this.slice.length, unit);
      resetArena();
    }
    if (endOfStream) exchange.responseEnd(unit);
    return Action.Continue;
  }

  onResponseTrailers(stream: usize): Action {
    changetype<Exchange>(stream).responseEnd(this.unit!);
    return Action.Continue;
  }

  onEnd(stream: usize): void {
    const exchange = changetype<Exchange>(stream);
    const end = exchange.isWatched ? endingOf(exchange, this.properties) : StreamEnd.Complete;
    exchange.close(end, this.unit!);
  }
}
