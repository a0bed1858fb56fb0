import { Token } from "../../json/token";
import { TEXT_LIMIT } from "../../json/string_decoder";
import { equalsText } from "../../memory/bytes";
import { ScalarKind } from "../../config/rules/rule_config";
import { ArgumentPatterns } from "../match/argument_patterns";
import { Match } from "../match/match";
import { Patterns } from "../match/pattern";
import { UNKNOWN_REVISION, revisionOf } from "../../mcp/protocol/revisions";
import { isPlainUri } from "./plain_uri";
import { fixedLength, mayBePlainUri } from "./uri_template";
import { MemberSlot } from "./deciding_keys";
import { StrictReader } from "./strict_reader";

/** Integers of up to this many characters are not rounded by any parser. */
const PLAIN_DIGITS: i32 = 15;
const MINUS_ZERO: u16 = 0x302d;
/** Maximum length in bytes of a kept server name. */
export const SERVER_LIMIT: i32 = 256;
/**
 * Maximum length in bytes of a compared element name: as long as the part of a call's name that {@link StrictReader}
 * keeps.
 */
const ELEMENT_NAME_LIMIT: i32 = TEXT_LIMIT;
const WORD: usize = memory.data(16);
/** Address of the method of a use. */
const METHOD: usize = memory.data(32);

/** What the name or URI in a message refers to. */
export enum Target {
  None,
  Tool,
  Prompt,
  Resource,
  /** A prompt or a resource. */
  Unclear,
}

/** Number of bits of a {@link Match} in packed fields. */
export const MATCH_BITS: i32 = 2;

/** What a {@link RuleInput} represents: one message, or all messages that use an element of a list. */
export enum Use {
  /** One message. */
  None,
  /** Any call of one element. */
  Element,
  /** Any call of a URI that matches a URI template. */
  Template,
  /** Any call of any element of a kind. */
  AnyElement,
}

/** How a message refers to its target if it does not name it. */
enum Reference {
  None,
  /** By the id of a tool's task. */
  Task,
  /** By the URIs of the resources of a subscription. */
  Subscriptions,
}

/** The current message as rules see it, or all messages that use an element of a list. */
export class RuleInput {
  /** The reader that has just read the message. Valid only if {@link use} is None and the message is not a server
   *  request. */
  reader: StrictReader = changetype<StrictReader>(0);
  /** Which messages the input represents. */
  use: Use = Use.None;
  /** There is a message in {@link reader}. */
  hasMessage: bool = false;
  /** The client's message answers a server request. */
  isAnswer: bool = false;
  /** The revision in the headers; empty if they name none or several, or if servers do not read them. */
  private revision: string = "";
  /** Servers do not read a revision in the headers, because the transport is HTTP+SSE. */
  private ignoresHeaders: bool = false;
  /** Address of the method: that of the answered server request, or the message's own. Length 0 if unknown. */
  method: usize = 0;
  methodLength: i32 = 0;
  /** The tools of tasks and the resources of subscriptions are targets too. */
  followsReferences: bool = false;
  private reference: Reference = Reference.None;
  /** Index of the current resource of a subscription. */
  subscription: i32 = 0;
  private serverName: StaticArray<u8> = new StaticArray<u8>(SERVER_LIMIT);
  serverLength: i32 = 0;

  private useTarget: Target = Target.None;
  /** The name in a use, or the tool of a task: `nameLength` bytes. `isNameCut`: the name is longer. */
  private name: usize = 0;
  private nameLength: i32 = 0;
  private isNameCut: bool = false;
  /** The result of {@link findName}. */
  foundName: usize = 0;
  foundLength: i32 = 0;
  /** How the freely chosen parts of a use match: targets and arguments. */
  private openTarget: Match = Match.Unknown;
  private openArgument: Match = Match.Unknown;

  /** Whether the client's name at the start of its session is known, and how it matched the policy's conditions on
   *  names: two bits each, as {@link ClientMemory} packs them. */
  knowsClient: bool = false;
  clientMatches: u64 = 0;

  /** Sets the revision that the request's headers name; empty for none. `ignoresHeaders`: the transport has no such
   *  header. */
  setRevision(revision: string, ignoresHeaders: bool): void {
    this.revision = revision;
    this.ignoresHeaders = ignoresHeaders;
  }

