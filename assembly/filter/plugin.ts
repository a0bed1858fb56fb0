import { PluginConfig } from "../config/plugin_config";
import { HoldConfig } from "../config/rules/hold_config";
import { BodyRewriter } from "../edit/request/body_rewriter";
import { Enforcement } from "../gate/enforcement";
import { Gate } from "../gate/gate";
import { HeldBudget } from "../gate/held_budget";
import { HeldStreams } from "../gate/held_streams";
import { Rejections } from "../gate/rejections";
import { ResponseEdits } from "../gate/response_edits";
import { NextTurn } from "../gate/next_turn";
import { RequestLogs } from "../gate/stage/request_logs";
import { StageHost } from "../gate/stage/stage_host";
import { Stages } from "../gate/stages";
import { HeldTimeouts } from "../gate/held_timeouts";
import { Level, Log } from "../host/log";
import { Proxy } from "../host/proxy";
import { StreamControl } from "../host/stream_control";
import { Timer } from "../host/timer";
import { declareHandOn } from "../limits/hand_on/hand_on";
import { Exchange } from "../mcp/exchange/exchange";
import { Action, BufferType } from "../proxy-wasm/module/abi";
import { BufferSlice } from "../proxy-wasm/module/buffers";
import { RootContext, forgetRoot } from "../proxy-wasm/module/contexts";
import { Endpoints } from "../store/endpoints";
import { shareHashKey } from "../store/hash_key";
import { VERSION } from "../stats/build";
import { BuildGauge } from "../stats/build_gauge";
import { ExportHost } from "../trace/export/exporter";
import { ShownLogs } from "../trace/shown_logs";
import { Configuration } from "./configuration/configuration";
import { Settling } from "./configuration/settling";
import { Holding } from "./holding/holding";
import { RequestFlow } from "./request_flow";
import { ResponseFlow } from "./response_flow";
import { Service } from "./service";
import { Host } from "./counting_unit";
import { CountingUnits } from "./counting_units";

const TICK_MILLISECONDS: u32 = 1000;

/**
 * A plugin instance: passes the proxy's callbacks to the classes that serve them. The handle of a stream is the address
 * of its {@link Exchange}.
 */
export class Plugin extends RootContext {
  private host: Host;
  private log: Log;
  private timer: Timer;
  private streams: StreamControl;
  private configuration: Configuration;
  private settling: Settling;
  private service: Service;
  private units: CountingUnits;
  protected gate: Gate;
  private turns: NextTurn;
  private requests: RequestFlow;
  private responses: ResponseFlow;
  private build: BuildGauge;
  /** Size of the VM's memory at the last tick, in pages of 64 KiB. */
  private pages: i32 = 0;
  /** The filter state handed to other filters has been declared to the proxy. */
  private isDeclared: bool = false;

  /**
   * @param stages makes the stages that decide about requests
   * @param proxy the proxy that runs the instance
   * @param logs the logs that show requests
   * @param holding keeps held bodies from the server
   */
  constructor(id: u32, stages: Stages, proxy: Proxy, logs: RequestLogs, holding: Holding) {
    super(id);
    const clock = proxy.clock;
    const log = proxy.log;
    const properties = proxy.properties;
    const sharedData = proxy.sharedData;
    const random = proxy.random;
    const filterState = proxy.filterState;
    const streams = proxy.streams;
    const timer = proxy.timer;
    const request = proxy.request;
    const response = proxy.response;
    const shownLogs = new ShownLogs(logs);
    const endpoints = new Endpoints(sharedData, random);
    const held = new HeldStreams();
    const budget = new HeldBudget(new HoldConfig());
    const rewriter = new BodyRewriter(request.body, request.bodyWriter);
    const enforcement = new Enforcement(proxy.replies, streams, budget, rewriter, clock);
    const turns = new NextTurn(id, proxy.queue, sharedData, random, streams);
    const host = new Host(
      clock,
      proxy.metrics,
      properties,
      sharedData,
      random,
      filterState,
      shownLogs,
      log,
      endpoints,
      turns,
      timer,
      request.headerMap,
      new ExportHost(
        proxy.callouts,
        proxy.calloutResponse.headers,
        proxy.calloutResponse.body,
        properties,
        random,
        log,
        clock,
        VERSION,
      ),
    );
    turns.add(new HeldTimeouts(held, enforcement, clock, streams));
    const edits = new ResponseEdits(response.bodyWriter, response.headerMap, new Rejections(clock));
    const gate = new Gate(
      stages,
      new StageHost(clock, log, properties, filterState, request.body, enforcement, shownLogs),
      enforcement,
      held,
      budget,
      edits,
    );
    const configuration = new Configuration(host, log);
    const settling = new Settling(id, configuration, streams);
    const units = new CountingUnits(configuration, gate, host);
    const service = new Service(configuration, units, gate);
    this.host = host;
    this.build = new BuildGauge(host.metrics);
    this.log = log;
    this.timer = timer;
    this.streams = streams;
    this.configuration = configuration;
    this.settling = settling;
    this.service = service;
    this.units = units;
    this.gate = gate;
    this.turns = turns;
    this.requests = new RequestFlow(configuration, settling, service, units, gate, host, request, holding);
    this.responses = new ResponseFlow(gate, edits, properties, clock, response);
  }

