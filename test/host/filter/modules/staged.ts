/** The filter with a second stage behind the access policy, which a test controls by the query of its requests. */
import { Policy } from "../../../../assembly/access/policy/policy";
import { PluginConfig } from "../../../../assembly/config/plugin_config";
import { Plugin } from "../../../../assembly/filter/plugin";
import { GateRequest, StageState } from "../../../../assembly/gate/stage/request";
import { Stage } from "../../../../assembly/gate/stage/stage";
import { StageHost } from "../../../../assembly/gate/stage/stage_host";
import { HOLD, PASS, Verdict } from "../../../../assembly/gate/stage/verdict";
import { Stages } from "../../../../assembly/gate/stages";
import { HeaderBlock } from "../../../../assembly/host/header_block";
import { Level } from "../../../../assembly/host/log";
import { HttpMethod } from "../../../../assembly/http/http_method";
import { NamedPaths } from "../../../../assembly/http/named_paths";
import { RequestHead } from "../../../../assembly/mcp/headers/request_head";
import { Bytes, indexOfIgnoringCase } from "../../../../assembly/memory/bytes";
import { Pool } from "../../../../assembly/memory/pool";
import { setRootFactory } from "../../../../assembly/proxy-wasm/module/contexts";

export * from "../../../../assembly/index";

/** A held body of more bytes is answered while it grows. */
const LARGEST: usize = 2000;
const BODY = Bytes.of('{"by":"stage"}');

@unmanaged
class Counted extends StageState {
  bytes: usize;
}

const pool = new Pool(offsetof<Counted>());

/** Is concerned with every POST whose query holds `stage=`: `answer` answers it by its head, `hold` holds it, and then
 *  answers it if it is too long or its body holds `teapot`; else it reads the body while it passes. Logs what it is asked. */
class QueryStage extends Stage {
  private headers: HeaderBlock = new HeaderBlock(["content-type", "application/json"]);

  constructor(private host: StageHost) {
    super();
  }

  concerns(head: RequestHead, endOfStream: bool): bool {
    return head.method == HttpMethod.Post && says(head, "stage=");
  }

  open(): StageState {
    return changetype<Counted>(pool.take());
  }

  begin(state: StageState, request: GateRequest, head: RequestHead): Verdict {
    this.log("begin");
    if (says(head, "stage=answer")) return this.answer(429, "stage_answers");
    if (says(head, "stage=hold")) return HOLD;
    state.reads = true;
    return PASS;
  }

  grow(state: StageState, request: GateRequest): Verdict {
    this.log("grow " + request.size.toString());
    return request.size > LARGEST ? this.answer(413, "stage_too_large") : HOLD;
  }

  conclude(state: StageState, request: GateRequest): Verdict {
    this.log("conclude " + request.size.toString());
    const body = this.host.body;
    let isTeapot = false;
    body.begin(request.size);
    while (body.next()) isTeapot = isTeapot || indexOfIgnoringCase(body.at, body.length, "teapot") >= 0;
    return isTeapot ? this.answer(418, "stage_teapot") : PASS;
  }

  bytes(state: StageState, request: GateRequest, at: usize, length: usize): void {
    changetype<Counted>(state).bytes += length;
  }

  end(state: StageState, request: GateRequest): void {
    this.log("passed " + changetype<Counted>(state).bytes.toString());
  }

  expire(state: StageState, request: GateRequest): Verdict {
    this.log("expire");
    return this.answer(504, "stage_no_body");
  }

  close(state: StageState): void {
    this.log("close");
    pool.release(changetype<usize>(state));
  }

  private answer(status: i32, details: string): Verdict {
    return Verdict.answer(status, details, BODY.at, BODY.length, this.headers);
  }

  private log(event: string): void {
    this.host.log.write(Level.Warn, "stage: " + event);
  }
}

class TestStages extends Stages {
  ofOwn(config: PluginConfig, policy: Policy | null, paths: NamedPaths, host: StageHost): Stage[] {
    const stages = super.ofOwn(config, policy, paths, host);
    stages.push(new QueryStage(host));
    return stages;
  }
}

function says(head: RequestHead, text: string): bool {
  return indexOfIgnoringCase(head.path, head.targetLength, text) >= 0;
}

setRootFactory((id) => new Plugin(id, new TestStages()));
