import { IdKind } from "../../../assembly/jsonrpc/id";
import { Operation } from "../../../assembly/mcp/state/operation";
import { OtherContext, RejectingRule, Span } from "../../../assembly/mcp/state/span";
import {
  PACKED_LIMIT,
  packOperation,
  isPacked,
  packedMethod,
  packedName,
  packedNameLength,
  packedServer,
  packedStart,
  unpackOperation,
} from "../../../assembly/mcp/operations/packed_operation";
import { METHOD_COUNT, Method, methodName } from "../../../assembly/mcp/protocol/methods";
import { OUTCOME_COUNT, outcomeName } from "../../../assembly/mcp/protocol/outcome";
import { REVISION_COUNT, revisionName } from "../../../assembly/mcp/protocol/revisions";
import { STREAM_KIND_COUNT, streamKindName } from "../../../assembly/mcp/protocol/stream_kinds";
import { TASK_STATE_COUNT, taskStateName } from "../../../assembly/mcp/protocol/task_state";
import { TOKEN_KIND_COUNT, tokenKindName } from "../../../assembly/mcp/protocol/token_kinds";
import { Bytes } from "../../../assembly/memory/bytes";
import { Random } from "../../../assembly/host/random";
import { Allowances, WhenFull } from "../../../assembly/store/allowances";
import { ClaimFlag, Claims, isBeatDue, isLive } from "../../../assembly/store/claims";
import { Endpoints } from "../../../assembly/store/endpoints";
import { ListPaths } from "../../../assembly/store/list_paths";
import { KeptConfigurations } from "../../../assembly/store/kept_configurations";
import { PENDING_SIZE, Pending, PendingListener } from "../../../assembly/store/pending";
import { Permits } from "../../../assembly/store/permits";
import { WaitingWorkers } from "../../../assembly/store/waiting_workers";
import { Policies, PolicyMode } from "../../../assembly/store/policies";
import { ERROR_LIMIT, RejectionErrors } from "../../../assembly/store/rejection_errors";
import { Lease } from "../../../assembly/store/primitives/lease";
import { KnownRoles } from "../../../assembly/store/known_roles";
import { Marks } from "../../../assembly/store/primitives/marks";
import { NameList, NumberSet } from "../../../assembly/store/primitives/name_list";
import { Secret } from "../../../assembly/store/primitives/secret";
import { NumberListener, WorkerSlots } from "../../../assembly/store/primitives/worker_slots";
import { PAGE_CAPACITY, Store } from "../../../assembly/store/primitives/store";
import { Rate } from "../../../assembly/store/rate";
import { ServiceClock } from "../../../assembly/store/service_clock";
import {
  ENTRY_SIZE,
  SESSION_END_COUNT,
  SESSION_KIND_COUNT,
  SessionEnd,
  SessionEntry,
  SessionKind,
  sessionEndName,
  sessionKindName,
} from "../../../assembly/store/session_entry";
import { SESSION_NEWS_SIZE, SessionNews } from "../../../assembly/store/session_news";
import { SESSION_STATE_COUNT, SessionState } from "../../../assembly/store/session_state";
import { SessionListener, Sessions } from "../../../assembly/store/sessions";
import { Tasks } from "../../../assembly/store/tasks";
import { LISTED_TOOL_SIZE, ListedTool, TOOL_LIMIT, ToolLists } from "../../../assembly/store/tool_lists";
import { clients } from "../../../assembly/store/turn";
import { TestSharedData } from "./common/shared_data";
import { openStore } from "./common/store";

/** A time in milliseconds, with bits that show where a number starts and ends. */
const NOW: u64 = 0x18a00000000;
const KEY: u64 = 0x1122334455667788;
const OTHER_KEY: u64 = 0x0102030405060708;

class Numbers extends Random {
  next(): u64 {
    return KEY;
  }
}

/** Reads everything that it may read. */
class Listener extends PendingListener {
  givenUp(at: usize, length: u32, verdict: u32, endedAtMs: u64): void {
    this.counted(at, length, verdict);
  }

  evicted(at: usize, length: u32, verdict: u32, endedAtMs: u64): void {
    this.counted(at, length, verdict);
  }

