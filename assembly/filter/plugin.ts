import { AccessCheck } from "../access/check";
import { AccessMode } from "../config/access/access_config";
import { PluginConfig } from "../config/plugin_config";
import { Level } from "../host/log";
import { Properties } from "../host/properties";
import { NamedPaths } from "../http/named_paths";
import { Exchange, isCandidate } from "../mcp/exchange/exchange";
import { HttpMethod } from "../http/http_method";
import { RequestHead } from "../mcp/headers/request_head";
import { ResponseHead } from "../mcp/headers/response_head";
import { StreamEnd } from "../mcp/protocol/stream_kinds";
import { BufferSlice } from "../proxy-wasm/buffers";
import { HostClock } from "../proxy-wasm/clock";
import { HostFilterState } from "../proxy-wasm/filter_state";
import { HostHeaders } from "../proxy-wasm/headers";
import { HostLog } from "../proxy-wasm/log";
import { HostMetrics } from "../proxy-wasm/metrics";
import { Action, BufferType, HeaderMapType } from "../proxy-wasm/module/abi";
import { RootContext } from "../proxy-wasm/module/contexts";
import { HostProperties } from "../proxy-wasm/properties";
import { HostRandom } from "../proxy-wasm/random";
import { HostReplies } from "../proxy-wasm/replies";
import { HostSharedData } from "../proxy-wasm/shared_data";
import { HostStreamControl } from "../proxy-wasm/stream_control";
import { HostTimer } from "../proxy-wasm/timer";
import { Endpoints } from "../store/endpoints";
import { shareHashKey } from "../store/hash_key";
import { BodyReader } from "./body_reader";
import { Configuration } from "./configuration/configuration";
import { endingOf } from "./ending";
import { closeChecks, conclude, endWatch, firstCheck, grow, isAnswered, isHeld, isRead, watch } from "./request_checks";
import { Guard, guardOf } from "./guard";
import { HeldStreams } from "./held_streams";
import { Host, Unit, unitOf } from "./unit";
import { Watchdog } from "./watchdog";

const TICK_MILLISECONDS: u32 = 1000;

/** The plugin instances of this VM whose configuration has come and is not settled yet, in the order in which they came. */
const unsettled: Plugin[] = [];

/** A plugin instance: wires the proxy's callbacks to MCP exchanges, and these to statistics. Its streams' handles are
 *  the addresses of their {@link Exchange}s. */
export class Plugin extends RootContext {
  private properties: HostProperties = new HostProperties();
  private sharedData: HostSharedData = new HostSharedData();
  private random: HostRandom = new HostRandom();
  private endpoints: Endpoints = new Endpoints(this.sharedData, this.random);
  private host: Host = new Host(
    new HostClock(),
    new HostMetrics(),
    this.properties,
    this.sharedData,
    this.random,
    new HostFilterState(),
    new HostReplies(),
    this.endpoints,
  );
  private streams: HostStreamControl = new HostStreamControl();
  private timer: HostTimer = new HostTimer(this.host.clock);
  private log: HostLog = new HostLog();
  private headers: HostHeaders = new HostHeaders();
  private requestBody: BodyReader = new BodyReader(BufferType.RequestBody);
  private responseBody: BodyReader = new BodyReader(BufferType.ResponseBody);
  private requestHead: RequestHead = new RequestHead([]);
  private responseHead: ResponseHead = new ResponseHead();
  private configuration: Configuration = new Configuration(this.host, this.log);
  /** What new streams are counted in; null until the role is known. */
  private unit: Unit | null = null;
  /** The same for streams by listeners for outbound traffic: listeners of both directions share this instance where their
   *  configurations are the same. */
  private outboundUnit: Unit | null = null;
  /** That, and what older streams are counted in, which know it by its address. */
  private units: Unit[] = [];
  /** The first of the units by the configuration that is applied. */
  private firstUnit: i32 = 0;
  /** The configuration that `requestHead`, `unit` and `guard` go by. */
  private applied: PluginConfig | null = null;
  /** The paths of `match.paths`. */
  private paths: NamedPaths = new NamedPaths([]);
  /** Carries out the access policy; null where there is none. */
  private guard: Guard | null = null;
  /** That, and what older streams are checked by, which know it by its address. */
  private guards: Guard[] = [];
  private held: HeldStreams = new HeldStreams();
  private watchdog: Watchdog = new Watchdog(
    this.held,
    this.id,
    this.host.clock,
    this.sharedData,
    this.random,
    this.streams,
  );
  /** Candidates came since the last tick. */
  private hadStreams: bool = false;
  private pages: i32 = 0;

