import { Token } from "../../json/token";
import { TEXT_LIMIT } from "../../json/text";
import { equalsText } from "../../memory/bytes";
import { ScalarKind } from "../../config/rules/rule_config";
import { ArgumentPatterns } from "../match/argument_patterns";
import { Match } from "../match/match";
import { Patterns } from "../match/pattern";
import { UNKNOWN_REVISION, revisionOf } from "../../mcp/protocol/revisions";
import { isPlainUri } from "./plain_uri";
import { fixedLength, mayBePlainUri } from "./uri_template";
import { Slot } from "./slots";
import { StrictReader } from "./strict_reader";

/** Fewer digits than make a number that is rounded. */
const PLAIN_DIGITS: i32 = 15;
const MINUS_ZERO: u16 = 0x302d;
/** Bytes of a server's name that are kept. */
export const SERVER_LIMIT: i32 = 256;
/** Bytes of an element's name that are compared: as many as {@link StrictReader} keeps of a call's. */
const ELEMENT_NAME_LIMIT: i32 = TEXT_LIMIT;
const WORD: usize = memory.data(16);
/** Holds the method of a use. */
const METHOD: usize = memory.data(32);

/** What a message can name that it is about. */
export enum Target {
  None,
  Tool,
  Prompt,
  Resource,
  /** A prompt or a resource. */
  Unclear,
}

/** Bits of a {@link Match} where several are packed. */
export const MATCH_BITS: i32 = 2;

/** What elements of lists offer to be used for. */
export enum Use {
  /** There is a message. */
  None,
  /** Any call of one element. */
  Element,
  /** Any call of what can be made of a template of URIs. */
  Template,
  /** Any call of any element of a kind. */
  AnyElement,
}

/** How a message refers to what it is about, where it does not name that itself. */
enum Reference {
  None,
  /** By the id of a task, which is of a tool. */
  Task,
  /** By the URIs of the resources that a subscription is about. */
  Subscriptions,
}

/** The current message as rules see it, or what all messages have in common that use an element of a list. */
export class Call {
  /** The reader that has just read the message. Only where {@link use} is None, and it is no request of a server. */
  reader: StrictReader = changetype<StrictReader>(0);
  /** Which messages it stands for. */
  use: Use = Use.None;
  /** There is a message in {@link reader}. */
  hasMessage: bool = false;
  /** The client says it because the server asked. */
  isAnswer: bool = false;
  /** The revision that the headers name; empty where they name none, or several, or where no server reads them. */
  private revision: string = "";
  /** Servers do not read a revision in the headers: the transport is HTTP+SSE. */
  private ignoresHeaders: bool = false;
  /** The method that an answer answers, or the message's own; empty where it is not known. */
  method: usize = 0;
  methodLength: i32 = 0;
  /** The tools of tasks and the resources of subscriptions are targets too. */
  followsReferences: bool = false;
  private reference: Reference = Reference.None;
  /** Which of the resources of a subscription it stands for. */
  subscription: i32 = 0;
  private serverName: StaticArray<u8> = new StaticArray<u8>(SERVER_LIMIT);
  serverLength: i32 = 0;

  private useTarget: Target = Target.None;
  /** What a use names, `nameLength` bytes, and whether there is more; of a message about a task, the tool. */
  private name: usize = 0;
  private nameLength: i32 = 0;
  private isNameCut: bool = false;
  /** What {@link findName} has found. */
  foundName: usize = 0;
  foundLength: i32 = 0;
  /** Of a use: how what matches that the caller is free to choose, targets and arguments. */
  private openTarget: Match = Match.Unknown;
  private openArgument: Match = Match.Unknown;

  /** Whether it is known what the client was called when its session began, and how the policy's conditions on names
   *  matched: two bits each, as {@link ClientMemory} packs them. */
  knowsClient: bool = false;
  clientMatches: u64 = 0;

  /** Sets the revision that the request's headers name; empty for none. `ignoresHeaders`: its transport has no such header. */
  setRevision(revision: string, ignoresHeaders: bool): void {
    this.revision = revision;
    this.ignoresHeaders = ignoresHeaders;
  }

  /** The server that it goes to; empty where that is not known. */
  get server(): usize {
    return changetype<usize>(this.serverName);
  }

  /** Takes over where the request goes; nothing for what is not known. */
  setServer(at: usize, length: i32): void {
    this.serverLength = min(length, SERVER_LIMIT);
    memory.copy(this.server, at, this.serverLength);
  }