  counted(at: usize, length: u32, verdict: u32): void {
    assert(length <= <u32>PENDING_SIZE);
    if (isPacked(at, length)) {
      packedServer(at);
      packedMethod(at);
      packedStart(at);
      assert(packedName(at) + packedNameLength(at) <= at + length);
    }
    release(unpackOperation(at, length));
  }
}

function release(operation: Operation | null): void {
  if (!operation) return;
  assert(operation.nameLength <= 128 && operation.clientNameLength <= 64);
  operation.release();
}

class SessionsListener extends SessionListener {
  sessionEnded(entry: SessionEntry): void {
    assert(entry.isSound);
  }

  sessionSettled(entry: SessionEntry): void {
    assert(entry.isSound);
  }

  sessionCounted(entry: SessionEntry, state: SessionState): void {
    assert(entry.isSound && <u32>state < <u32>SESSION_STATE_COUNT);
  }
}

const listener = new Listener();
const packed: usize = heap.alloc(max<usize>(PACKED_LIMIT, ERROR_LIMIT));
const newsBytes = new StaticArray<u8>(<i32>SESSION_NEWS_SIZE);
const session = changetype<SessionEntry>(heap.alloc(ENTRY_SIZE));
const tools: usize = heap.alloc(2 * LISTED_TOOL_SIZE);
const name = Bytes.of("echo");
const configuration = Bytes.of('{"server":"a"}');

/** The ends of the buffers to which values are copied; the third one receives the expired entries of the sweep. */
export function guard(index: i32): usize {
  const taken = new Pending(openStore(1, 0)).copied;
  const size: usize = PAGE_CAPACITY;
  switch (index) {
    case 0:
      return openStore(1, 0).page + size;
    case 1:
      return taken + PENDING_SIZE;
    case 2:
      // The next block of the heap.
      return taken + PENDING_SIZE + 16 + size;
    default:
      return new ToolLists(openStore(1, 0)).at + TOOL_LIMIT * LISTED_TOOL_SIZE;
  }
}

/** Executes all operations on a kind of value, with any previous content. One value stays in `space`, full ones in `space` +
 *  1. False if there is no kind with this number. */
export function exercise(kind: i32, space: i32): bool {
  const shared = openStore(KEY, space);
  const full = openStore(KEY, space + 1);
  switch (kind) {
    case 0:
      claims(shared);
      break;
    case 1:
      keptConfigurations(shared);
      break;
    case 2:
      policies(shared);
      break;
    case 3:
      pending(shared, full);
      break;
    case 4:
      sessions(shared, full);
      break;
    case 5:
      toolLists(shared);
      break;
    case 6:
      marks(shared, full);
      break;
    case 7:
      names(shared);
      break;
    case 8:
      numbers(shared, full);
      break;
    case 9:
      slots(shared);
      break;
    case 10:
      small(shared);
      break;
    case 11:
      tasks(shared, full);
      break;
    case 12:
      listPaths(shared, full);
      break;
    case 13:
      allowances(shared, full);
      break;
    case 14:
      permits(shared, full);
      break;
    case 15:
      waiting(shared, full);
      break;
    case 16:
      rejections(shared, full);
      break;
    default:
      return false;
  }
  return true;
}

function claims(shared: Store): void {
  const claims = new Claims(shared);
  claims.load();
  let claim = claims.find(KEY);
  if (!claim) claim = claims.add(KEY);
  claim.generation = ++claims.head.generation;
  claim.effective = OTHER_KEY;
  claim.beatAtMs = NOW;
  claim.claimedAtMs = NOW + 1;
  claim.connection = 7;
  claim.flags = ClaimFlag.HasPolicy;
  claim.proofs = 3;
  claims.lead(claim, configuration);
  claims.head.alternatedAtMs = NOW + 2;
  claims.isNewest(claim, NOW);
  isLive(claim, NOW);
  isBeatDue(claim, NOW);
  assert(claims.bytesLength == configuration.length);
  claims.save();
  claims.load();
  const length = claims.bytesLength;
  assert(length >= 0 && claims.bytes + length <= shared.page + PAGE_CAPACITY);
  for (let key: u64 = 1; key < 40; key++) claims.add(key);
}

