/** What a text is to a model: the label `mcp_token_kind`. */
export enum TokenKind {
  /** Of a tool call: the model wrote them. */
  Arguments,
  /** Of a tool's result what a model reads: its text contents or, where these have no text, its structured content. */
  Result,
  /** The structured content of a tool's result that has text as well: most servers send the same twice. */
  Structured,
  /** Tools, prompts and resources in lists. */
  Definitions,
  /** Messages of a prompt. */
  Prompt,
  /** Text contents of a resource. */
  Resource,
  /** What a server asks the client's model. */
  SamplingRequest,
  /** What the client's model answers. */
  SamplingResult,
}

export const TOKEN_KIND_COUNT: i32 = 8;

const NAMES: string[] = [
  "arguments",
  "result",
  "structured",
  "definitions",
  "prompt",
  "resource",
  "sampling_request",
  "sampling_result",
];

export function tokenKindName(kind: TokenKind): string {
  return NAMES[kind];
}

/** Whether what has this kind repeats what has another one: a model reads one of the two. */
export function isRepetition(kind: TokenKind): bool {
  return kind == TokenKind.Structured;
}

/** How tokens are estimated. */
export class TokenSettings {
  constructor(
    /** Estimate at all. */
    readonly estimate: bool,
    /** Bytes of text read exactly, a message. */
    readonly maxBytes: u32,
    /** What an estimate is multiplied by, for other tokenizers. */
    readonly scale: f64,
  ) {}
}