  /** Address of the name of the destination server. `serverLength` is 0 if it is unknown. */
  get server(): usize {
    return changetype<usize>(this.serverName);
  }

  /** Copies the name of the destination server. `length` is 0 if it is unknown. */
  setServer(at: usize, length: i32): void {
    this.serverLength = min(length, SERVER_LIMIT);
    memory.copy(this.server, at, this.serverLength);
  }

  /** Sets the client's request or notification. */
  setRequest(reader: StrictReader): void {
    this.hasReader(reader);
    this.isAnswer = false;
    this.method = reader.textAt(MemberSlot.Method);
    this.methodLength = reader.textLength(MemberSlot.Method);
    this.reference = this.followsReferences ? this.referenceOfMethod : Reference.None;
    this.nameLength = 0;
    this.subscription = 0;
  }

  private get referenceOfMethod(): Reference {
    if (this.isMethod("subscriptions/listen")) return Reference.Subscriptions;
    const isOfTask =
      this.isMethod("tasks/get") ||
      this.isMethod("tasks/result") ||
      this.isMethod("tasks/cancel") ||
      this.isMethod("tasks/update");
    return isOfTask ? Reference.Task : Reference.None;
  }

  /** Whether the message is about a task. If so, call {@link setTask}. */
  get isAboutTask(): bool {
    return this.reference == Reference.Task;
  }

  /** Sets the name of the tool that runs the message's task. The bytes must stay in place. `nameLength` is 0 if it
   *  is unknown. */
  setTask(name: usize, nameLength: i32): void {
    this.name = name;
    this.nameLength = nameLength;
    this.isNameCut = false;
  }

  /** Number of resources of a subscription, each of which is decided separately: see `subscription`. 0 for any other
   *  message, and if the resources are unclear. */
  get subscriptionCount(): i32 {
    return this.reference == Reference.Subscriptions && !this.isSubscriptionOdd ? this.reader.itemCount : 0;
  }

  /** Whether it is unclear which resources a subscription is about. */
  private get isSubscriptionOdd(): bool {
    const reader = this.reader;
    if (isOdd(reader.token(MemberSlot.Params)) || isOdd(reader.token(MemberSlot.Notifications)) || reader.hasOddItems)
      return true;
    return reader.has(MemberSlot.Subscriptions) && reader.token(MemberSlot.Subscriptions) != Token.ArrayStart;
  }

  /** Sets the client's response to a server request. `method` is the method of that request; `methodLength` is 0 if
   *  it is unknown. */
  setAnswer(reader: StrictReader, method: usize, methodLength: i32): void {
    this.hasReader(reader);
    this.isAnswer = true;
    this.method = method;
    this.methodLength = methodLength;
  }

  private hasReader(reader: StrictReader): void {
    this.reader = reader;
    this.hasMessage = true;
    this.use = Use.None;
    this.reference = Reference.None;
  }

  /** Sets a server request to the client, with the `length` bytes of its method. Rules see it like the client's
   *  response to it. */
  setServerRequest(method: usize, length: i32): void {
    this.hasMessage = false;
    this.use = Use.None;
    this.reference = Reference.None;
    this.isAnswer = true;
    this.method = method;
    this.methodLength = length;
  }

  /** Sets every request of this method for one element of a list. The element is of the kind `target`, and its name
   *  is `nameLength` bytes at `name`. `isCut`: the name is longer. */
  setUse(use: Use, method: string, target: Target, name: usize, nameLength: i32, isCut: bool): void {
    this.hasMessage = false;
    this.use = use;
    this.reference = Reference.None;
    this.isAnswer = false;
    this.methodLength = writeWord(method, METHOD);
    this.method = METHOD;
    this.useTarget = target;
    this.name = name;
    this.nameLength = min(nameLength, ELEMENT_NAME_LIMIT);
    this.isNameCut = isCut || nameLength > ELEMENT_NAME_LIMIT;
  }

