import { Bytes } from "../../memory/bytes";
import { cleanAt, cleanLength, cleanText } from "./clean_text";
import { Envelope, RESOURCE_TEXT_LIMIT } from "./envelope";
import { fieldSize, putBytes, putField } from "./protobuf";
import { Resource } from "./resource";

/**
 * Tags (opentelemetry-proto: trace_service.proto, trace.proto, resource.proto, common.proto). All have the wire type of
 * bytes.
 */
const REQUEST_RESOURCE_SPANS: u8 = (1 << 3) | 2;
const RESOURCE_SPANS_RESOURCE: u8 = (1 << 3) | 2;
const RESOURCE_SPANS_SCOPE_SPANS: u8 = (2 << 3) | 2;
const RESOURCE_ATTRIBUTES: u8 = (1 << 3) | 2;
const SCOPE_SPANS_SCOPE: u8 = (1 << 3) | 2;
const SCOPE_NAME: u8 = (1 << 3) | 2;
const SCOPE_VERSION: u8 = (2 << 3) | 2;
const KEY_VALUE_KEY: u8 = (1 << 3) | 2;
const KEY_VALUE_VALUE: u8 = (2 << 3) | 2;
const VALUE_STRING: u8 = (1 << 3) | 2;

/** The envelope in the protobuf encoding. It has no tail, and its head contains the lengths of everything after it. */
export class ProtobufEnvelope extends Envelope {
  /** The whole field `resource` of `ResourceSpans`, and the whole field `scope` of `ScopeSpans`. */
  private resource: Bytes;
  private scope: Bytes;
  private scopeSpansLength: i32 = 0;
  private resourceSpansLength: i32 = 0;

  constructor(resource: Resource) {
    super();
    this.resource = resourceField(resource);
    this.scope = scopeField(resource);
  }

  get contentType(): string {
    return "application/x-protobuf";
  }

  get separatorLength(): i32 {
    return 0;
  }

  prepare(length: i32): i32 {
    this.scopeSpansLength = this.scope.length + length;
    this.resourceSpansLength = this.resource.length + fieldSize(this.scopeSpansLength);
    return fieldSize(this.resourceSpansLength) - length;
  }

  writeHead(at: usize): void {
    at = putField(at, REQUEST_RESOURCE_SPANS, this.resourceSpansLength);
    at = putBytes(at, this.resource.at, this.resource.length);
    at = putField(at, RESOURCE_SPANS_SCOPE_SPANS, this.scopeSpansLength);
    putBytes(at, this.scope.at, this.scope.length);
  }

  get tailLength(): i32 {
    return 0;
  }

  writeTail(_at: usize): void {}
}

function resourceField(resource: Resource): Bytes {
  let attributes = Bytes.ofSize(0);
  for (let i = 0; i < resource.names.length; i++) {
    attributes = joined(attributes, attributeField(resource.names[i], resource.values[i]));
  }
  return field(RESOURCE_SPANS_RESOURCE, attributes);
}

function scopeField(resource: Resource): Bytes {
  const name = textField(SCOPE_NAME, Bytes.of(resource.scope));
  const version = textField(SCOPE_VERSION, Bytes.of(resource.version));
  return field(SCOPE_SPANS_SCOPE, joined(name, version));
}

/** An attribute as a field of the resource. */
function attributeField(name: Bytes, value: Bytes): Bytes {
  const any = textField(VALUE_STRING, value);
  return field(RESOURCE_ATTRIBUTES, joined(textField(KEY_VALUE_KEY, name), field(KEY_VALUE_VALUE, any)));
}

function textField(tag: u8, text: Bytes): Bytes {
  cleanText(text.at, text.length, RESOURCE_TEXT_LIMIT);
  return field(tag, Bytes.copy(cleanAt, cleanLength));
}

function field(tag: u8, value: Bytes): Bytes {
  const bytes = Bytes.ofSize(fieldSize(value.length));
  putBytes(putField(bytes.at, tag, value.length), value.at, value.length);
  return bytes;
}

function joined(one: Bytes, other: Bytes): Bytes {
  const bytes = Bytes.ofSize(one.length + other.length);
  putBytes(putBytes(bytes.at, one.at, one.length), other.at, other.length);
  return bytes;
}
