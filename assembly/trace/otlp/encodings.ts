import { TraceEncoding } from "../../config/trace_config";
import { Envelope } from "./envelope";
import { JsonEnvelope } from "./json_envelope";
import { JsonSpanWriter } from "./json_span_writer";
import { ProtobufEnvelope } from "./protobuf_envelope";
import { ProtobufSpanWriter } from "./protobuf_span_writer";
import { Resource } from "./resource";
import { SpanWriter } from "./span_writer";

let protobuf: ProtobufSpanWriter | null = null;
let json: JsonSpanWriter | null = null;

/** The writer for this encoding, which the whole VM shares, because spans are written one at a time. */
export function spanWriterOf(encoding: TraceEncoding): SpanWriter {
  if (encoding == TraceEncoding.Json) {
    if (!json) json = new JsonSpanWriter();
    return json!;
  }
  if (!protobuf) protobuf = new ProtobufSpanWriter();
  return protobuf!;
}

/** The envelope for spans with this encoding and resource. */
export function envelopeOf(encoding: TraceEncoding, resource: Resource): Envelope {
  return encoding == TraceEncoding.Json ? new JsonEnvelope(resource) : new ProtobufEnvelope(resource);
}
