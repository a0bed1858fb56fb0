import { RequestFields } from "../gate/stage/request_fields";
import { FilterState } from "../host/filter_state";
import { SessionKey } from "../identity/keys";
import { Stream } from "../mcp/state/stream";

/** Writes what stages know about requests to the filter state of the current stream, for its access log. */
export class FilterStateFields extends RequestFields {
  constructor(private state: FilterState) {
    super();
  }

  principal(_stream: Stream, at: usize, length: i32): void {
    this.state.set("mcp.principal", at, length);
  }

  rule(_stream: Stream, name: string): void {
    this.state.setText("mcp.rule", name);
  }

  deniedSession(_stream: Stream, session: SessionKey): void {
    if (session) this.state.setHash("mcp.session", session);
  }

  refused(_stream: Stream): void {}
}
