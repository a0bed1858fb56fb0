import { PluginConfig } from "../../config/plugin_config";
import { elapsed } from "../../memory/elapsed";
import { mix } from "../../memory/bytes";
import { Table } from "../../memory/table";
import { Claim, ClaimFlag, Claims, isBeatDue, isLive } from "../../store/claims";
import { ATTEMPTS, Store } from "../../store/primitives/store";
import { AppliedConfiguration } from "./applied_configuration";
import { Stage } from "../../gate/stage/stage";

/** From when on, after a configuration took the lead, a connection can prove that another one has returned; and how long it
 *  must then have a higher id than any that the leader has seen. Three and two ticks. */
const SETTLING_MS: u64 = 3000;
const PROOF_MS: u64 = 2000;
/** Envoy counts connections from 1 on. QUIC's ids are hashes, which say nothing of time. */
const CONNECTION_LIMIT: u64 = 1 << 40;
/** Connections of both, each newer than the other's before, that show the same. */
const ALTERNATIONS: i32 = 3;
/** Two configurations that take the lead from each other within this time both receive new connections. */
const ALTERNATION_MS: u64 = 60_000;

/** Configurations that a VM remembers at most. Then it forgets all, and those in use are remembered again on their next tick. */
const MEMORY_LIMIT: i32 = 512;

/** The generation at which this VM last had each configuration of each group. */
let generations = new Table(64);

/**
 * The part of a plugin instance in deciding which configuration of its group leads. An update leaves older instances in
 * service for connections that are open, and the policy of the newest configuration is to hold for these, too.
 *
 * A configuration that is new to the group takes the lead, and one that returns by a call. One can also return without a
 * call, if Envoy still has an instance of it that drains. Streams alone do not prove that: those of a draining instance
 * look alike. But it gets no new connections, and connection ids rise with time. Where the leader has no policy and
 * never had a stream, any connection that is first seen after it settled is taken as the proof, so that a policy that returns
 * holds everywhere. If that is wrong, as for a connection that was idle until then, the leader's first connection corrects it.
 */
export class Leadership {
  /** Whether this configuration, or one that is applied alike, leads. */
  leads: bool = true;
  /** Whether the ids of connections are needed: several configurations are alive, and one has a policy. */
  needsConnections: bool = false;
  /** The leading configuration where it is another one and has a policy; null where it has none. */
  newer: Newer | null = null;
  /** Live configurations of the group that are applied otherwise than the leading one, where one of them has a policy. */
  outdated: i32 = 0;
  /** A sign that instances of the group are not successors of each other: two of them receive new connections. */
  alternates: bool = false;
  hasClaimed: bool = false;
  hadStreams: bool = false;
  /** The service time of the last tick. */
  private nowMs: u64 = 0;
  private generation: u64 = 0;
  /** The highest connection id that this instance has seen. */
  private connection: u64 = 0;
  /** Connections up to this id prove nothing. */
  private floor: u64 = 0;
  /** A connection that may prove that this configuration has returned, and when it came; 0: none. */
  private candidate: u64 = 0;
  private candidateAtMs: u64 = 0;
  /** How often such a connection was followed by a newer one of the leader. */
  private overtaken: i32 = 0;
  private leaderConnection: u64 = 0;
  /** See {@link isComparable}. */
  private isLeaderComparable: bool = false;
  private leaderClaimedAtMs: u64 = 0;
  private isChanged: bool = false;
  private claims: Claims;

  /** @param group a hash of what the group has in common. */
  constructor(
    shared: Store,
    private group: u64,
  ) {
    this.claims = new Claims(shared);
  }

  /** A configuration that was just settled: its claim is to be made anew. */
  reset(): void {
    this.hasClaimed = false;
    this.candidate = 0;
  }

  /** Whether any configuration of the group served streams, this one did, or one alive has a policy: of another role's group
   *  these decide whether an instance without a configured role belongs to it. */
  isKnown(): bool {
    return this.anyClaim(ClaimFlag.HadStreams);
  }

  isProtected(): bool {
    return this.anyClaim(ClaimFlag.HasPolicy);
  }

  isServedBy(key: u64): bool {
    this.claims.load();
    const claim = this.claims.find(key);
    return claim != null && (claim.flags & ClaimFlag.HadStreams) != 0;
  }

  /** Whether a configuration served streams of this group and of another one. */
  sharesWith(other: Leadership): bool {
    this.claims.load();
    const keys: u64[] = [];
    for (let i = 0; i < this.claims.count; i++) {
      if (this.claims.at(i).flags & ClaimFlag.HadStreams) keys.push(this.claims.at(i).key);
    }
    for (let i = 0; i < keys.length; i++) {
      if (other.isServedBy(keys[i])) return true;
    }
    return false;
  }

