/**
 * A plugin that executes the `x-script` header of each request, so that tests can use the facilities of the binding one by
 * one, in the TypeScript host and in Envoy. A script is a list of steps, separated by `;`, each of a callback, a command and
 * its arguments, separated by spaces: `request-headers replace x-a 1; request-body append-body !`. Results are logged. The
 * body callbacks are `request-end` and `response-end` for the last one, `request-more` and `response-more` for the others,
 * and `request-body` and `response-body` for all.
 */
import { Level } from "../../../../assembly/host/log";
import { HeaderBlock } from "../../../../assembly/host/header_block";
import { TimerTask } from "../../../../assembly/host/timer";
import { HostBodyWriter } from "../../../../assembly/proxy-wasm/body_writer";
import { HostCallouts } from "../../../../assembly/proxy-wasm/callouts";
import { BufferSlice } from "../../../../assembly/proxy-wasm/module/buffers";
import { HostClock } from "../../../../assembly/proxy-wasm/clock";
import { HostHeaderMap } from "../../../../assembly/proxy-wasm/header_map";
import { HostLog } from "../../../../assembly/proxy-wasm/log";
import { Action, BufferType, HeaderMapType } from "../../../../assembly/proxy-wasm/module/abi";
import { RootContext, setRootFactory } from "../../../../assembly/proxy-wasm/module/contexts";
import { HostProperties } from "../../../../assembly/proxy-wasm/properties";
import { HostSharedQueue } from "../../../../assembly/proxy-wasm/queues";
import { HostStreamControl } from "../../../../assembly/proxy-wasm/stream_control";
import { HostTimer } from "../../../../assembly/proxy-wasm/timer";

export {
  proxy_abi_version_0_2_1,
  proxy_on_configure,
  proxy_on_context_create,
  proxy_on_done,
  proxy_on_http_call_response,
  proxy_on_log,
  proxy_on_memory_allocate,
  proxy_on_queue_ready,
  proxy_on_request_body,
  proxy_on_request_headers,
  proxy_on_response_body,
  proxy_on_response_headers,
  proxy_on_tick,
} from "../../../../assembly/proxy-wasm/module/exports";

const HOUSEKEEPING_MS: u32 = 1000;
const CALLOUT_TIMEOUT_MS: u32 = 500;

const log = new HostLog();
const clock = new HostClock();
const control = new HostStreamControl();
const callouts = new HostCallouts();
const requestHeaders = new HostHeaderMap(HeaderMapType.RequestHeaders);
const responseHeaders = new HostHeaderMap(HeaderMapType.ResponseHeaders);
const calloutHeaders = new HostHeaderMap(HeaderMapType.CalloutResponseHeaders);
const requestBody = new HostBodyWriter(BufferType.RequestBody);
const responseBody = new HostBodyWriter(BufferType.ResponseBody);
const slice = new BufferSlice();

/** A stream with its script. */
class Stream {
  /** The callout for whose response the request waits; 0 for none. */
  callout: u32 = 0;
  hasEnded: bool = false;

  constructor(
    readonly id: u32,
    readonly steps: string[][],
  ) {}
}

/** A named task that logs each run. */
class LoggedTask extends TimerTask {
  constructor(readonly name: string) {
    super();
  }

  run(): void {
    write("task " + this.name);
  }
}

/** Continues a stream that its script has paused. */
class Continuation extends TimerTask {
  constructor(
    private stream: Stream,
    private rootId: u32,
    private isRequest: bool,
  ) {
    super();
  }

  run(): void {
    const isCurrent = control.makeCurrent(this.stream.id);
    const isContinued = isCurrent && (this.isRequest ? control.continueRequest() : control.continueResponse());
    write("continued " + isContinued.toString());
    control.makeCurrent(this.rootId);
  }
}

class Facilities extends RootContext {
  private timer: HostTimer = new HostTimer(clock);
  private queue: HostSharedQueue = new HostSharedQueue(new HostProperties());
  private streams: Stream[] = [];
  private tasks: Map<string, LoggedTask> = new Map();

  onConfigure(_size: usize): bool {
    log.level = Level.Info;
    write("register " + this.queue.register("facilities").toString());
    this.timer.start(HOUSEKEEPING_MS);
    return true;
  }

  onTick(): void {
    if (this.timer.tick()) write("housekeeping");
  }

  onQueueReady(): void {
    while (this.queue.next()) {}
    write("ready");
  }

  onCalloutResponse(token: u32, headers: u32, size: usize): void {
    const status = calloutHeaders.find(":status") ? text(calloutHeaders.at, calloutHeaders.length) : "";
    const body = size > 0 && slice.read(BufferType.CalloutResponseBody, 0, size) ? text(slice.at, slice.length) : "";
    write("response " + status + (headers > 0 ? " " : " without headers ") + body);
    for (let i = 0; i < this.streams.length; i++) {
      const stream = this.streams[i];
      if (stream.callout != token) continue;
      stream.callout = 0;
      if (control.makeCurrent(stream.id)) control.continueRequest();
      control.makeCurrent(this.id);
    }
  }

