/** Whether decisions are enforced. */
export enum RuleMode {
  Enforce,
  /** Decisions are counted and logged, and everything passes. */
  Shadow,
}

export const RULE_MODES: string[] = ["enforce", "shadow"];

/** The form of the answer to a denied request. */
export enum DenialForm {
  /** HTTP 200 and a JSON-RPC error. */
  Error,
  /** HTTP 200 and, for a tool call, a result with `isError: true`; otherwise a JSON-RPC error. */
  Result,
  /** An HTTP status and a JSON-RPC error. */
  Status,
}

export const DENIAL_FORMS: string[] = ["error", "result", "status"];

/** The direction of a request. */
export enum MessageDirection {
  ClientToServer,
  ServerToClient,
}

export const MESSAGE_DIRECTIONS: string[] = ["client_to_server", "server_to_client"];

/** Patterns in which `*` matches any number of bytes. One of `values` must match, and none of `notValues`. */
export class TextMatch {
  values: string[] = [];
  notValues: string[] = [];

  get isEmpty(): bool {
    return this.values.length == 0 && this.notValues.length == 0;
  }
}

/** A claim of a verified JWT, by its path (`["realm_access", "roles"]`). For a list, one element must match. */
export class ClaimConfig {
  path: string[] = [];
  match: TextMatch = new TextMatch();
}

/** The callers that a rule covers. All fields must match. */
export class SourceConfig {
  principals: TextMatch = new TextMatch();
  trustDomains: TextMatch = new TextMatch();
  /** CIDR blocks. */
  ipBlocks: TextMatch = new TextMatch();
  claims: ClaimConfig[] = [];
  /** Covers only callers without a principal. */
  isAnonymous: bool = false;
}

/** The messages that a rule covers. All fields must match. */
export class OperationConfig {
  methods: TextMatch = new TextMatch();
  tools: TextMatch = new TextMatch();
  prompts: TextMatch = new TextMatch();
  resources: TextMatch = new TextMatch();
  servers: TextMatch = new TextMatch();
  direction: MessageDirection = MessageDirection.ClientToServer;
}

/** The subject of a {@link ConditionConfig}. */
export enum ConditionKey {
  ProtocolVersion,
  ClientName,
  /** An argument of a tool or prompt. */
  Argument,
}

/** The JSON types that can be compared. */
export enum ScalarKind {
  Text,
  Number,
  Boolean,
}

export const SCALAR_KINDS: i32 = 3;

/** A further condition. */
export class ConditionConfig {
  key: ConditionKey = ConditionKey.Argument;
  /** For an argument: its path. */
  path: string[] = [];
  /** What the value must and must not be, by its {@link ScalarKind}. Numbers and booleans are kept as written in
   *  JSON. */
  readonly matches: TextMatch[] = [new TextMatch(), new TextMatch(), new TextMatch()];

  get text(): TextMatch {
    return this.matches[ScalarKind.Text];
  }

  get isEmpty(): bool {
    for (let i = 0; i < SCALAR_KINDS; i++) {
      if (!this.matches[i].isEmpty) return false;
    }
    return true;
  }

  /** Whether the condition compares only strings. */
  get isTextual(): bool {
    return this.matches[ScalarKind.Number].isEmpty && this.matches[ScalarKind.Boolean].isEmpty;
  }
}
