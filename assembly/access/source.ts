import { SourceConfig } from "../config/access/access_config";
import { Cidr } from "../config/values/cidr";
import { Properties } from "../host/properties";
import { startsWithText } from "../memory/bytes";
import { Caller } from "./caller";
import { Claim, Claims } from "./claim";
import { Match, not } from "./match";
import { Patterns } from "./pattern";

const SPIFFE = "spiffe://";
const SLASH: u8 = 0x2f;

/** Who may be meant by a rule: one of its `from`. */
export class Source {
  private principals: Patterns;
  private trustDomains: Patterns;
  private blocks: Cidr[];
  private notBlocks: Cidr[];
  private claims: Claim[] = [];
  private claimPatterns: Patterns[] = [];
  private isAnonymous: bool;

  constructor(config: SourceConfig, claims: Claims) {
    this.principals = new Patterns(config.principals);
    this.trustDomains = new Patterns(config.trustDomains);
    this.blocks = config.ipBlocks.values.map<Cidr>((text) => Cidr.parse(text)!);
    this.notBlocks = config.ipBlocks.notValues.map<Cidr>((text) => Cidr.parse(text)!);
    for (let i = 0; i < config.claims.length; i++) {
      this.claims.push(claims.named(config.claims[i].path));
      this.claimPatterns.push(new Patterns(config.claims[i].match));
    }
    this.isAnonymous = config.isAnonymous;
  }

  match(caller: Caller, properties: Properties): Match {
    let match = this.isAnonymous && !caller.isAnonymous ? Match.No : Match.Yes;
    if (!this.principals.isEmpty) match = min(match, this.matchPrincipal(caller));
    if (match != Match.No && !this.trustDomains.isEmpty) match = min(match, this.matchTrustDomain(caller));
    if (match != Match.No) match = min(match, this.matchAddress(caller));
    for (let i = 0; i < this.claims.length && match != Match.No; i++) {
      match = min(match, unchecked(this.claims[i]).match(properties, this.claimPatterns[i]));
    }
    return match;
  }

  /** No principal is a principal of its own: no pattern stands for it. */
  private matchPrincipal(caller: Caller): Match {
    if (caller.isAnonymous) return this.principals.matchNothing();
    return this.principals.match(caller.at, caller.length, caller.isCut);
  }

  /** Of a SPIFFE ID (SPIFFE-ID, section 2.1) what stands before its path. */
  private matchTrustDomain(caller: Caller): Match {
    if (!startsWithText(caller.at, caller.length, SPIFFE)) return this.trustDomains.matchNothing();
    const from = SPIFFE.length;
    let to = from;
    while (to < caller.length && load<u8>(caller.at + to) != SLASH) to++;
    return this.trustDomains.match(caller.at + from, to - from, false);
  }

  private matchAddress(caller: Caller): Match {
    if (this.blocks.length == 0 && this.notBlocks.length == 0) return Match.Yes;
    if (caller.addressSize == 0) return Match.Unknown;
    const excluded = not(inAny(this.notBlocks, caller));
    return this.blocks.length ? min(inAny(this.blocks, caller), excluded) : excluded;
  }
}

function inAny(blocks: Cidr[], caller: Caller): Match {
  for (let i = 0; i < blocks.length; i++) {
    if (unchecked(blocks[i]).holds(caller.address, caller.addressSize)) return Match.Yes;
  }
  return Match.No;
}