function keptConfigurations(shared: Store): void {
  const kept = new KeptConfigurations(shared);
  kept.keep(KEY, configuration, true);
  kept.isLatest(KEY, configuration);
  kept.beat(KEY, NOW);
  kept.choose(KEY, true, false, NOW);
  kept.choose(OTHER_KEY, false, true, NOW);
  assert(kept.length >= 0 && kept.length <= PAGE_CAPACITY);
}

function policies(shared: Store): void {
  const policies = new Policies(shared);
  policies.sum(1);
  policies.update(KEY, 1, PolicyMode.Enforce, 0x1234, 0x56789abc, NOW);
  policies.update(OTHER_KEY, 2, PolicyMode.Shadow, 2, 0, NOW);
  policies.sum(1);
}

function pending(shared: Store, full: Store): void {
  const pending = new Pending(shared);
  const operation = newOperation();
  const length = packOperation(operation, true, packed);
  pending.has(KEY, OTHER_KEY);
  pending.read(KEY, OTHER_KEY);
  pending.add(KEY, OTHER_KEY, packed, length, NOW, 0, 0, 3, listener);
  for (let at = pending.first(KEY); at; at = pending.next(KEY)) listener.counted(at, pending.foundLength, 0);
  pending.rule(KEY, OTHER_KEY, 6, NOW + 1, NOW + 2, false);
  if (pending.read(KEY, OTHER_KEY)) release(unpackOperation(pending.copied, pending.copiedLength));
  operation.release();
  pending.sweep(8, NOW, listener);
  const others = new Pending(full);
  for (let i = 0; i < 150; i++) others.add(OTHER_KEY, i, packed, length, NOW, 0, 0, 3, listener);
  for (let i = 140; i < 150; i++) others.remove(OTHER_KEY, i);
  others.endScope(OTHER_KEY, 8, NOW, listener);
  others.sweep(8, NOW, listener);
}

function newOperation(): Operation {
  const operation = Operation.acquire();
  operation.method = Method.ToolsCall;
  operation.idKind = IdKind.Number;
  operation.fromServer = true;
  operation.server = OTHER_KEY;
  operation.caller = KEY;
  operation.idHash = KEY;
  operation.requestSize = 0x1234;
  operation.cursor = OTHER_KEY;
  operation.startedAt = NOW * 1_000_000;
  operation.session = KEY + 1;
  operation.callHash = KEY + 2;
  operation.task = KEY + 3;
  for (let kind = 0; kind < 8; kind++) operation.addTokens(kind, 0x100 + kind);
  operation.setName(name.at, name.length);
  operation.setClientName(name.at, 2);
  operation.span = changetype<usize>(newSpan());
  return operation;
}

function newSpan(): Span {
  const span = Span.acquire();
  span.traceHigh = KEY + 4;
  span.traceLow = KEY + 5;
  span.spanId = KEY + 6;
  span.parentId = KEY + 7;
  span.otherHigh = KEY + 8;
  span.otherLow = KEY + 9;
  span.otherId = KEY + 10;
  span.sessionHigh = KEY + 11;
  span.sessionLow = KEY + 12;
  span.startedAt = NOW * 1_000_000;
  span.firstByteAt = NOW * 1_000_000 + 1;
  span.queuedAt = NOW * 1_000_000 + 2;
  span.admittedAt = NOW * 1_000_000 + 3;
  span.progress = 0x1235;
  span.rule = 0x1236;
  span.ruleKind = <u8>RejectingRule.Several;
  span.other = <u8>OtherContext.Transport;
  span.isSampled = true;
  span.keepId(name.at, name.length);
  return span;
}

