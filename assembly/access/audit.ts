import { AccessConfig } from "../config/access/access_config";
import { Clock } from "../host/clock";
import { Level, Log } from "../host/log";
import { Token } from "../json/token";
import { JsonWriter } from "../json/writer";
import { methodOf } from "../mcp/methods";
import { shownLength } from "../mcp/shown_target";
import { Call, Target } from "./call";
import { AccessCheck } from "./check";
import { AccessRefusal, refusalName } from "./refusal";
import { DecidingKeys, Slot } from "./slots";
import { StrictReader } from "./strict_reader";

const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

/** Writes a line of JSON to the proxy's log for each denial: so many a second, and how many were left out. Never
 *  arguments, unless the operator asked for those that rules name. */
export class Audit {
  private writer: JsonWriter = new JsonWriter();
  private second: u64 = 0;
  private written: i32 = 0;
  private dropped: u32 = 0;

  constructor(
    private config: AccessConfig,
    private keys: DecidingKeys,
    private log: Log,
    private clock: Clock,
  ) {}

  /** The message in hand is denied. */
  denied(check: AccessCheck, call: Call, rule: string, isShadow: bool): void {
    if (!this.begin(check, rule, isShadow)) return;
    const writer = this.writer;
    this.member("method", call.method, call.methodLength);
    if (call.target != Target.None && call.target != Target.Unclear) {
      const slot = call.targetSlot;
      const reader = call.reader;
      const method = methodOf(call.method, call.methodLength);
      const at = reader.textAt(slot);
      if (reader.token(slot) == Token.String) {
        this.member("target", at, shownLength(method, at, reader.textLength(slot)));
      }
    }
    if (this.config.auditArguments) this.appendArguments(call.reader);
    this.member("server", call.server, call.serverLength);
    writer.raw("}");
    this.end();
  }

  /** A request is refused whose messages were not decided. */
  refused(check: AccessCheck, rule: string, refusal: AccessRefusal, isShadow: bool): void {
    if (!this.begin(check, rule, isShadow)) return;
    this.writer.raw(',"reason":"' + refusalName(refusal) + '"}');
    this.end();
  }

  private begin(check: AccessCheck, rule: string, isShadow: bool): bool {
    const second = this.clock.now() / NANOSECONDS_PER_SECOND;
    if (second != this.second) {
      this.second = second;
      this.written = 0;
    }
    if (this.written == this.config.auditPerSecond) {
      this.dropped++;
      return false;
    }
    this.written++;
    const writer = this.writer;
    writer.clear();
    writer.raw('{"event":"mcp_access_denied","mode":"' + (isShadow ? "shadow" : "enforce") + '","rule":"' + rule + '"');
    this.member("principal", check.principal, check.principalLength);
    if (this.dropped) writer.raw(',"dropped":' + this.dropped.toString());
    this.dropped = 0;
    return true;
  }

  private member(name: string, at: usize, length: i32): void {
    if (length == 0) return;
    this.writer.raw(',"' + name + '":');
    this.writer.text(at, length);
  }

  private appendArguments(reader: StrictReader): void {
    const writer = this.writer;
    writer.raw(',"arguments":{');
    let count = 0;
    for (let slot: i32 = Slot.FirstArgument; slot < this.keys.end; slot++) {
      const token = reader.token(slot);
      if (token != Token.String && token != Token.Number) continue;
      if (count++) writer.raw(",");
      const path = String.UTF8.encode(this.keys.argumentPath(slot));
      writer.text(changetype<usize>(path), path.byteLength);
      writer.raw(":");
      writer.text(reader.textAt(slot), reader.textLength(slot));
    }
    writer.raw("}");
  }

  private end(): void {
    this.log.write(Level.Warn, String.UTF8.decodeUnsafe(this.writer.at, this.writer.length));
  }
}