  /** Sets how a rule matches the parts of a use that the caller may choose. An element is usable if some call of it
   *  is allowed: the caller meets the conditions of rules that allow, and avoids those of rules that deny. With
   *  `AnyElement`, the element is chosen so that it is least likely to be allowed. */
  leaveOpen(isAllow: bool): void {
    this.openArgument = isAllow ? Match.Yes : Match.No;
    this.openTarget = isAllow == (this.use != Use.AnyElement) ? Match.Yes : Match.No;
  }

  matchMethod(patterns: Patterns): Match {
    return this.methodLength ? patterns.match(this.method, this.methodLength, false) : Match.Unknown;
  }

  /** Whether the message names a target of this kind that matches. */
  matchTarget(kind: Target, patterns: Patterns): Match {
    const target = this.target;
    if (this.use != Use.None) return target == kind ? this.matchName(patterns) : Match.No;
    if (target == Target.Unclear) return kind == Target.Tool ? Match.No : Match.Unknown;
    if (target != kind) return Match.No;
    if (this.reference == Reference.Task) {
      return this.nameLength ? patterns.match(this.name, this.nameLength, false) : Match.Unknown;
    }
    if (this.reference == Reference.Subscriptions) return this.matchSubscription(patterns);
    const slot = this.targetSlot;
    // A completion may name a URI template, which servers look up as written.
    if (slot == MemberSlot.Uri && !this.isPlainUri) return Match.Unknown;
    return this.matchString(slot, patterns);
  }

  /** Whether all target patterns are compared with one complete text. If so, `foundName` has it. Otherwise any of
   *  the patterns may match. */
  findName(): bool {
    if (this.use != Use.None) return this.use == Use.Element && this.findElement();
    if (this.reference != Reference.None) return false;
    const target = this.target;
    if (target == Target.None || target == Target.Unclear) return false;
    const slot = this.targetSlot;
    const reader = this.reader;
    if (reader.token(slot) != Token.String || reader.isCut(slot)) return false;
    if (slot == MemberSlot.Uri && !this.isPlainUri) return false;
    this.foundName = reader.textAt(slot);
    this.foundLength = reader.textLength(slot);
    return true;
  }

  private findElement(): bool {
    this.foundName = this.name;
    this.foundLength = this.nameLength;
    if (this.isNameCut) return false;
    return this.useTarget != Target.Resource || isPlainUri(this.name, this.nameLength);
  }

  /** Whether the current resource of a subscription matches. */
  private matchSubscription(patterns: Patterns): Match {
    const reader = this.reader;
    const index = this.subscription;
    if (this.isSubscriptionOdd || reader.isItemCut(index)) return Match.Unknown;
    const at = reader.itemAt(index);
    const length = reader.itemLength(index);
    return isPlainUri(at, length) ? patterns.match(at, length, false) : Match.Unknown;
  }

  /** Address of the text of the target, for logs: `targetLength` bytes, 0 if there is none. */
  get targetAt(): usize {
    if (this.reference == Reference.Task) return this.name;
    if (this.reference == Reference.Subscriptions) return this.reader.itemAt(this.subscription);
    return this.reader.textAt(this.targetSlot);
  }

  get targetLength(): i32 {
    const target = this.target;
    if (!this.hasMessage || target == Target.None || target == Target.Unclear) return 0;
    if (this.reference == Reference.Task) return this.nameLength;
    if (this.reference == Reference.Subscriptions) {
      return this.subscriptionCount ? this.reader.itemLength(this.subscription) : 0;
    }
    const slot = this.targetSlot;
    return this.reader.token(slot) == Token.String ? this.reader.textLength(slot) : 0;
  }

  /** Whether the name in a use matches. */
  private matchName(patterns: Patterns): Match {
    const isResource = this.useTarget == Target.Resource;
    if (this.use == Use.AnyElement) {
      // How a server reads a URI that is not plain is unknown.
      return patterns.matchesAll && !isResource ? Match.Yes : this.openTarget;
    }
    if (this.use == Use.Element) {
      if (isResource && (this.isNameCut || !isPlainUri(this.name, this.nameLength))) return Match.Unknown;
      return patterns.match(this.name, this.nameLength, this.isNameCut);
    }
    if (this.isNameCut || !mayBePlainUri(this.name, this.nameLength)) return Match.Unknown;
    const fixed = fixedLength(this.name, this.nameLength);
    const match = patterns.match(this.name, fixed, fixed < this.nameLength);
    return match == Match.Unknown ? this.openTarget : match;
  }