  /** Never refuses: a worker whose plugin refuses its configuration lets traffic pass unseen, or answers it with 500. */
  onConfigure(size: usize): bool {
    shareHashKey(this.sharedData, this.random);
    const slice = new BufferSlice();
    const isThere = size > 0 && slice.read(BufferType.PluginConfiguration, 0, size);
    this.configuration.read(slice.at, isThere ? slice.length : 0);
    this.applied = null;
    if (!unsettled.includes(this)) unsettled.push(this);
    this.timer.start(TICK_MILLISECONDS);
    return true;
  }

  onTick(): void {
    if (!this.timer.tick()) return;
    this.settle(this.id);
    this.configuration.tick();
    if (this.hadStreams) this.configuration.reassert();
    this.hadStreams = false;
    const config = this.currentConfig();
    if (config && !this.unit && !this.outboundUnit) this.openKnown(config);
    for (let i = 0; i < this.units.length; i++) this.units[i].tick();
    this.watchdog.onTick();
    this.dropGuards();
    this.tellMemory();
  }

  onQueueReady(): void {
    this.watchdog.onNextTurn();
  }

  onClose(): void {
    this.settle(this.id);
    this.configuration.leaderships.close();
    for (let i = 0; i < this.units.length; i++) this.units[i].close();
  }

  /** Settles the configuration, and before it those that came to this VM earlier: what is kept must be the newest. `context`
   *  is the one being served. False where it was settled before. */
  private settle(context: u32): bool {
    if (!unsettled.includes(this)) return false;
    this.settleUpTo(unsettled.indexOf(this), context);
    return true;
  }

  private settleUpTo(last: i32, context: u32): void {
    for (let i = 0; i <= last; i++) {
      const first = unsettled.shift();
      this.streams.makeCurrent(first.id);
      first.configuration.settle();
    }
    this.streams.makeCurrent(context);
  }

  /** Drops the guards that neither a request nor a policy in force needs any more. */
  private dropGuards(): void {
    for (let i = this.guards.length - 1; i >= 0; i--) {
      const guard = this.guards[i];
      if (guard != this.guard && !guard.users && !this.configuration.leaderships.uses(guard)) this.guards.splice(i, 1);
    }
  }

  /** Tells when the VM's memory has grown. */
  private tellMemory(): void {
    const pages = memory.size();
    if (pages == this.pages) return;
    this.pages = pages;
    this.log.write(Level.Info, "memory: " + pages.toString() + " pages of 64 KiB");
  }

  /** The configuration to go by, applied; null where there is none. */
  private currentConfig(): PluginConfig | null {
    const config = this.configuration.current;
    if (!config || config == this.applied) return config;
    this.applied = config;
    this.unit = null;
    this.outboundUnit = null;
    this.firstUnit = this.units.length;
    const access = config.access;
    this.requestHead = new RequestHead(config.callerHeaders, access != null && access.denialCors.length > 0);
    this.paths = new NamedPaths(config.matchPaths);
    this.guard = null;
    if (config.access) {
      const guard = new Guard(config, this.paths, this.host, this.log, this.requestBody);
      this.guards.push(guard);
      this.guard = guard;
    }
    return config;
  }

  /** The unit of this role by the configuration that is applied: the one that is open, else a new one. */
  private open(config: PluginConfig, role: string): Unit {
    for (let i = this.firstUnit; i < this.units.length; i++) {
      if (this.units[i].role == role) return this.units[i];
    }
    const guard = this.guard;
    const unit = Unit.open(config, role, guard ? guard.policy : null, this.host);
    this.units.push(unit);
    return unit;
  }