  /** Always accepts: a worker whose plugin rejects its configuration lets traffic pass unseen, or answers it with
   *  500. */
  onConfigure(size: usize): bool {
    shareHashKey(this.host.sharedData, this.host.random);
    const slice = new BufferSlice();
    const isThere = size > 0 && slice.read(BufferType.PluginConfiguration, 0, size);
    this.configuration.read(slice.at, isThere ? slice.length : 0);
    this.settling.begin();
    this.declare(this.configuration.current);
    this.timer.start(TICK_MILLISECONDS);
    return true;
  }

  onTick(): void {
    if (this.isFinishing) return this.finish();
    if (!this.timer.tick()) return;
    this.build.recordLive();
    const configuration = this.configuration;
    this.settling.settle(this.id);
    configuration.tick();
    if (this.requests.hadStreams) configuration.reassert();
    this.requests.hadStreams = false;
    const config = this.service.follow();
    if (config) this.units.openKnown(config);
    this.declare(config);
    this.units.tick();
    this.turns.onTick(this.host.clock.milliseconds);
    const leaderships = configuration.leaderships;
    this.gate.sweep(leaderships.newerStage("server"), leaderships.newerStage("client"));
    this.reportMemory();
  }

  onQueueReady(): void {
    if (!this.isFinishing) this.turns.onTurn();
  }

  onCalloutResponse(token: u32, headers: u32, size: usize): void {
    this.units.receive(token, headers, size);
    if (this.isFinishing) this.finish();
  }

  onClose(): void {
    this.settling.settle(this.id);
    this.configuration.leaderships.close();
    this.units.close();
    this.build.recordEnd();
    this.isFinishing = this.units.isSending;
  }

  /** Waits, in a closed instance, for the collector's response to the last spans. */
  private finish(): void {
    this.units.sendSpans();
    if (this.units.isSending) return;
    forgetRoot(this);
    this.streams.endInstance();
  }

  onRequestHeaders(stream: u32, endOfStream: bool): Action {
    const action = this.requests.begin(stream, endOfStream);
    this.newHandle = this.requests.begun;
    return action;
  }

  onRequestBody(stream: usize, size: usize, endOfStream: bool): Action {
    return this.requests.bodyOf(changetype<Exchange>(stream), size, endOfStream);
  }

  onRequestTrailers(stream: usize): Action {
    return this.requests.end(changetype<Exchange>(stream));
  }

  onResponseHeaders(stream: usize, endOfStream: bool): Action {
    return this.responses.begin(changetype<Exchange>(stream), endOfStream);
  }

  onResponseBody(stream: usize, size: usize, endOfStream: bool): Action {
    this.responses.bodyOf(changetype<Exchange>(stream), size, endOfStream);
    return Action.Continue;
  }

  onResponseTrailers(stream: usize): Action {
    this.responses.end(changetype<Exchange>(stream));
    return Action.Continue;
  }

  onEnd(stream: usize): void {
    const exchange = changetype<Exchange>(stream);
    this.requests.close(exchange);
    this.responses.close(exchange);
  }

  /** Declares to the proxy the filter state that a configuration with `limits` hands to other filters. */
  private declare(config: PluginConfig | null): void {
    if (this.isDeclared || !config || !config.limits) return;
    this.isDeclared = true;
    declareHandOn(this.host.filterState);
  }

  /** Logs the size of the VM's memory after it has grown. */
  private reportMemory(): void {
    const pages = memory.size();
    if (pages == this.pages) return;
    this.pages = pages;
    this.log.write(Level.Info, "memory: " + pages.toString() + " pages of 64 KiB");
  }
}
