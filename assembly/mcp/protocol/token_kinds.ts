/** The role of a text for a model: the label `mcp_token_kind`. */
export enum TokenKind {
  /** The arguments of a tool call, which the model wrote. */
  Arguments,
  /** The part of a tool result that a model reads: its text contents or, if these have no text, its structured content. */
  Result,
  /** The structured content of a tool result that also has text. Most servers send the same content twice. */
  Structured,
  /** The definitions of tools, prompts and resources in lists. */
  Definitions,
  /** The messages of a prompt. */
  Prompt,
  /** The text contents of a resource. */
  Resource,
  /** A server's request to the client's model. */
  SamplingRequest,
  /** The response of the client's model. */
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

/** Whether texts of this kind repeat texts of another kind. A model reads only one of the two. */
export function isRepetition(kind: TokenKind): bool {
  return kind == TokenKind.Structured;
}

/** Settings of the token estimates. */
export class TokenSettings {
  constructor(
    /** Whether tokens are estimated. */
    readonly estimate: bool,
    /** The maximum number of bytes of text per message that are read completely. Longer texts are sampled. */
    readonly maxBytes: u32,
    /** The factor by which estimates are multiplied, to match other tokenizers. */
    readonly scale: f64,
  ) {}
}