  matchServer(patterns: Patterns): Match {
    return this.serverLength ? patterns.match(this.server, this.serverLength, false) : Match.Unknown;
  }

  /** Whether the message's revision matches. */
  matchRevision(patterns: Patterns): Match {
    if (!this.hasMessage) return this.matchHeader(patterns);
    if (this.isMetaOdd) return Match.Unknown;
    if (this.reader.has(MemberSlot.MetaVersion)) {
      // Servers of the older revisions use the header, those of the newer ones the member.
      const isOneRevision = this.ignoresHeaders || this.reader.isText(MemberSlot.MetaVersion, this.revision);
      if (!isOneRevision) return Match.Unknown;
      return this.matchString(MemberSlot.MetaVersion, patterns);
    }
    if (this.isMethod("initialize")) return this.matchString(MemberSlot.ProtocolVersion, patterns);
    return this.matchHeader(patterns);
  }

  private matchHeader(patterns: Patterns): Match {
    return this.revision.length ? patterns.match(WORD, writeWord(this.revision, WORD), false) : Match.Unknown;
  }

  /** Index of the revision that the message states in `_meta`: -1 if it states none, {@link UNKNOWN_REVISION} if it
   *  is unclear. */
  get statedRevision(): i32 {
    const reader = this.reader;
    if (this.isMetaOdd) return UNKNOWN_REVISION;
    if (!reader.has(MemberSlot.MetaVersion)) return -1;
    const isOneRevision = this.ignoresHeaders || reader.isText(MemberSlot.MetaVersion, this.revision);
    const isText = reader.token(MemberSlot.MetaVersion) == Token.String;
    if (!isOneRevision || !isText) return UNKNOWN_REVISION;
    return revisionOf(reader.textAt(MemberSlot.MetaVersion), reader.textLength(MemberSlot.MetaVersion));
  }

  /** Whether the message states the name of the client software, or may do so. */
  get statesClient(): bool {
    return this.isMetaOdd || this.reader.has(MemberSlot.MetaClient);
  }

  /** Whether `_meta`, or an object around it, has another JSON type, in which some servers may still find members. */
  private get isMetaOdd(): bool {
    return isOdd(this.reader.token(MemberSlot.Params)) || isOdd(this.reader.token(MemberSlot.Meta));
  }

  /** Whether the name of the client software matches: as stated in the message, otherwise as stated at the start of
   *  the session. `index` is the index of the policy's condition on names. */
  matchClient(patterns: Patterns, index: i32): Match {
    if (this.hasMessage) {
      if (this.isMethod("initialize")) return this.matchString(MemberSlot.ClientInfoName, patterns);
      if (this.isMetaOdd) return Match.Unknown;
      if (this.reader.has(MemberSlot.MetaClient)) return this.matchString(MemberSlot.MetaClientName, patterns);
    }
    return this.knowsClient ? <Match>((this.clientMatches >> (index * MATCH_BITS)) & 3) : Match.Unknown;
  }

  /** Whether an argument matches: the last of `slots`, which are the path to it. */
  matchArgument(slots: i32[], patterns: ArgumentPatterns): Match {
    if (!this.hasMessage) return this.use == Use.None ? patterns.matchNothing() : this.openArgument;
    const reader = this.reader;
    for (let i = 0; i < slots.length - 1; i++) {
      const around = reader.token(slots[i]);
      if (around == Token.More) return patterns.matchNothing();
      if (around != Token.ObjectStart) return Match.Unknown;
    }
    const slot = slots[slots.length - 1];
    switch (reader.token(slot)) {
      case Token.More:
        return patterns.matchNothing();
      case Token.String:
        return patterns.match(ScalarKind.Text, reader.textAt(slot), reader.textLength(slot), reader.isCut(slot));
      case Token.Number:
        if (!this.isPlainInteger(slot)) return Match.Unknown;
        return patterns.match(ScalarKind.Number, reader.textAt(slot), reader.textLength(slot), false);
      case Token.True:
        return patterns.match(ScalarKind.Boolean, WORD, writeWord("true", WORD), false);
      case Token.False:
        return patterns.match(ScalarKind.Boolean, WORD, writeWord("false", WORD), false);
      default:
        // Servers may treat null as a missing value.
        return Match.Unknown;
    }
  }

