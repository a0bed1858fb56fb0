import { TOKEN_KIND_COUNT, TokenKind, tokenKindName } from "../../mcp/protocol/token_kinds";
import { parseDuration } from "../values/duration";
import { JsonType, JsonValue } from "../values/json_value";
import { Problems, itemPath } from "../values/problems";
import { RateConfig } from "./limits_config";

const MAX_AMOUNT: i32 = 1_000_000_000;
const MIN_PERIOD_MS: i64 = 1000;
/** 30 days. */
const MAX_PERIOD_MS: i64 = 2_592_000_000;
const PERIOD_FORM = 'a duration from 1s to 720h, like "1m"';

const RATE_FIELDS: string[] = ["amount", "per", "burst"];
const TOKEN_FIELDS: string[] = ["amount", "per", "burst", "kinds"];
const REPEAT_FIELDS: string[] = ["amount", "per"];

/** The kinds of tokens that a model reads, one bit for each {@link TokenKind}. */
const READ_BY_MODELS: u32 =
  (1 << TokenKind.Result) | (1 << TokenKind.Definitions) | (1 << TokenKind.Prompt) | (1 << TokenKind.Resource);

/** Reads what a limit allows in each period. */
export class RateReader {
  /** The token kinds of the last {@link readTokens}. */
  tokenKinds: u32 = 0;

  constructor(private problems: Problems) {}

  readRequests(path: string, value: JsonValue): RateConfig {
    return this.read(path, value, RATE_FIELDS);
  }

  /** Reads a limit on tokens. Leaves their kinds in `tokenKinds`. */
  readTokens(path: string, value: JsonValue): RateConfig {
    this.tokenKinds = READ_BY_MODELS;
    return this.read(path, value, TOKEN_FIELDS);
  }

  readRepeats(path: string, value: JsonValue): RateConfig {
    return this.read(path, value, REPEAT_FIELDS);
  }

  private read(path: string, value: JsonValue, fields: string[]): RateConfig {
    const rate = new RateConfig();
    const problems = this.problems;
    if (!problems.isObject(path, value)) return rate;
    let hasPeriod = false;
    let amount = 0;
    let burst = 0;
    for (let i = 0; i < value.items.length; i++) {
      const name = value.names[i];
      const item = value.items[i];
      const at = path + "." + name;
      if (!fields.includes(name)) {
        problems.refused(path, name, fields);
      } else if (name == "amount") {
        amount = problems.integer(at, item, 1, MAX_AMOUNT, 1);
      } else if (name == "per") {
        hasPeriod = true;
        const milliseconds = item.type == JsonType.String && !item.isCut ? parseDuration(item.text) : -1;
        if (milliseconds >= MIN_PERIOD_MS && milliseconds <= MAX_PERIOD_MS) rate.periodMs = milliseconds;
        else problems.expected(at, PERIOD_FORM, item);
      } else if (name == "burst") {
        burst = problems.integer(at, item, 1, MAX_AMOUNT, 1);
      } else {
        this.tokenKinds = this.readKinds(at, item);
      }
    }
    if (amount == 0) problems.error(path + ".amount", "expected an integer from 1 to " + MAX_AMOUNT.toString());
    if (!hasPeriod) problems.error(path + ".per", "expected " + PERIOD_FORM);
    rate.amount = max(amount, 1);
    rate.burst = burst ? burst : rate.amount;
    return rate;
  }

  private readKinds(path: string, value: JsonValue): u32 {
    if (!this.problems.isArray(path, "an array of kinds", value)) return READ_BY_MODELS;
    if (value.items.length == 0) this.problems.error(path, "expected at least one kind");
    const names: string[] = [];
    for (let i = 0; i < TOKEN_KIND_COUNT; i++) names.push(tokenKindName(<TokenKind>i));
    let kinds: u32 = 0;
    for (let i = 0; i < value.items.length; i++) {
      kinds |= 1 << this.problems.word(itemPath(path, i), value.items[i], names, TokenKind.Result);
    }
    return kinds;
  }
}
