import { JsonWriter } from "../../json/writer";
import { Bytes } from "../../memory/bytes";
import { cleanAt, cleanLength, cleanText } from "./clean_text";
import { Envelope, RESOURCE_TEXT_LIMIT } from "./envelope";
import { Resource } from "./resource";

/** The envelope in the JSON encoding. The separator of the first span is its comma. */
export class JsonEnvelope extends Envelope {
  private head: Bytes;
  private tail: Bytes = Bytes.of("]}]}]}");

  constructor(resource: Resource) {
    super();
    const writer = new JsonWriter();
    writer.raw('{"resourceSpans":[{"resource":{"attributes":[');
    for (let i = 0; i < resource.names.length; i++) {
      writer.raw(i ? ',{"key":' : '{"key":');
      text(writer, resource.names[i]);
      writer.raw(',"value":{"stringValue":');
      text(writer, resource.values[i]);
      writer.raw("}}");
    }
    writer.raw(']},"scopeSpans":[{"scope":{"name":');
    text(writer, Bytes.of(resource.scope));
    writer.raw(',"version":');
    text(writer, Bytes.of(resource.version));
    writer.raw('},"spans":[');
    this.head = Bytes.copy(writer.at, writer.length);
  }

  get contentType(): string {
    return "application/json";
  }

  get separatorLength(): i32 {
    return 1;
  }

  prepare(_length: i32): i32 {
    return this.head.length;
  }

  writeHead(at: usize): void {
    memory.copy(at, this.head.at, this.head.length);
  }

  get tailLength(): i32 {
    return this.tail.length;
  }

  writeTail(at: usize): void {
    memory.copy(at, this.tail.at, this.tail.length);
  }
}

function text(writer: JsonWriter, bytes: Bytes): void {
  cleanText(bytes.at, bytes.length, RESOURCE_TEXT_LIMIT);
  writer.text(cleanAt, cleanLength);
}