  /** Opens the units that streams of this plugin were counted in before, on any worker: what they left in the store must
   *  be swept also where no more come. */
  private openKnown(config: PluginConfig): void {
    const roles = this.configuration.knownRoles();
    for (let i = 0; i < roles.length; i++) this.open(config, roles[i]);
  }

  /** What to count a new stream in. Streams tell the role: by the direction of their listener, if it is not configured. */
  private unitFor(config: PluginConfig): Unit {
    const isOutbound = config.role.length == 0 && isListenerOutbound(this.properties);
    const known = isOutbound ? this.outboundUnit : this.unit;
    if (known) return known;
    const role = config.role.length ? config.role : isOutbound ? "client" : "server";
    this.configuration.rememberRole(role);
    this.configuration.leaderships.serve(role, this.configuration.elapsed());
    const unit = this.open(config, role);
    if (isOutbound) this.outboundUnit = unit;
    else this.unit = unit;
    return unit;
  }

  onRequestHeaders(stream: u32, endOfStream: bool): Action {
    this.newHandle = 0;
    if (this.configuration.isBad) {
      // What stands in for it may be a configuration that came later.
      if (unsettled.length) this.settleUpTo(unsettled.length - 1, stream);
      this.configuration.follow();
    }
    const config = this.currentConfig();
    if (!config) return Action.Continue;
    const head = this.requestHead;
    this.headers.open(HeaderMapType.RequestHeaders);
    head.read(this.headers);
    const guard = this.guard;
    const leaderships = this.configuration.leaderships;
    let newer = leaderships.isConcerned ? this.newerGuard(config) : null;
    // A policy is about all that a server may read there, statistics only about JSON.
    const mayPost = guard || newer ? head.mayBringMessages(endOfStream) : head.isJsonPost;
    if (mayPost && this.endpoints.anyLearned) {
      const endpoint = this.endpoints.hash(head.authority, head.path, head.targetLength);
      if (this.endpoints.has(endpoint)) head.endpoint = endpoint;
    }
    const isGoverned = guard != null && guard.governs(head, endOfStream);
    // A policy is about every POST to a named path. A GET may open a stream without saying that it accepts one.
    const isPost = head.method == HttpMethod.Post;
    const mayBeNamed = isPost ? guard == null : head.method == HttpMethod.Get && !head.acceptsEventStream;
    const isNamed = mayBeNamed && this.paths.include(head.path, head.pathLength, head.targetLength);
    const isMcp = isGoverned || isCandidate(head, isNamed);
    if (isMcp && this.settle(stream) && leaderships.isConcerned) newer = this.newerGuard(config);
    const isNewlyGoverned = newer != null && newer.governs(head, endOfStream);
    if (!isMcp && !isNewlyGoverned) return Action.Continue;
    this.hadStreams = true;
    const unit = this.unitFor(config);
    const exchange = Exchange.take();
    exchange.unit = changetype<usize>(unit);
    exchange.isUnchecked = guard != null && !isGoverned && !isNewlyGoverned;
    exchange.begin(head, this.host.clock.now(), unit);
    this.newHandle = changetype<usize>(exchange);
    if (guard && isGoverned) guard.begin(stream, exchange, head, unit);
    if (newer && isNewlyGoverned && !isAnswered(firstCheck(exchange))) newer.begin(stream, exchange, head, unit);
    const check = firstCheck(exchange);
    if (isAnswered(check)) return Action.Pause;
    // Only its own configuration says what this instance's proxy lets it hold.
    if (check && isHeld(check) && !endOfStream && config.access && config.access!.holdHeaders) {
      this.held.add(check, unit.milliseconds());
      return Action.Pause;
    }
    return endOfStream ? this.endRequest(exchange) : Action.Continue;
  }