  /** The kind of target that the message names, by its method (2026-07-28, schema.ts). */
  get target(): Target {
    if (this.isAnswer) return Target.None;
    if (this.use != Use.None) return this.useTarget;
    if (this.reference == Reference.Task) return Target.Tool;
    if (this.reference == Reference.Subscriptions) {
      return this.isSubscriptionOdd || this.reader.itemCount ? Target.Resource : Target.None;
    }
    if (this.isMethod("tools/call")) return Target.Tool;
    if (this.isMethod("prompts/get")) return Target.Prompt;
    if (this.isMethod("resources/read")) return Target.Resource;
    if (this.isMethod("resources/subscribe") || this.isMethod("resources/unsubscribe")) return Target.Resource;
    return this.isMethod("completion/complete") ? this.completed : Target.None;
  }

  /** The kind of target of a completion. With two names, it is unclear which one a server uses. */
  private get completed(): Target {
    const reader = this.reader;
    if (reader.isText(MemberSlot.RefType, "ref/prompt") && !reader.has(MemberSlot.RefUri)) return Target.Prompt;
    if (reader.isText(MemberSlot.RefType, "ref/resource") && !reader.has(MemberSlot.RefName)) return Target.Resource;
    return Target.Unclear;
  }

  /** Slot of the target's name or URI. */
  get targetSlot(): i32 {
    const isResource = this.target == Target.Resource;
    if (this.isMethod("completion/complete")) return isResource ? MemberSlot.RefUri : MemberSlot.RefName;
    return isResource ? MemberSlot.Uri : MemberSlot.Name;
  }

  /** Slot of the value that `Mcp-Name` repeats (2026-07-28, basic/transports/streamable-http, "Standard Headers";
   *  tasks: ext-tasks); Message if it repeats none. */
  get mirroredSlot(): i32 {
    if (this.isMethod("tools/call") || this.isMethod("prompts/get")) return MemberSlot.Name;
    if (this.isMethod("resources/read")) return MemberSlot.Uri;
    const isTask = this.isMethod("tasks/get") || this.isMethod("tasks/cancel") || this.isMethod("tasks/update");
    return isTask ? MemberSlot.TaskId : MemberSlot.Message;
  }

  isMethod(method: string): bool {
    return equalsText(this.method, this.methodLength, method);
  }

  /** Whether the value is an integer that all parsers read alike: without fraction and exponent, small enough not to
   *  be rounded, and not `-0`. */
  private isPlainInteger(slot: i32): bool {
    const reader = this.reader;
    const length = reader.textLength(slot);
    if (reader.isCut(slot) || !reader.isInteger(slot) || length > PLAIN_DIGITS) return false;
    return length != 2 || load<u16>(reader.textAt(slot)) != MINUS_ZERO;
  }

  private get isPlainUri(): bool {
    const reader = this.reader;
    return (
      !reader.isCut(MemberSlot.Uri) && isPlainUri(reader.textAt(MemberSlot.Uri), reader.textLength(MemberSlot.Uri))
    );
  }

  private matchString(slot: i32, patterns: Patterns): Match {
    return this.reader.token(slot) == Token.String ? this.matchText(slot, patterns) : Match.Unknown;
  }

  private matchText(slot: i32, patterns: Patterns): Match {
    const reader = this.reader;
    return patterns.match(reader.textAt(slot), reader.textLength(slot), reader.isCut(slot));
  }
}

/** Whether a value that should be an object or missing is something else. */
function isOdd(value: Token): bool {
  return value != Token.More && value != Token.ObjectStart;
}

/** Writes ASCII text. Returns its length in bytes. */
function writeWord(word: string, to: usize): i32 {
  for (let i = 0; i < word.length; i++) store<u8>(to + i, <u8>word.charCodeAt(i));
  return word.length;
}