function sessions(shared: Store, full: Store): void {
  const sessions = new Sessions(shared, 1, new SessionsListener());
  const others = new Sessions(full, 16, new SessionsListener());
  memory.fill(changetype<usize>(session), 0, ENTRY_SIZE);
  session.hash = KEY;
  session.startedAtMs = NOW;
  session.activeAtMs = NOW + 1;
  session.idleSeconds = 1800;
  session.server = OTHER_KEY;
  session.revision = 4;
  session.client = 3;
  session.kind = <u8>SessionKind.HttpSse;
  session.caller = 0x1234;
  session.traceHigh = KEY + 13;
  session.traceLow = KEY + 14;
  sessions.insert(session);
  const news = changetype<SessionNews>(changetype<usize>(newsBytes));
  memory.fill(changetype<usize>(news), 0, SESSION_NEWS_SIZE);
  news.operations = 5;
  news.tokens = 6;
  news.activeAtMs = NOW + 2;
  news.isTraced = true;
  news.turn = clients(NOW + 1);
  news.calls = true;
  news.waits = true;
  sessions.update(KEY, news, NOW + 2);
  news.hasCalled = true;
  news.hasWaited = true;
  news.waits = false;
  sessions.update(KEY, news, NOW + 3);
  sessions.end(KEY, SessionEnd.Deleted, NOW + 3);
  session.hash = OTHER_KEY;
  sessions.insert(session);
  sessions.sweep(NOW);
  for (let i = 0; i < 40; i++) {
    session.hash = OTHER_KEY + i;
    others.insert(session);
  }
  others.sweep(NOW);
}

function toolLists(shared: Store): void {
  const lists = new ToolLists(shared);
  lists.load(KEY);
  memory.fill(tools, 0, 2 * LISTED_TOOL_SIZE);
  const tool = changetype<ListedTool>(tools + LISTED_TOOL_SIZE);
  tool.nameHash = KEY;
  tool.definitionHash = OTHER_KEY;
  lists.save(KEY, tools, 2);
  lists.lacks(KEY, OTHER_KEY);
  lists.load(KEY);
  assert(lists.count <= TOOL_LIMIT);
  lists.save(KEY + 1, tools, 1);
  lists.remove(KEY + 1);
}

function listPaths(shared: Store, full: Store): void {
  new ListPaths(shared).admit(KEY, OTHER_KEY);
  const others = new ListPaths(full);
  for (let i = 0; i < 2000; i++) others.admit(KEY + i / 50, i);
}

function marks(shared: Store, full: Store): void {
  const marks = new Marks(shared, "marks", 1);
  marks.set(1, 2, KEY);
  marks.get(1, 2);
  marks.replace(1, 3, 0, OTHER_KEY);
  marks.replace(1, 3, OTHER_KEY, 0);
  const others = new Marks(full, "marks", 1);
  for (let i = 0; i < 40; i++) others.set(2, i, i + 1);
}

/** Three per second. */
const rate = new Rate(3, 1000, 3);
const NOW_NS: u64 = NOW * 1_000_000;

function allowances(shared: Store, full: Store): void {
  // The allowances of a key, of an owner and of a scope.
  const allowances = new Allowances(shared, "limits", 2, WhenFull.Share);
  for (let key = 1; key <= 3; key++) {
    allowances.spend(OTHER_KEY, key, KEY, 1, rate, NOW_NS);
    allowances.refund(allowances.id, 1, rate, NOW_NS, NOW_NS);
    allowances.charge(OTHER_KEY, key, KEY, key, rate, NOW_NS);
    allowances.hasBalance(OTHER_KEY, key, KEY, rate, NOW_NS);
    assert(allowances.remaining <= 3);
  }
  allowances.spend(OTHER_KEY, 4, KEY + 1, 1, rate, NOW_NS);
  allowances.spend(OTHER_KEY, 5, KEY + 2, 1, rate, NOW_NS);
  while (!allowances.sweep(NOW_NS));
  allowances.readCount();
  assert(allowances.keys >= 0);
  for (let whenFull = WhenFull.Share; whenFull <= WhenFull.EvictOwn; whenFull++) {
    const others = new Allowances(full, "limits", 1 << 16, whenFull);
    for (let i = 0; i < 100; i++) others.spend(OTHER_KEY, i, i / 10, 1, rate, NOW_NS);
  }
}

