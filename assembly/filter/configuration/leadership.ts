import { PluginConfig } from "../../config/plugin_config";
import { elapsed } from "../../memory/elapsed";
import { mix } from "../../memory/bytes";
import { Table } from "../../memory/table";
import { Claim, ClaimFlag, Claims, isBeatDue, isLive } from "../../store/claims";
import { ATTEMPTS, Store } from "../../store/primitives/store";
import { AppliedConfiguration } from "./applied_configuration";
import { Stage } from "../../gate/stage/stage";

/**
 * Time after a configuration took the lead before a connection can prove that another one has returned (three ticks),
 * and time for which that connection must then have a higher id than any the leader has seen (two ticks).
 */
const SETTLING_MS: u64 = 3000;
const PROOF_MS: u64 = 2000;
/** Envoy numbers TCP connections from 1. QUIC connection ids are hashes, which have no order in time. */
const CONNECTION_LIMIT: u64 = 1 << 40;
/** Number of alternating new connections after which both configurations are reported to receive new connections. */
const ALTERNATIONS: i32 = 3;
/** Two configurations that take the lead from each other within this time both receive new connections. */
const ALTERNATION_MS: u64 = 60_000;

/**
 * Maximum number of configurations that a VM remembers. A full table is cleared, and the configurations in use are
 * added again on their next tick.
 */
const MEMORY_LIMIT: i32 = 512;

/** The generation at which this VM last had each configuration of each group. */
let generations = new Table(64);

/**
 * Decides, for one plugin instance, which configuration of its group leads. An update leaves older instances in service
 * for connections that are open, and the policy of the newest configuration must apply to these too.
 *
 * A configuration that is new to the group takes the lead, and so does one that returns by a call. A configuration can
 * also return without a call, if Envoy still has a draining instance of it. Streams alone do not prove that, because a
 * draining instance has streams too. But it gets no new connections, and connection ids rise with time. If the leader
 * has no policy and never had a stream, any connection that is first seen after it settled counts as proof, so that a
 * returning policy applies everywhere. If that is wrong, as for a connection that was idle until then, the leader's
 * first connection corrects it.
 */
export class Leadership {
  /** Whether this configuration, or one with the same effect, leads. */
  leads: bool = true;
  /** Whether connection ids are needed: several configurations are alive, and one has a policy. */
  needsConnections: bool = false;
  /** The leading configuration if it is another one and has a policy; otherwise null. */
  newer: Newer | null = null;
  /** Number of live configurations of the group whose effect differs from the leading one's; 0 if none of them has a
   *  policy. */
  outdated: i32 = 0;
  /** Instances of the group are not successors of each other: two of them receive new connections. */
  alternates: bool = false;
  hasClaimed: bool = false;
  hadStreams: bool = false;
  /** Service time of the last tick. */
  private nowMs: u64 = 0;
  private generation: u64 = 0;
  /** The highest connection id that this instance has seen. */
  private connection: u64 = 0;
  /** Connections up to this id prove nothing. */
  private floor: u64 = 0;
  /** A connection that may prove that this configuration has returned, and the service time when it was seen; 0 for
   *  none. */
  private candidate: u64 = 0;
  private candidateAtMs: u64 = 0;
  /** How often a candidate connection was followed by a newer connection of the leader. */
  private overtaken: i32 = 0;
  private leaderConnection: u64 = 0;
  /** See {@link isComparable}. */
  private isLeaderComparable: bool = false;
  private leaderClaimedAtMs: u64 = 0;
  private isChanged: bool = false;
  private claims: Claims;

  /** @param group hash of the plugin, instance and role that the group shares */
  constructor(
    shared: Store,
    private group: u64,
  ) {
    this.claims = new Claims(shared);
  }

  /** Resets the claim of a configuration that was just settled, so that it claims again. */
  reset(): void {
    this.hasClaimed = false;
    this.candidate = 0;
  }

  /** Whether any configuration of the group served streams. Together with {@link isServedBy} and {@link
   *  isProtected}, this decides whether an instance without a configured role belongs to a role's group. */
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

  /** Whether one configuration served streams of both this group and another one. */
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

  /** Records that a stream arrived on a connection of this id. */
  saw(connection: u64): void {
    if (connection == 0 || connection >= CONNECTION_LIMIT) return;
    this.connection = max(this.connection, connection);
    if (this.leads || this.candidate || connection <= this.floor) return;
    if (elapsed(this.leaderClaimedAtMs, this.nowMs) < SETTLING_MS) return;
    if (!this.isLeaderComparable || connection <= this.leaderConnection) return;
    this.candidate = connection;
    this.candidateAtMs = this.nowMs;
  }

  /** Claims or renews the claim, and determines which configuration leads. Called when the configuration settles and
   *  on each tick, with the service time. True if this configuration has just taken the lead. */
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

  /** Withdraws this instance from the group. */
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

  /** Makes the first claim of this instance. */
  private enter(applied: AppliedConfiguration, nowMs: u64): Claim {
    const claims = this.claims;
    let claim = claims.find(applied.key);
    let isNew = false;
    if (!claim) {
      claim = claims.add(applied.key);
      isNew = true;
    } else {
      // A worker that receives an older configuration late must not take the lead. A VM that had the configuration
      // before, and knows all later ones, has been called again: the configuration has returned. Even the leading one
      // gets a new generation then. Otherwise a worker that receives this call late would count it as a second return,
      // and lead in place of a newer configuration.
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
      // The claim had been evicted to make room for others.
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

  /** Updates the claim with what the instance applies and has seen. */
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

  /** Takes the lead if this configuration should lead. True if it has just taken it. */
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
      // Both configurations have a connection that is newer than the other's previous one.
      if (++this.overtaken >= ALTERNATIONS) this.reportAlternation(nowMs);
      this.candidate = 0;
      return false;
    }
    return elapsed(this.candidateAtMs, nowMs) >= PROOF_MS;
  }

  /** Records that this configuration and the leading one both receive new connections. */
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

  /** Updates this object from the claims. */
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

/**
 * Whether a connection can prove that another configuration has returned after this one. If this one has shown no
 * connection id, it can only if this one never had a stream and has no policy that a wrong proof would lift.
 */
function isComparable(leader: Claim): bool {
  return leader.connection != 0 || !(leader.flags & (ClaimFlag.HadStreams | ClaimFlag.HasPolicy));
}

/** The leading configuration, as read by an instance that does not lead. */
export class Newer {
  /** The stage that applies its policy; null until the first stream. */
  stage: Stage | null = null;

  private constructor(
    readonly effective: u64,
    /** Null if this module cannot read it. */
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
