import { KeyPart } from "../../config/limits/limits_config";
import { GateRequest } from "../../gate/stage/request";
import { Token } from "../../json/token";
import { Method } from "../../mcp/protocol/methods";
import { mix } from "../../memory/bytes";
import { keyedHash, keyedTextHash } from "../../memory/keyed_hash";
import { RuleInput, Target } from "../../rules/message/rule_input";
import { MemberSlot } from "../../rules/message/deciding_keys";
import { MessageForm } from "../../rules/message/strict_reader";
import { clientNameLength, sessionOf } from "../../rules/message_session";
import { Ledger } from "../ledger/ledger";
import { LimitFacts } from "./limit_facts";
import { LimitRule } from "../rules/limit_rule";

/** Value in a key for a part that is unknown or missing. All requests with this value share an allowance. */
const NOTHING: u64 = 0;

/** Computes the keys of the current message: keyed hashes that distinguish separate allowances. */
export class LimitKeys {
  /** A part of the last key identifies the caller, so that nobody else uses its allowance. */
  isIdentifying: bool = false;
  /** A part of the last key is known and belongs to the caller. Such keys are charged to the caller's share of keys. */
  isByCaller: bool = false;
  private ledger: Ledger | null = null;
  private method: Method = Method.None;

  /** Begins a message of this method. The request and facts passed later belong to it. */
  begin(ledger: Ledger, method: Method): void {
    this.ledger = ledger;
    this.method = method;
  }

  /** The key of the message by a rule. */
  of(rule: LimitRule, request: GateRequest, facts: LimitFacts, input: RuleInput): u64 {
    this.isIdentifying = false;
    this.isByCaller = false;
    let key: u64 = 1;
    let claims = 0;
    for (let i = 0; i < rule.key.length; i++) {
      const part = unchecked(rule.key[i]);
      const value =
        part == KeyPart.Claim ? this.claimOf(rule, claims++, facts) : this.part(part, request, facts, input);
      key = mix(key ^ mix(value ^ (<u64>part)));
    }
    if (this.isIdentifying) this.isByCaller = true;
    return key;
  }

  /** Key that all repetitions of the message, a tool call, have in common in addition to `key`. */
  repeatOf(key: u64, input: RuleInput): u64 {
    return mix(key ^ mix(input.reader.argumentsHash ^ mix(this.toolText(input))));
  }

  /** Keyed hash of the name of the tool that the message calls, even if there is no such tool; 0 for none. */
  namedTool(input: RuleInput): u64 {
    return this.toolText(input);
  }

  private claimOf(rule: LimitRule, index: i32, facts: LimitFacts): u64 {
    const value = facts.claim(rule.firstClaim + index);
    // Several callers may have the same claim, so it does not identify the caller.
    if (value) this.isByCaller = true;
    return value;
  }

  private part(part: KeyPart, request: GateRequest, facts: LimitFacts, input: RuleInput): u64 {
    switch (part) {
      case KeyPart.Principal:
        if (facts.principal) this.isIdentifying = true;
        return facts.principal;
      case KeyPart.Address:
        if (facts.address) this.isIdentifying = true;
        return facts.address;
      case KeyPart.Session: {
        const session = this.sessionOf(request, input);
        if (session) this.isIdentifying = true;
        return session;
      }
      case KeyPart.Client: {
        const client = this.clientOf(request, input);
        if (client) this.isByCaller = true;
        return client;
      }
      case KeyPart.Tool:
        return this.toolOf(request, input);
      case KeyPart.Server:
        return request.services.participants.serverOf(request.exchange.stream);
      default:
        return <u64>this.method;
    }
  }

  private sessionOf(request: GateRequest, input: RuleInput): u64 {
    const hasMessage = changetype<usize>(input.reader) != 0;
    if (hasMessage) return sessionOf(request, input.reader);
    return request.services.sessions.keyOrNone(request.exchange.stream);
  }

  /** Hash of the client software's name: as stated in the message, otherwise as stated at the start of its session. */
  private clientOf(request: GateRequest, input: RuleInput): u64 {
    const reader = input.reader;
    if (!changetype<usize>(reader)) return NOTHING;
    const length = clientNameLength(reader);
    if (length) return keyedHash(reader.textAt(MemberSlot.MetaClientName), length);
    if (this.method == Method.Initialize && reader.token(MemberSlot.ClientInfoName) == Token.String) {
      return keyedHash(reader.textAt(MemberSlot.ClientInfoName), reader.textLength(MemberSlot.ClientInfoName));
    }
    const session = request.services.sessions.keyOrNone(request.exchange.stream);
    return this.ledger!.clientOf(session);
  }

  /** The tool that a call names, if the server is known to have it, so that callers cannot create allowances by
   *  inventing names. */
  private toolOf(request: GateRequest, input: RuleInput): u64 {
    const tool = this.toolText(input);
    if (!tool) return NOTHING;
    const server = request.services.participants.serverOf(request.exchange.stream);
    return this.ledger!.tools.has(server, tool) ? tool : NOTHING;
  }

  /** Keyed hash of the tool's name; 0 if the message calls none. */
  private toolText(input: RuleInput): u64 {
    const reader = input.reader;
    if (!changetype<usize>(reader) || reader.form != MessageForm.Request) return NOTHING;
    if (input.target != Target.Tool || reader.token(MemberSlot.Name) != Token.String) return NOTHING;
    return keyedTextHash(
      reader.textAt(MemberSlot.Name),
      reader.textLength(MemberSlot.Name),
      reader.textTotal(MemberSlot.Name),
    );
  }
}