  /** Takes over what the client asks or tells. */
  setRequest(reader: StrictReader): void {
    this.hasReader(reader);
    this.isAnswer = false;
    this.method = reader.textAt(Slot.Method);
    this.methodLength = reader.textLength(Slot.Method);
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

  /** Whether the message is about a task: then {@link setTask}. */
  get isAboutTask(): bool {
    return this.reference == Reference.Task;
  }

  /** Sets the name of the tool that the message's task is of, which must stay in place; empty where that is not known. */
  setTask(name: usize, nameLength: i32): void {
    this.name = name;
    this.nameLength = nameLength;
    this.isNameCut = false;
  }

  /** How many resources a subscription is about, each of which is to be decided by itself: see `subscription`. 0 for any other
   *  message, and where it cannot be told which. */
  get subscriptionCount(): i32 {
    return this.reference == Reference.Subscriptions && !this.isSubscriptionOdd ? this.reader.itemCount : 0;
  }

  /** Whether it cannot be told which resources a subscription is about. */
  private get isSubscriptionOdd(): bool {
    const reader = this.reader;
    if (isOdd(reader.token(Slot.Params)) || isOdd(reader.token(Slot.Notifications)) || reader.hasOddItems) return true;
    return reader.has(Slot.Subscriptions) && reader.token(Slot.Subscriptions) != Token.ArrayStart;
  }

  /** Takes over that the client answers the server. `method`: what the server asked by, empty where it is not known. */
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

  /** Takes over what a server asks of the client, `length` bytes at `method`: rules see it like the client's answer to it. */
  setServerRequest(method: usize, length: i32): void {
    this.hasMessage = false;
    this.use = Use.None;
    this.reference = Reference.None;
    this.isAnswer = true;
    this.method = method;
    this.methodLength = length;
  }

  /** Stands for every request of this method for one element of a list, `nameLength` bytes of whose name are at `name`;
   *  `isCut` where there is more. What it names is of the kind `target`. */
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

  /** Says how a rule is to match what the caller of a use is free to choose. An element is usable if some call of it is
   *  allowed: the caller fulfils conditions of rules that allow, and avoids those of rules that deny. With `AnyElement` the
   *  element is chosen so that it is least likely to be allowed. */
  leaveOpen(isAllow: bool): void {
    this.openArgument = isAllow ? Match.Yes : Match.No;
    this.openTarget = isAllow == (this.use != Use.AnyElement) ? Match.Yes : Match.No;
  }

  matchMethod(patterns: Patterns): Match {
    return this.methodLength ? patterns.match(this.method, this.methodLength, false) : Match.Unknown;
  }

  /** Whether it names a target of this kind that matches. */
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
    // Templates, which completions name, are looked up as they are written.
    if (slot == Slot.Uri && !this.isPlainUri) return Match.Unknown;
    return this.matchString(slot, patterns);
  }

