/** The filter for plain hosts, which keeps smaller bodies than its configuration allows. */
import { KeptBody, KeptBodyWriter } from "../../../../assembly/filter/holding/kept_body";
import { OwnHolding } from "../../../../assembly/filter/holding/own_holding";
import { Plugin } from "../../../../assembly/filter/plugin";
import { Stages } from "../../../../assembly/gate/stages";
import { lite } from "../../../../assembly/lite_host";
import { HostBody } from "../../../../assembly/proxy-wasm/body";
import { HostBodyWriter } from "../../../../assembly/proxy-wasm/body_writer";
import { BufferType } from "../../../../assembly/proxy-wasm/module/abi";
import { setRootFactory } from "../../../../assembly/proxy-wasm/module/contexts";
import { MessageLogs } from "../../../../assembly/trace/message_logs";

export * from "../../../../assembly/lite";

/** The size of the largest body that is kept, in bytes. */
const MOST: usize = 1000;

setRootFactory((id) => {
  const part = new HostBody(BufferType.RequestBody);
  const body = new KeptBody(part);
  const proxy = lite(body, new KeptBodyWriter(body));
  const holding = new OwnHolding(part, new HostBodyWriter(BufferType.RequestBody), body, MOST);
  return new Plugin(id, new Stages(), proxy, new MessageLogs(proxy.log, proxy.clock), holding);
});
