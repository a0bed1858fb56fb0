import { FilterState } from "../host/filter_state";
import { proxy_call_foreign_function, proxy_set_property } from "./module/abi";
import { DOT, NAME, writeName } from "./module/names";
import { clearResults, results } from "./module/results";

const DECLARE: ArrayBuffer = String.UTF8.encode("declare_property");
/** Fields of Envoy's DeclarePropertyArguments (source/extensions/common/wasm/ext/declare_property.proto) as protobuf tags:
 *  the field number and the wire type. */
const NAME_FIELD: u8 = (1 << 3) | 2;
const TYPE_FIELD: u8 = 3 << 3;
const SPAN_FIELD: u8 = 5 << 3;
const STRING_TYPE: u8 = 1;
const DOWNSTREAM_REQUEST_SPAN: u8 = 1;

/** The stream's filter state. Envoy stores each value as `wasm.` and the name. */
export class HostFilterState extends FilterState {
  set(name: string, value: usize, length: i32): void {
    writeName(name, DOT);
    proxy_set_property(NAME, name.length, value, length);
  }

  declareText(name: string): void {
    const nameLength = name.length;
    const at = changetype<usize>(new StaticArray<u8>(nameLength + 6));
    store<u8>(at, NAME_FIELD);
    store<u8>(at + 1, <u8>nameLength);
    String.UTF8.encodeUnsafe(changetype<usize>(name), nameLength, at + 2);
    const rest = at + 2 + nameLength;
    store<u8>(rest, TYPE_FIELD);
    store<u8>(rest + 1, STRING_TYPE);
    store<u8>(rest + 2, SPAN_FIELD);
    store<u8>(rest + 3, DOWNSTREAM_REQUEST_SPAN);
    clearResults();
    // A host without this function keeps the values as bytes.
    proxy_call_foreign_function(
      changetype<usize>(DECLARE),
      DECLARE.byteLength,
      at,
      nameLength + 6,
      results,
      results + sizeof<usize>(),
    );
  }
}
