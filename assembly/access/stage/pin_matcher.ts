import { ListElement } from "../../edit/response/list_element";
import { ListKind, Parts, listPart } from "../../edit/response/list_kind";
import { GateRequest } from "../../gate/stage/request";
import { CanonicalJson } from "../../json/canonical/canonical_json";
import { Token } from "../../json/token";
import { Method } from "../../mcp/protocol/methods";
import { WithheldReason } from "../../mcp/protocol/withheld_reason";
import { keyedHash } from "../../memory/keyed_hash";
import { SHA256_SIZE, Sha256 } from "../../memory/sha256";
import { RequestState } from "../../rules/request_state";
import { RuleInput } from "../../rules/message/rule_input";
import { MemberSlot } from "../../rules/message/deciding_keys";
import { NO_PINS, Pins, ServerPins, definitionHash } from "../policy/pins";
import { Policy } from "../policy/policy";

/** How a tool's definition compares with its pin. */
export enum PinState {
  /** The definition is the pinned one or has not been seen yet, or nothing is pinned. */
  Pinned,
  /** The tool has no pin, or its definition cannot have one, because it is too large or has no canonical form. */
  Unpinned,
  Changed,
}

/** The members of a definition that its pin covers. */
const FIELDS: string[] = ["name", "title", "description", "inputSchema", "outputSchema", "annotations"];
/** Hash value for a definition that cannot have a pin. */
const UNREADABLE: u64 = 1;

const DIGEST: usize = memory.data(SHA256_SIZE);
const sha256 = Sha256.create();
/** Created for the first definition, because it takes some hundred KiB. */
let canonical: CanonicalJson | null = null;

/** Compares the definitions of tools with their pins. */
export class PinMatcher {
  /** The last result of {@link stateOf}. */
  pinState: PinState = PinState.Pinned;
  private pins: Pins;

  /** @param isNewer as for `DecisionReporter`: the instance's own policy counts mismatches */
  constructor(
    private policy: Policy,
    private isNewer: bool,
  ) {
    this.pins = policy.pins;
  }

  /** Whether there are pins. */
  get isAnything(): bool {
    return !this.pins.isEmpty;
  }

  /** Determines which pins cover a request, once its server is known. */
  begin(state: RequestState, input: RuleInput): void {
    state.pins = <u8>this.pins.numberOf(input);
  }

  /** Whether the pins of the request's server are enforced. */
  isEnforced(state: RequestState): bool {
    return state.pins != NO_PINS && this.pins.at(state.pins).isEnforced;
  }

  /** The parts of the response that pins may cover. */
  parts(state: RequestState): Parts {
    return state.pins != NO_PINS ? listPart(ListKind.Tools) : 0;
  }

  /** The state of the last seen definition of the tool that a message calls. */
  stateOf(state: RequestState, request: GateRequest, input: RuleInput): PinState {
    this.pinState = PinState.Pinned;
    if (state.pins == NO_PINS || input.isAnswer || !input.isMethod("tools/call")) return this.pinState;
    const reader = input.reader;
    this.pinState = PinState.Unpinned;
    if (reader.token(MemberSlot.Name) != Token.String || reader.isCut(MemberSlot.Name)) return this.pinState;
    const tool = keyedHash(reader.textAt(MemberSlot.Name), reader.textLength(MemberSlot.Name));
    const pins = this.pins.at(state.pins);
    const number = pins.numberOf(tool);
    if (!number) return this.pinState;
    const pinned = pins.hashOf(number);
    const services = request.services;
    const seen = services.definitions.of(services.participants.serverOf(request.exchange.stream), tool);
    this.pinState = !seen || seen == pinned ? PinState.Pinned : PinState.Changed;
    return this.pinState;
  }

  /** Handles a list element that passes: keeps the definition of its tool, and counts a mismatch with the pin.
   *  Returns true if it must be withheld. `isWithheld`: it is withheld for another reason, which has been counted. */
  withholds(state: RequestState, request: GateRequest, element: ListElement, isWithheld: bool): bool {
    if (state.pins == NO_PINS || element.kind != ListKind.Tools) return false;
    const isShadow = !this.policy.isEnforced || !this.isEnforced(state);
    let reason = WithheldReason.Unclear;
    if (element.isClear) {
      const pinState = this.see(state, request, element);
      if (pinState == PinState.Pinned) return false;
      reason = pinState == PinState.Changed ? WithheldReason.Changed : WithheldReason.Unpinned;
    }
    const events = request.services.events;
    const stream = request.exchange.stream;
    const length = element.isClear ? element.nameLength : 0;
    if (element.isClear && !this.isNewer) events.pinMismatched(stream, element.name, length, reason, isShadow);
    if (!isWithheld) events.withheld(stream, Method.ToolsList, reason, isShadow);
    return !isShadow;
  }

  /** Keeps the definition of a tool that has a pin, and compares the two. */
  private see(state: RequestState, request: GateRequest, element: ListElement): PinState {
    if (element.isCut) return PinState.Unpinned;
    const tool = keyedHash(element.name, element.nameLength);
    const pins = this.pins.at(state.pins);
    const number = pins.numberOf(tool);
    if (!number) return PinState.Unpinned;
    const pinned = pins.hashOf(number);
    const hash = element.at ? latestHash(pins, number, element) : UNREADABLE;
    const services = request.services;
    services.definitions.keep(services.participants.serverOf(request.exchange.stream), tool, hash);
    if (hash == pinned) return PinState.Pinned;
    return hash == UNREADABLE ? PinState.Unpinned : PinState.Changed;
  }
}

/** The name in logs. */
export function pinStateName(state: PinState): string {
  return state == PinState.Changed ? "changed" : "unpinned";
}

/** The {@link hashOf} an element, cached: most definitions are byte-identical to the tool's previous one. */
function latestHash(pins: ServerPins, number: i32, element: ListElement): u64 {
  const bytes = keyedHash(element.at, element.length);
  const known = pins.recall(number, bytes);
  if (known) return known;
  const hash = hashOf(element);
  pins.remember(number, bytes, hash);
  return hash;
}

/** The {@link definitionHash} of an element; {@link UNREADABLE} if it has no canonical form. */
function hashOf(element: ListElement): u64 {
  let json = canonical;
  if (!json) {
    json = new CanonicalJson(FIELDS);
    canonical = json;
  }
  if (!json.read(element.at, element.length)) return UNREADABLE;
  sha256.reset();
  while (json.next()) sha256.feed(json.at, json.length);
  if (!json.isSound) return UNREADABLE;
  sha256.finish(DIGEST);
  return definitionHash(DIGEST);
}