  onClose(): void {}

  onRequestHeaders(id: u32, _endOfStream: bool): Action {
    this.newHandle = 0;
    if (!requestHeaders.find("x-script")) return Action.Continue;
    const steps = text(requestHeaders.at, requestHeaders.length)
      .split(";")
      .map<string[]>((step) => step.trim().split(" "));
    const stream = new Stream(id, steps);
    this.streams.push(stream);
    this.newHandle = changetype<usize>(stream);
    return this.follow(stream, "request-headers", requestHeaders, requestBody);
  }

  onRequestBody(handle: usize, size: usize, endOfStream: bool): Action {
    write("request-body " + size.toString() + (endOfStream ? " end" : ""));
    const stream = changetype<Stream>(handle);
    if (endOfStream) this.follow(stream, "request-end", requestHeaders, requestBody);
    else if (this.follow(stream, "request-more", requestHeaders, requestBody) == Action.Pause) return Action.Pause;
    return this.follow(stream, "request-body", requestHeaders, requestBody);
  }

  onRequestTrailers(_handle: usize): Action {
    return Action.Continue;
  }

  onResponseHeaders(handle: usize, _endOfStream: bool): Action {
    return this.follow(changetype<Stream>(handle), "response-headers", responseHeaders, responseBody);
  }

  onResponseBody(handle: usize, size: usize, endOfStream: bool): Action {
    write("response-body " + size.toString() + (endOfStream ? " end" : ""));
    const stream = changetype<Stream>(handle);
    if (endOfStream) this.follow(stream, "response-end", responseHeaders, responseBody);
    else if (this.follow(stream, "response-more", responseHeaders, responseBody) == Action.Pause) return Action.Pause;
    return this.follow(stream, "response-body", responseHeaders, responseBody);
  }

  onResponseTrailers(_handle: usize): Action {
    return Action.Continue;
  }

  onEnd(handle: usize): void {
    const stream = changetype<Stream>(handle);
    stream.hasEnded = true;
    this.streams.splice(this.streams.indexOf(stream), 1);
  }

  /** Executes the steps of a callback, in order. Returns the result of the callback. */
  private follow(stream: Stream, callback: string, headers: HostHeaderMap, body: HostBodyWriter): Action {
    let action = Action.Continue;
    for (let i = 0; i < stream.steps.length; i++) {
      const step = stream.steps[i];
      if (step[0] != callback) continue;
      const command = step[1];
      if (command == "pause") {
        action = Action.Pause;
        continue;
      }
      const result = this.perform(stream, step, headers, body);
      write(step.slice(0, 3).join(" ") + ": " + result);
    }
    return action;
  }

  private perform(stream: Stream, step: string[], headers: HostHeaderMap, body: HostBodyWriter): string {
    const command = step[1];
    const argument = step.length > 2 ? step[2] : "";
    const bytes = String.UTF8.encode(step.length > 3 ? step[3] : "");
    const at = changetype<usize>(bytes);
    const size = bytes.byteLength;
    const own = String.UTF8.encode(argument);
    const isRequest = body == requestBody;
    if (command == "find") return headers.find(argument) ? text(headers.at, headers.length) : "none";
    if (command == "replace") return headers.replace(argument, at, size).toString();
    if (command == "add") return headers.add(argument, at, size).toString();
    if (command == "remove") return headers.remove(argument).toString();
    if (command == "replace-body") return body.replace(U32.parseInt(argument), at, size).toString();
    if (command == "prepend-body") return body.prepend(changetype<usize>(own), own.byteLength).toString();
    if (command == "append-body") return body.append(changetype<usize>(own), own.byteLength).toString();
    if (command == "call") return this.call(stream, argument);
    if (command == "wake") return this.queue.wake().toString();
    if (command == "continue-after") {
      this.timer.after(new Continuation(stream, this.id, isRequest), U32.parseInt(argument));
      return "asked";
    }
    if (!this.tasks.has(argument)) this.tasks.set(argument, new LoggedTask(argument));
    const task = this.tasks.get(argument);
    if (command == "after") this.timer.after(task, U32.parseInt(step[3]));
    else if (command == "every") this.timer.every(task, U32.parseInt(step[3]));
    else if (command == "cancel") this.timer.cancel(task);
    else return "unknown";
    return "asked";
  }

  private call(stream: Stream, cluster: string): string {
    const headers = new HeaderBlock([":method", "POST", ":path", "/callout", ":authority", "callout"]);
    const body = String.UTF8.encode("ping");
    if (!callouts.send(cluster, headers, changetype<usize>(body), body.byteLength, CALLOUT_TIMEOUT_MS)) return "false";
    stream.callout = callouts.token;
    return "true";
  }
}

function write(line: string): void {
  log.write(Level.Info, line);
}

function text(at: usize, length: usize): string {
  return String.UTF8.decodeUnsafe(at, length);
}

setRootFactory((id) => new Facilities(id));