  private anyClaim(flag: ClaimFlag): bool {
    this.claims.load();
    for (let i = 0; i < this.claims.count; i++) {
      if (this.claims.at(i).flags & flag) return true;
    }
    return false;
  }

  /** A stream on a connection of this id. */
  saw(connection: u64): void {
    if (connection == 0 || connection >= CONNECTION_LIMIT) return;
    this.connection = max(this.connection, connection);
    if (this.leads || this.candidate || connection <= this.floor) return;
    if (elapsed(this.leaderClaimedAtMs, this.nowMs) < SETTLING_MS) return;
    if (!this.isLeaderComparable || connection <= this.leaderConnection) return;
    this.candidate = connection;
    this.candidateAtMs = this.nowMs;
  }

  /** Claims, renews the claim, and finds out what leads. To be called when the configuration settles and on each tick, with
   *  the service time. True where this configuration has just taken the lead. */
  refresh(applied: AppliedConfiguration, nowMs: u64): bool {
    this.nowMs = nowMs;
    const claims = this.claims;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      claims.load();
      this.isChanged = false;
      const claim = this.hasClaimed ? this.renew(applied, nowMs) : this.enter(applied, nowMs);
      const took = this.compete(claim, applied, nowMs);
      if (this.isChanged && !claims.save()) continue;
      this.hasClaimed = true;
      this.generation = claim.generation;
      if (generations.size >= MEMORY_LIMIT) generations = new Table(64);
      generations.set(this.memoryKey(applied), claim.generation);
      this.observe(claim, applied, nowMs);
      return took;
    }
    return false;
  }

  /** This instance has no part in the group any more. */
  leave(applied: AppliedConfiguration): void {
    if (!this.hasClaimed) return;
    this.hasClaimed = false;
    this.leads = true;
    this.needsConnections = false;
    this.newer = null;
    this.outdated = 0;
    const claims = this.claims;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      claims.load();
      const claim = claims.find(applied.key);
      if (!claim || claim.flags & ClaimFlag.HadStreams) return;
      claim.beatAtMs = 0;
      if (claims.save()) return;
    }
  }

  private memoryKey(applied: AppliedConfiguration): u64 {
    return mix(this.group ^ mix(applied.key)) | 1;
  }

  /** The first claim of this instance. */
  private enter(applied: AppliedConfiguration, nowMs: u64): Claim {
    const claims = this.claims;
    let claim = claims.find(applied.key);
    let isNew = false;
    if (!claim) {
      claim = claims.add(applied.key);
      isNew = true;
    } else {
      // A worker that is late with an older configuration must not take the lead. A VM that had it before, and knows of all
      // that came since, has been called anew: it has returned. Even the leading one gets a new generation then, or a worker
      // that is late with this call would count it as a second return, and lead in place of a newer configuration.
      isNew = !isLive(claim, nowMs) || generations.get(this.memoryKey(applied)) == claim.generation;
    }
    this.isChanged = true;
    claim.beatAtMs = nowMs;
    this.describe(claim, applied);
    if (isNew) this.promote(claim, applied, nowMs);
    return claim;
  }

  private renew(applied: AppliedConfiguration, nowMs: u64): Claim {
    let claim = this.claims.find(applied.key);
    if (!claim) {
      // It had to make room for others.
      claim = this.claims.add(applied.key);
      claim.generation = this.generation;
    }
    if (isBeatDue(claim, nowMs)) {
      claim.beatAtMs = nowMs;
      this.isChanged = true;
    }
    this.describe(claim, applied);
    return claim;
  }

  /** Writes down what the instance applies and has seen. */
  private describe(claim: Claim, applied: AppliedConfiguration): void {
    let flags: u32 = claim.flags & ClaimFlag.HadStreams;
    if (this.hadStreams) flags |= ClaimFlag.HadStreams;
    if (applied.hasPolicy) flags |= ClaimFlag.HasPolicy;
    if (applied.isClosed) flags |= ClaimFlag.IsClosed;
    if (claim.effective == applied.effective && claim.flags == flags && claim.connection >= this.connection) return;
    claim.effective = applied.effective;
    claim.flags = flags;
    claim.connection = max(claim.connection, this.connection);
    this.isChanged = true;
  }

  /** Takes the lead where it is due. True if so. */
  private compete(claim: Claim, applied: AppliedConfiguration, nowMs: u64): bool {
    const claims = this.claims;
    const head = claims.head;
    if (head.key == claim.key) {
      const isSame =
        head.effective == claim.effective && (head.flags & ClaimFlag.HasPolicy) == (claim.flags & ClaimFlag.HasPolicy);
      if (!isSame) this.lead(claim, applied);
      return !this.leads;
    }
    const leader = claims.find(head.key);
    if (!leader || !isLive(leader, nowMs)) {
      if (!claims.isNewest(claim, nowMs)) return false;
      this.lead(claim, applied);
      return true;
    }
    if (!this.isProved(claim, leader, nowMs)) return false;
    const isRecent = elapsed(leader.claimedAtMs, nowMs) < ALTERNATION_MS;
    if (claim.proofs && leader.proofs && isRecent) this.reportAlternation(nowMs);
    claim.proofs++;
    this.promote(claim, applied, nowMs);
    return true;
  }

  /** Whether a connection proves that this configuration has returned. */
  private isProved(claim: Claim, leader: Claim, nowMs: u64): bool {
    if (elapsed(leader.claimedAtMs, nowMs) < SETTLING_MS) {
      this.floor = max(claim.connection, this.connection);
      this.candidate = 0;
    }
    if (!isComparable(leader)) this.candidate = 0;
    if (!this.candidate) return false;
    if (this.candidate <= leader.connection) {
      // Both have connections that are newer than the other's were.
      if (++this.overtaken >= ALTERNATIONS) this.reportAlternation(nowMs);
      this.candidate = 0;
      return false;
    }
    return elapsed(this.candidateAtMs, nowMs) >= PROOF_MS;
  }

  /** Writes down that this configuration and the leading one both receive new connections. */
  private reportAlternation(nowMs: u64): void {
    const head = this.claims.head;
    this.overtaken = 0;
    if (head.alternatedAtMs && elapsed(head.alternatedAtMs, nowMs) < ALTERNATION_MS / 2) return;
    head.alternatedAtMs = nowMs;
    this.isChanged = true;
  }

  private promote(claim: Claim, applied: AppliedConfiguration, nowMs: u64): void {
    claim.generation = ++this.claims.head.generation;
    claim.claimedAtMs = nowMs;
    this.lead(claim, applied);
  }

  private lead(claim: Claim, applied: AppliedConfiguration): void {
    this.claims.lead(claim, applied.bytes);
    this.isChanged = true;
  }

  /** Takes down what the claims say. */
  private observe(claim: Claim, applied: AppliedConfiguration, nowMs: u64): void {
    const claims = this.claims;
    const head = claims.head;
    this.leads = head.key == claim.key || head.effective == claim.effective;
    let outdated = 0;
    let hasPolicy = (head.flags & ClaimFlag.HasPolicy) != 0;
    for (let i = 0; i < claims.count; i++) {
      const other = claims.at(i);
      if (!isLive(other, nowMs) || other.effective == head.effective) continue;
      outdated++;
      if (other.flags & ClaimFlag.HasPolicy) hasPolicy = true;
    }
    this.outdated = hasPolicy ? outdated : 0;
    this.needsConnections = this.outdated > 0;
    this.alternates = head.alternatedAtMs != 0 && elapsed(head.alternatedAtMs, nowMs) < ALTERNATION_MS;
    const leader = claims.find(head.key);
    const claimedAtMs = leader ? leader.claimedAtMs : 0;
    if (this.leads || claimedAtMs != this.leaderClaimedAtMs) this.candidate = 0;
    this.leaderClaimedAtMs = claimedAtMs;
    this.leaderConnection = leader ? leader.connection : 0;
    this.isLeaderComparable = leader != null && isComparable(leader);
    if (this.leads || (head.flags & ClaimFlag.HasPolicy) == 0) {
      this.newer = null;
      return;
    }
    const known = this.newer;
    if (!known || known.effective != head.effective) this.newer = Newer.read(claims);
  }
}

/** Whether a connection can prove that another configuration has returned after this one. Where this one has shown no id,
 *  only if it never had a stream, and no policy that a wrong proof would lift. */
function isComparable(leader: Claim): bool {
  return leader.connection != 0 || !(leader.flags & (ClaimFlag.HadStreams | ClaimFlag.HasPolicy));
}

/** The leading configuration, as an instance reads it that does not lead. */
export class Newer {
  /** The stage that decides by its policy; null until the first stream comes. */
  stage: Stage | null = null;

  private constructor(
    readonly effective: u64,
    /** Null where this module cannot read it. */
    readonly config: PluginConfig | null,
  ) {}

  static read(claims: Claims): Newer {
    const head = claims.head;
    const isClosed = (head.flags & ClaimFlag.IsClosed) != 0;
    const isTooLong = (head.flags & ClaimFlag.IsTooLong) != 0;
    if (isTooLong) return new Newer(head.effective, null);
    return new Newer(head.effective, AppliedConfiguration.parse(claims.bytes, claims.bytesLength, isClosed));
  }
}
