import { Clock } from "../host/clock";
import { StreamControl } from "../host/stream_control";
import { Enforcement } from "./enforcement";
import { HeldStreams } from "./held_streams";
import { stageOf } from "./stage/stage";
import { GateRequest, StageState } from "./stage/request";
import { TurnWork } from "./stage/turns";

/**
 * Answers the held requests of a plugin instance whose bodies never came, a limited number in each turn of the event
 * loop.
 */
export class HeldTimeouts extends TurnWork {
  constructor(
    private held: HeldStreams,
    private enforcement: Enforcement,
    private clock: Clock,
    private streams: StreamControl,
  ) {
    super();
  }

  woken(_worker: u64, _key: u64): void {}

  get hasWork(): bool {
    return this.held.overdue(this.clock.milliseconds) != null;
  }

  turn(most: i32): i32 {
    const now = this.clock.milliseconds;
    let done = 0;
    for (let request = this.held.overdue(now); done < most && request; request = this.held.overdue(now)) {
      this.held.remove(request);
      // If the stream no longer exists, host calls would refer to another one.
      if (this.streams.makeCurrent(request.stream)) this.expire(request);
      done++;
    }
    return done;
  }

  /** Answers the request by the first stage that holds it. */
  private expire(request: GateRequest): void {
    let state = changetype<StageState>(request.first);
    while (!state.holds) state = changetype<StageState>(state.next);
    this.enforcement.lets(request, stageOf(state).expire(state, request));
  }
}
