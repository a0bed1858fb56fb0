import { AccessCheck } from "../access/check";
import { AccessRefusal } from "../access/message/refusal";
import { Clock } from "../host/clock";
import { Random } from "../host/random";
import { SharedData } from "../host/shared_data";
import { StreamControl } from "../host/stream_control";
import { Exchange } from "../mcp/exchange/exchange";
import { guardOf } from "./guard";
import { HeldStreams } from "./held_streams";
import { NextTurn } from "./next_turn";
import { unitOf } from "./unit";

/** Streams that one callback answers at most. Envoy sends the answers of a callback nested, each inside the one before,
 *  and its stack overflows at some 300, which ends the VM. */
const ANSWERS_PER_TURN: i32 = 32;

/** Answers the held streams of a plugin instance whose bodies never came, some in each turn of the event loop. */
export class Watchdog {
  /** Null until the first time that a tick has more to answer than it may. */
  private nextTurn: NextTurn | null = null;

  /** @param rootId the plugin instance. */
  constructor(
    private held: HeldStreams,
    private rootId: u32,
    private clock: Clock,
    private data: SharedData,
    private random: Random,
    private streams: StreamControl,
  ) {}

  onTick(): void {
    if (!this.answerSome()) return;
    let nextTurn = this.nextTurn;
    if (!nextTurn) {
      nextTurn = new NextTurn(this.data, this.random);
      this.nextTurn = nextTurn;
    }
    nextTurn.askOnTick(this.milliseconds());
  }

  onNextTurn(): void {
    const nextTurn = this.nextTurn;
    if (!nextTurn) return;
    nextTurn.begin();
    if (this.answerSome()) nextTurn.askAgain();
  }

  /** Answers some of the streams that have waited for too long. True where there are more. */
  private answerSome(): bool {
    const now = this.milliseconds();
    let check = this.held.overdue(now);
    for (let i = 0; i < ANSWERS_PER_TURN && check; i++) {
      this.held.remove(check);
      const exchange = changetype<Exchange>(check.exchange);
      // Of a stream that is gone, host calls would be about another one.
      if (this.streams.makeCurrent(check.stream))
        guardOf(check).refuse(check, exchange, AccessRefusal.NoBody, unitOf(exchange));
      check = this.held.overdue(now);
    }
    this.streams.makeCurrent(this.rootId);
    return check != null;
  }

  private milliseconds(): u64 {
    return this.clock.now() / 1_000_000;
  }
}