  /** What carries out the policy of a newer configuration on a new stream; null where there is none that applies. */
  private newerGuard(config: PluginConfig): Guard | null {
    const leadership = this.configuration.leaderships.of(this.unitFor(config).role);
    if (leadership.needsConnections && this.properties.find("connection.id") && this.properties.length == 8) {
      leadership.saw(load<u64>(this.properties.at));
    }
    const newer = leadership.newer;
    if (!newer || !newer.config) return null;
    // A policy that is tried out denies nothing.
    if (newer.config!.access!.mode == AccessMode.Shadow) return null;
    if (!newer.guard) {
      const guard = new Guard(
        newer.config!,
        new NamedPaths(newer.config!.matchPaths),
        this.host,
        this.log,
        this.requestBody,
        true,
      );
      this.guards.push(guard);
      newer.guard = guard;
    }
    return newer.guard;
  }

  onRequestBody(stream: usize, size: usize, endOfStream: bool): Action {
    const exchange = changetype<Exchange>(stream);
    const check = firstCheck(exchange);
    if (isAnswered(check)) return Action.Pause;
    if (check && isHeld(check)) return this.holdBody(exchange, check, size, endOfStream);
    this.passBody(exchange, size);
    return endOfStream ? this.endRequest(exchange) : Action.Continue;
  }

  onRequestTrailers(stream: usize): Action {
    return this.endRequest(changetype<Exchange>(stream));
  }

  /** Reads what passes of a request. */
  private passBody(exchange: Exchange, size: usize): void {
    const body = this.requestBody;
    const unit = unitOf(exchange);
    const check = firstCheck(exchange);
    body.begin(size);
    while ((exchange.readsRequest || isRead(check)) && body.next()) {
      if (exchange.readsRequest) exchange.requestBody(body.at, body.length, unit);
      watch(check, exchange, body.at, body.length, unit);
    }
  }

  /** The body of a request that waits for its decision has come to `size` bytes. */
  private holdBody(exchange: Exchange, check: AccessCheck, size: usize, endOfStream: bool): Action {
    if (check.holdsHeaders) {
      this.held.remove(check);
      this.held.prove();
    }
    grow(check, exchange, size, unitOf(exchange));
    if (isAnswered(check)) return Action.Pause;
    return endOfStream ? this.endRequest(exchange) : Action.Pause;
  }

  /** The request is over: decides it, if it was held. */
  private endRequest(exchange: Exchange): Action {
    const unit = unitOf(exchange);
    const check = firstCheck(exchange);
    if (isAnswered(check)) return Action.Pause;
    if (check && isHeld(check)) {
      this.held.remove(check);
      this.passBody(exchange, conclude(check, exchange, unit));
    }
    if (!isAnswered(check)) endWatch(check, exchange, unit);
    if (exchange.readsRequest) exchange.requestEnd(unit);
    if (!isAnswered(check)) return Action.Continue;
    exchange.deny(unit);
    return Action.Pause;
  }

  onResponseHeaders(stream: usize, endOfStream: bool): Action {
    const exchange = changetype<Exchange>(stream);
    if (!exchange.isWatched) return Action.Continue;
    this.headers.open(HeaderMapType.ResponseHeaders);
    this.responseHead.read(this.headers);
    exchange.responseHead(this.responseHead, unitOf(exchange));
    if (endOfStream) exchange.responseEnd(unitOf(exchange));
    return Action.Continue;
  }

  onResponseBody(stream: usize, size: usize, endOfStream: bool): Action {
    const exchange = changetype<Exchange>(stream);
    const unit = unitOf(exchange);
    const body = this.responseBody;
    body.begin(size);
    while (exchange.readsResponse && body.next()) exchange.responseBody(body.at, body.length, unit);
    if (endOfStream) exchange.responseEnd(unit);
    return Action.Continue;
  }

  onResponseTrailers(stream: usize): Action {
    const exchange = changetype<Exchange>(stream);
    exchange.responseEnd(unitOf(exchange));
    return Action.Continue;
  }

  onEnd(stream: usize): void {
    const exchange = changetype<Exchange>(stream);
    const end = exchange.isWatched ? endingOf(exchange, this.properties) : StreamEnd.Complete;
    closeChecks(exchange, this.held);
    exchange.close(end, unitOf(exchange));
  }
}

/** Whether the stream's listener has 2, OUTBOUND, as its envoy.config.core.v3.TrafficDirection. */
function isListenerOutbound(properties: Properties): bool {
  return properties.find("xds.listener_direction") && load<u8>(properties.at) == 2;
}