function permits(shared: Store, full: Store): void {
  const slots = new WorkerSlots(shared);
  slots.claim(NOW);
  const permits = new Permits(shared, "permits");
  for (let i = 0; i < 3; i++) permits.acquire(KEY, OTHER_KEY, 4);
  permits.release(KEY, permits.holder);
  permits.release(KEY, OTHER_KEY);
  permits.finishReleases();
  for (let tick = 0; tick < 6; tick++) permits.sweep(slots, NOW);
  const others = new Permits(full, "permits");
  for (let i = 0; i < 200; i++) others.acquire(i, i / 10, 1);
}

function waiting(shared: Store, full: Store): void {
  const waiting = new WaitingWorkers(shared);
  waiting.announce(OTHER_KEY, 2, 3, NOW);
  waiting.announce(KEY, 1, 3, NOW);
  waiting.isAwaited(KEY, NOW);
  waiting.choose(KEY, NOW);
  waiting.served(KEY, 1, NOW);
  waiting.announce(KEY, 0, 3, NOW);
  const others = new WaitingWorkers(full);
  for (let i = 0; i < 600; i++) others.announce(i, 1, 3, NOW);
}

function rejections(shared: Store, full: Store): void {
  const errors = new RejectionErrors(shared);
  errors.find(KEY, OTHER_KEY, NOW);
  errors.add(KEY, OTHER_KEY, configuration.at, configuration.length, NOW);
  errors.add(KEY, KEY, name.at, name.length, NOW);
  errors.find(KEY, KEY, NOW);
  assert(errors.length <= ERROR_LIMIT);
  const others = new RejectionErrors(full);
  for (let i = 0; i < 200; i++) others.add(KEY, i, packed, ERROR_LIMIT, NOW);
}

function names(shared: Store): void {
  const list = new NameList(shared, "names", 5);
  for (let isKnown = 0; isKnown < 2; isKnown++) {
    list.open();
    while (list.next()) assert(list.at + list.length <= shared.page + PAGE_CAPACITY);
    if (list.hasRoom(name.length)) list.append(name.at, name.length, isKnown != 0);
  }
  list.open();
  if (list.next()) list.setKnown();
}

function numbers(shared: Store, full: Store): void {
  const numbers = new NumberSet(shared, "numbers", 20);
  numbers.add(KEY);
  numbers.add(OTHER_KEY);
  numbers.add(1);
  numbers.remove(1);
  numbers.has(KEY);
  assert(numbers.count <= 20);
  assert(numbers.values().length <= 20);
  const others = new NumberSet(full, "numbers", 20);
  for (let i = 0; i < 40; i++) others.add(i);
  assert(others.values().length <= 20);
}

class Rest extends NumberListener {
  published(name: u32, _number: u32): void {
    assert(name > 3);
  }
}

function slots(shared: Store): void {
  const rest = new Rest();
  const slots = new WorkerSlots(shared);
  const sums = new StaticArray<u32>(4);
  slots.sum(NOW, sums, rest);
  if (!slots.begin(NOW)) return;
  slots.put(1, 0x1234);
  slots.put(2, 0x5678);
  slots.end();
  slots.sum(NOW, sums, rest);
}

/** Values that consist of one or two numbers. */
function tasks(shared: Store, full: Store): void {
  const tasks = new Tasks(shared);
  tasks.load(OTHER_KEY, KEY);
  tasks.state = 3;
  tasks.tool = OTHER_KEY;
  tasks.name = name.at;
  tasks.nameLength = name.length;
  tasks.startedAtMs = NOW;
  tasks.save();
  const others = new Tasks(full);
  for (let i = 0; i < 10_000; i++) {
    others.load(OTHER_KEY, i);
    others.save();
  }
}

function small(shared: Store): void {
  new Lease(shared).tryAcquire(NOW, 3500);
  new KnownRoles(shared).add("client");
  assert(new KnownRoles(shared).values().length <= 2);
  new ServiceClock(shared).advance(NOW);
  new Secret(shared, new Numbers()).hashNumber(1);
  const endpoints = new Endpoints(new TestSharedData(), new Numbers());
  const target = endpoints.hash(1, name.at, name.length);
  const tail = endpoints.tailHash(name.at, name.length);
  endpoints.add(target, target, tail);
  endpoints.add(target, target, tail);
  endpoints.find(1, name.at, name.length);
  endpoints.find(2, name.at, name.length);
  endpoints.remove(target, target, tail);
}

