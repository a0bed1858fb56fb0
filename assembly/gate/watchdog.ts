import { Clock } from "../host/clock";
import { StreamControl } from "../host/stream_control";
import { Enforcement } from "./enforcement";
import { HeldStreams } from "./held_streams";
import { NextTurn } from "./next_turn";
import { Stage } from "./stage/stage";
import { GateRequest, StageState } from "./stage/request";
import { NANOSECONDS_PER_MILLISECOND } from "../memory/elapsed";

/** Requests that one callback answers at most. Envoy sends the answers of a callback nested, each inside the one before,
 *  and its stack overflows at some 300, which ends the VM. */
const ANSWERS_PER_TURN: i32 = 32;

/** Answers the held requests of a plugin instance whose bodies never came, some in each turn of the event loop. */
export class Watchdog {
  /** @param rootId the plugin instance. */
  constructor(
    private rootId: u32,
    private held: HeldStreams,
    private enforcement: Enforcement,
    private nextTurn: NextTurn,
    private clock: Clock,
    private streams: StreamControl,
  ) {}

  onTick(): void {
    if (this.answerSome()) this.nextTurn.askOnTick(this.milliseconds());
  }

  onNextTurn(): void {
    if (!this.nextTurn.begin()) return;
    if (this.answerSome()) this.nextTurn.askAgain();
  }

  /** Answers some of the requests that have waited for too long. True where there are more. */
  private answerSome(): bool {
    const now = this.milliseconds();
    let request = this.held.overdue(now);
    for (let i = 0; i < ANSWERS_PER_TURN && request; i++) {
      this.held.remove(request);
      // Of a stream that is gone, host calls would be about another one.
      if (this.streams.makeCurrent(request.stream)) this.expire(request);
      request = this.held.overdue(now);
    }
    this.streams.makeCurrent(this.rootId);
    return request != null;
  }

  /** Lets the first stage that holds the request answer it. */
  private expire(request: GateRequest): void {
    let state = changetype<StageState>(request.first);
    while (!state.holds) state = changetype<StageState>(state.next);
    this.enforcement.lets(request, changetype<Stage>(state.stage).expire(state, request));
  }

  private milliseconds(): u64 {
    return this.clock.now() / NANOSECONDS_PER_MILLISECOND;
  }
}
