import { KeyPart } from "../../config/limits/limits_config";
import { GateRequest } from "../../gate/stage/request";
import { Token } from "../../json/token";
import { Method } from "../../mcp/protocol/methods";
import { mix } from "../../memory/bytes";
import { keyedHash, keyedTextHash } from "../../memory/keyed_hash";
import { Call, Target } from "../../rules/message/call";
import { Slot } from "../../rules/message/slots";
import { MessageForm } from "../../rules/message/strict_reader";
import { clientNameLength, sessionOf } from "../../rules/message_session";
import { Ledger } from "../ledger/ledger";
import { LimitFacts } from "./limit_facts";
import { LimitRule } from "../rules/limit_rule";

/** Stands in a key for what cannot be determined, or what the request does not have: all these share an allowance. */
const NOTHING: u64 = 0;

/** Computes the keys of the current message: keyed hashes that distinguish those who have an allowance each. */
export class LimitKeys {
  /** The last key has a part that identifies the caller: nobody else uses its allowance. */
  isIdentifying: bool = false;
  /** The last key has a part that belongs to the caller, and that is known: such keys use up the caller's room. */
  isByCaller: bool = false;
  private ledger: Ledger | null = null;
  private method: Method = Method.None;

  /** A message follows, of this method. The request and its facts are those of the message. */
  begin(ledger: Ledger, method: Method): void {
    this.ledger = ledger;
    this.method = method;
  }

  /** The key of the message by a rule. */
  of(rule: LimitRule, request: GateRequest, facts: LimitFacts, call: Call): u64 {
    this.isIdentifying = false;
    this.isByCaller = false;
    let key: u64 = 1;
    let claims = 0;
    for (let i = 0; i < rule.key.length; i++) {
      const part = unchecked(rule.key[i]);
      const value = part == KeyPart.Claim ? this.claimOf(rule, claims++, facts) : this.part(part, request, facts, call);
      key = mix(key ^ mix(value ^ (<u64>part)));
    }
    if (this.isIdentifying) this.isByCaller = true;
    return key;
  }

  /** What a repetition of the message, a tool's call, has in common with it beside this key. */
  repeatOf(key: u64, call: Call): u64 {
    return mix(key ^ mix(call.reader.argumentsHash ^ mix(this.toolText(call))));
  }

  /** The keyed hash of the name of the tool that the message calls, whether there is such a tool or not; 0 for none. */
  namedTool(call: Call): u64 {
    return this.toolText(call);
  }

  private claimOf(rule: LimitRule, index: i32, facts: LimitFacts): u64 {
    const value = facts.claim(rule.firstClaim + index);
    // Callers may have it in common.
    if (value) this.isByCaller = true;
    return value;
  }

  private part(part: KeyPart, request: GateRequest, facts: LimitFacts, call: Call): u64 {
    switch (part) {
      case KeyPart.Principal:
        if (facts.principal) this.isIdentifying = true;
        return facts.principal;
      case KeyPart.Address:
        if (facts.address) this.isIdentifying = true;
        return facts.address;
      case KeyPart.Session: {
        const session = this.sessionOf(request, call);
        if (session) this.isIdentifying = true;
        return session;
      }
      case KeyPart.Client: {
        const client = this.clientOf(request, call);
        if (client) this.isByCaller = true;
        return client;
      }
      case KeyPart.Tool:
        return this.toolOf(request, call);
      case KeyPart.Server:
        return request.services.participants.serverOf(request.exchange.stream);
      default:
        return <u64>this.method;
    }
  }

  private sessionOf(request: GateRequest, call: Call): u64 {
    const hasMessage = changetype<usize>(call.reader) != 0;
    if (hasMessage) return sessionOf(request, call.reader);
    return request.services.sessions.keyOrNone(request.exchange.stream);
  }

  /** The client's software: as the message names it, or as its session did when it began. */
  private clientOf(request: GateRequest, call: Call): u64 {
    const reader = call.reader;
    if (!changetype<usize>(reader)) return NOTHING;
    const length = clientNameLength(reader);
    if (length) return keyedHash(reader.textAt(Slot.MetaClientName), length);
    if (this.method == Method.Initialize && reader.token(Slot.ClientInfoName) == Token.String) {
      return keyedHash(reader.textAt(Slot.ClientInfoName), reader.textLength(Slot.ClientInfoName));
    }
    const session = request.services.sessions.keyOrNone(request.exchange.stream);
    return this.ledger!.clientOf(session);
  }

  /** The tool that a call names, if the server is known to have it: callers cannot invent allowances. */
  private toolOf(request: GateRequest, call: Call): u64 {
    const tool = this.toolText(call);
    if (!tool) return NOTHING;
    const server = request.services.participants.serverOf(request.exchange.stream);
    return this.ledger!.tools.has(server, tool) ? tool : NOTHING;
  }

  /** The keyed hash of the tool's name; 0 where the message calls none. */
  private toolText(call: Call): u64 {
    const reader = call.reader;
    if (!changetype<usize>(reader) || reader.form != MessageForm.Request) return NOTHING;
    if (call.target != Target.Tool || reader.token(Slot.Name) != Token.String) return NOTHING;
    return keyedTextHash(reader.textAt(Slot.Name), reader.textLength(Slot.Name), reader.textTotal(Slot.Name));
  }
}