/** Writes values over any previous content and reads them back. Returns the name of the first missing one; empty if there is
 *  none. */
export function unrecovered(space: i32): string {
  const shared = openStore(KEY, space);
  const marks = new Marks(shared, "marks", 1);
  marks.set(1, 2, KEY);
  if (marks.get(1, 2) != KEY) return "marks";
  const task = new Tasks(shared);
  task.load(KEY, 1);
  task.tool = KEY;
  task.name = name.at;
  task.nameLength = name.length;
  task.save();
  if (!task.load(KEY, 1) || task.tool != KEY || task.nameLength != name.length) return "tasks";
  if (memory.compare(task.name, name.at, name.length)) return "names of tasks";
  const lists = new ToolLists(shared);
  memory.fill(tools, 0, LISTED_TOOL_SIZE);
  lists.save(KEY, tools, 1);
  if (!lists.load(KEY) || lists.count != 1) return "lists";
  // A server without paths in the damaged value.
  if (!new ListPaths(shared).admit(KEY + 2, OTHER_KEY)) return "list paths";
  const numbers = new NumberSet(shared, "numbers", 20);
  if (!numbers.add(KEY) && numbers.values().length < 20) return "numbers";
  const list = new NameList(shared, "names", 5);
  list.open();
  while (list.next());
  if (list.hasRoom(name.length)) {
    list.append(name.at, name.length, true);
    list.open();
    let found = false;
    while (list.next()) found = name.equals(list.at, list.length);
    if (!found) return "names";
  }
  const pending = new Pending(shared);
  memory.fill(packed, 1, PACKED_LIMIT);
  pending.add(KEY, OTHER_KEY, packed, 8, NOW, 0, 0, 3, listener);
  if (!pending.remove(KEY, OTHER_KEY) || pending.copiedLength != 8) return "pending";
  const allowances = new Allowances(shared, "limits", 1, WhenFull.EvictOwn);
  allowances.spend(KEY, 1, KEY, 1, rate, NOW_NS);
  if (!allowances.spend(KEY, 1, KEY, 3, rate, NOW_NS + 2_000_000_000)) return "allowances";
  const claims = new Claims(shared);
  claims.load();
  claims.add(KEY);
  claims.save();
  claims.load();
  if (!claims.find(KEY)) return "claims";
  const errors = new RejectionErrors(shared);
  errors.add(KEY, 1, name.at, name.length, NOW);
  if (!errors.find(KEY, 1, NOW) || !name.equals(errors.at, errors.length)) return "rejections";
  new Policies(shared).update(OTHER_KEY, 1, PolicyMode.Enforce, 1, 0, NOW);
  if (!new Policies(shared).sum(1)) return "policies";
  new KeptConfigurations(shared).keep(KEY, configuration, false);
  return new KeptConfigurations(shared).isLatest(KEY, configuration) ? "" : "configurations";
}

/** The names of the enum members stored as numbers, in order. Together with the layouts, they are part of FORMAT. */
export function enumerations(): string {
  return (
    listOf(METHOD_COUNT, (i) => methodName(i)) +
    listOf(OUTCOME_COUNT, (i) => outcomeName(i)) +
    listOf(REVISION_COUNT, (i) => revisionName(i)) +
    listOf(STREAM_KIND_COUNT, (i) => streamKindName(i)) +
    listOf(TASK_STATE_COUNT, (i) => taskStateName(i)) +
    listOf(TOKEN_KIND_COUNT, (i) => tokenKindName(i)) +
    listOf(SESSION_KIND_COUNT, (i) => sessionKindName(i)) +
    listOf(SESSION_END_COUNT, (i) => sessionEndName(i))
  );
}

function listOf(count: i32, name: (index: i32) => string): string {
  let list = "";
  for (let i = 0; i < count; i++) list += (i ? "," : "") + name(i);
  return list + ";";
}