  /** Whether all patterns of targets are compared with one text, which is whole: then leaves it in `foundName`. Otherwise any of them
   *  may match. */
  findName(): bool {
    if (this.use != Use.None) return this.use == Use.Element && this.findElement();
    if (this.reference != Reference.None) return false;
    const target = this.target;
    if (target == Target.None || target == Target.Unclear) return false;
    const slot = this.targetSlot;
    const reader = this.reader;
    if (reader.token(slot) != Token.String || reader.isCut(slot)) return false;
    if (slot == Slot.Uri && !this.isPlainUri) return false;
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

  /** The text of the target, for logs: `targetLength` bytes; 0 where there is none. */
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

  /** Whether what a use names matches. */
  private matchName(patterns: Patterns): Match {
    const isResource = this.useTarget == Target.Resource;
    if (this.use == Use.AnyElement) {
      // Of a URI that is not plain nothing can be told.
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

  /** Whether the revision matches that the message is of. */
  matchRevision(patterns: Patterns): Match {
    if (!this.hasMessage) return this.matchHeader(patterns);
    if (this.isMetaOdd) return Match.Unknown;
    if (this.reader.has(Slot.MetaVersion)) {
      // Servers of one era go by the one, those of the other by the other.
      const isOneRevision = this.ignoresHeaders || this.reader.isText(Slot.MetaVersion, this.revision);
      if (!isOneRevision) return Match.Unknown;
      return this.matchString(Slot.MetaVersion, patterns);
    }
    if (this.isMethod("initialize")) return this.matchString(Slot.ProtocolVersion, patterns);
    return this.matchHeader(patterns);
  }

  private matchHeader(patterns: Patterns): Match {
    return this.revision.length ? patterns.match(WORD, writeWord(this.revision, WORD), false) : Match.Unknown;
  }

  /** The index of the revision that the message states in `_meta`; -1 where it states none, {@link UNKNOWN_REVISION} where it
   *  cannot be told. */
  get statedRevision(): i32 {
    const reader = this.reader;
    if (this.isMetaOdd) return UNKNOWN_REVISION;
    if (!reader.has(Slot.MetaVersion)) return -1;
    const isOneRevision = this.ignoresHeaders || reader.isText(Slot.MetaVersion, this.revision);
    const isText = reader.token(Slot.MetaVersion) == Token.String;
    if (!isOneRevision || !isText) return UNKNOWN_REVISION;
    return revisionOf(reader.textAt(Slot.MetaVersion), reader.textLength(Slot.MetaVersion));
  }

  /** Whether the message states the name of the client's software, or may do so. */
  get statesClient(): bool {
    return this.isMetaOdd || this.reader.has(Slot.MetaClient);
  }

  /** Whether `_meta`, or what it stands in, is of a kind in which some servers may find members all the same. */
  private get isMetaOdd(): bool {
    return isOdd(this.reader.token(Slot.Params)) || isOdd(this.reader.token(Slot.Meta));
  }

  /** Whether the name of the client's software matches: as the message states it, or else its session's first one
   *  did. `index`: which of the policy's conditions on names it is. */
  matchClient(patterns: Patterns, index: i32): Match {
    if (this.hasMessage) {
      if (this.isMethod("initialize")) return this.matchString(Slot.ClientInfoName, patterns);
      if (this.isMetaOdd) return Match.Unknown;
      if (this.reader.has(Slot.MetaClient)) return this.matchString(Slot.MetaClientName, patterns);
    }
    return this.knowsClient ? <Match>((this.clientMatches >> (index * MATCH_BITS)) & 3) : Match.Unknown;
  }

  /** Whether an argument matches: the last of `slots`, which are the way to it. */
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
        // Servers may take null for a value that is missing.
        return Match.Unknown;
    }
  }

  /** What it names, by its method (2026-07-28, schema.ts). */
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

  /** What a completion is for. Which of two names a server heeds cannot be told. */
  private get completed(): Target {
    const reader = this.reader;
    if (reader.isText(Slot.RefType, "ref/prompt") && !reader.has(Slot.RefUri)) return Target.Prompt;
    if (reader.isText(Slot.RefType, "ref/resource") && !reader.has(Slot.RefName)) return Target.Resource;
    return Target.Unclear;
  }

  /** Where the target's name or URI is kept. */
  get targetSlot(): i32 {
    const isResource = this.target == Target.Resource;
    if (this.isMethod("completion/complete")) return isResource ? Slot.RefUri : Slot.RefName;
    return isResource ? Slot.Uri : Slot.Name;
  }

  /** Where is kept what `Mcp-Name` repeats (2026-07-28, basic/transports/streamable-http, "Standard Headers"; tasks:
   *  ext-tasks); the message itself where it repeats nothing. */
  get mirroredSlot(): i32 {
    if (this.isMethod("tools/call") || this.isMethod("prompts/get")) return Slot.Name;
    if (this.isMethod("resources/read")) return Slot.Uri;
    const isTask = this.isMethod("tasks/get") || this.isMethod("tasks/cancel") || this.isMethod("tasks/update");
    return isTask ? Slot.TaskId : Slot.Message;
  }

  isMethod(method: string): bool {
    return equalsText(this.method, this.methodLength, method);
  }

  /** Whether it is a number that all are sure to read alike: not one written in another way, nor so large that it is
   *  rounded, nor `-0`. */
  private isPlainInteger(slot: i32): bool {
    const reader = this.reader;
    const length = reader.textLength(slot);
    if (reader.isCut(slot) || !reader.isInteger(slot) || length > PLAIN_DIGITS) return false;
    return length != 2 || load<u16>(reader.textAt(slot)) != MINUS_ZERO;
  }

  private get isPlainUri(): bool {
    const reader = this.reader;
    return !reader.isCut(Slot.Uri) && isPlainUri(reader.textAt(Slot.Uri), reader.textLength(Slot.Uri));
  }

  private matchString(slot: i32, patterns: Patterns): Match {
    return this.reader.token(slot) == Token.String ? this.matchText(slot, patterns) : Match.Unknown;
  }

  private matchText(slot: i32, patterns: Patterns): Match {
    const reader = this.reader;
    return patterns.match(reader.textAt(slot), reader.textLength(slot), reader.isCut(slot));
  }
}

/** Whether a value that is to be an object is something else. */
function isOdd(value: Token): bool {
  return value != Token.More && value != Token.ObjectStart;
}

/** Writes ASCII text. Returns its length. */
function writeWord(word: string, to: usize): i32 {
  for (let i = 0; i < word.length; i++) store<u8>(to + i, <u8>word.charCodeAt(i));
  return word.length;
}
