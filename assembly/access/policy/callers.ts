import { SourceConfig, TextMatch } from "../../config/rules/rule_config";
import { Properties } from "../../host/properties";
import { Caller } from "../../identity/caller";
import { Claims } from "../../rules/claim";
import { Match } from "../../rules/match/match";
import { Source } from "../../rules/source";

/** Marks a match that has not been computed. */
const UNSEEN: u8 = 0xff;

/**
 * The callers that the rules of a policy cover. Rules with the same `from` share it, so that it is matched once for
 * each request.
 */
export class Callers {
  /** Some sources have IP blocks. */
  needAddress: bool = false;
  /** The distinct lists of sources, and for each list a text that identifies it. */
  private lists: Source[][] = [];
  private texts: string[] = [];
  /** Index into `lists` for each rule. */
  private listOf: u8[] = [];
  /** How each list matches the current caller, and how it matched the caller kept by {@link keep}: one byte per
   *  list. */
  private matches: u8[] = [];
  private kept: u8[] = [];
  private hasKept: bool = false;
  private caller: Caller = changetype<Caller>(0);
  private properties: Properties = changetype<Properties>(0);

  constructor(private claims: Claims) {}

  /** Adds the `from` of the next rule. Returns its sources, which rules may share. */
  add(configs: SourceConfig[]): Source[] {
    const text = textOf(configs);
    let list = this.texts.indexOf(text);
    if (list < 0) {
      const sources: Source[] = [];
      for (let i = 0; i < configs.length; i++) {
        sources.push(new Source(configs[i], this.claims));
        if (!configs[i].ipBlocks.isEmpty) this.needAddress = true;
      }
      list = this.texts.push(text) - 1;
      this.lists.push(sources);
      this.matches.push(UNSEEN);
      this.kept.push(UNSEEN);
    }
    this.listOf.push(<u8>list);
    return this.lists[list];
  }

  /** Begins another request. The host's values must come from one callback. */
  begin(caller: Caller, properties: Properties): void {
    this.caller = caller;
    this.properties = properties;
    memory.fill(this.matches.dataStart, UNSEEN, this.matches.length);
  }

  /** Whether the rule of this index covers the caller. A rule without sources covers all callers. */
  match(rule: i32): Match {
    return this.matchList(unchecked(this.listOf[rule]));
  }

  /** Keeps how the rules match the current caller, as far as this was computed. */
  keep(): void {
    memory.copy(this.kept.dataStart, this.matches.dataStart, this.matches.length);
    this.hasKept = true;
  }

  /** Whether the rules match the current caller in the same way as the kept one, as far as this was computed for the
   *  kept one. If so, any result that depends only on these matches is the same. */
  get isAsKept(): bool {
    if (!this.hasKept) return false;
    for (let list = 0; list < this.kept.length; list++) {
      const kept = unchecked(this.kept[list]);
      if (kept != UNSEEN && kept != this.matchList(list)) return false;
    }
    return true;
  }

  private matchList(list: i32): Match {
    const known = unchecked(this.matches[list]);
    if (known != UNSEEN) return known;
    const sources = unchecked(this.lists[list]);
    let best = sources.length ? Match.No : Match.Yes;
    for (let i = 0; i < sources.length && best != Match.Yes; i++) {
      best = max(best, unchecked(sources[i]).match(this.caller, this.properties));
    }
    unchecked((this.matches[list] = <u8>best));
    return best;
  }
}

/** A text that is equal for two lists of sources only if they have the same meaning. */
function textOf(sources: SourceConfig[]): string {
  let text = "";
  for (let i = 0; i < sources.length; i++) {
    const source = sources[i];
    text += source.isAnonymous ? "{anonymous" : "{";
    text += textOfMatch(source.principals) + textOfMatch(source.trustDomains) + textOfMatch(source.ipBlocks);
    for (let j = 0; j < source.claims.length; j++) {
      const claim = source.claims[j];
      text += textOfAll(claim.path) + textOfMatch(claim.match);
    }
  }
  return text;
}

function textOfMatch(match: TextMatch): string {
  return textOfAll(match.values) + textOfAll(match.notValues);
}

/** Joins the texts, each with its length before it, so that different lists give different texts. */
function textOfAll(texts: string[]): string {
  let all = "[";
  for (let i = 0; i < texts.length; i++) all += texts[i].length.toString() + ":" + texts[i];
  return all;
}
