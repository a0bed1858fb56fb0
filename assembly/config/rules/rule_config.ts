/** Whether decisions are carried out. */
export enum RuleMode {
  Enforce,
  /** They are counted and logged, and everything passes. */
  Shadow,
}

export const RULE_MODES: string[] = ["enforce", "shadow"];

/** What a denied request is answered with. */
export enum DenialForm {
  /** HTTP 200 and a JSON-RPC error. */
  Error,
  /** HTTP 200 and, for a tool's call, a result with `isError: true`. */
  Result,
  /** An HTTP status and a JSON-RPC error. */
  Status,
}

export const DENIAL_FORMS: string[] = ["error", "result", "status"];

/** Who asks whom. */
export enum MessageDirection {
  ClientToServer,
  ServerToClient,
}

export const MESSAGE_DIRECTIONS: string[] = ["client_to_server", "server_to_client"];

/** Texts with `*` for any run of bytes: one of `values` must match, and none of `notValues`. */
export class TextMatch {
  values: string[] = [];
  notValues: string[] = [];

  get isEmpty(): bool {
    return this.values.length == 0 && this.notValues.length == 0;
  }
}

/** A claim of a verified JWT, by its path (`["realm_access", "roles"]`): of a list one element must match. */
export class ClaimConfig {
  path: string[] = [];
  match: TextMatch = new TextMatch();
}

/** Who calls: all that is said must hold. */
export class SourceConfig {
  principals: TextMatch = new TextMatch();
  trustDomains: TextMatch = new TextMatch();
  /** CIDR. */
  ipBlocks: TextMatch = new TextMatch();
  claims: ClaimConfig[] = [];
  /** Callers that show no principal. */
  isAnonymous: bool = false;
}

/** What is called: all that is said must hold. */
export class OperationConfig {
  methods: TextMatch = new TextMatch();
  tools: TextMatch = new TextMatch();
  prompts: TextMatch = new TextMatch();
  resources: TextMatch = new TextMatch();
  servers: TextMatch = new TextMatch();
  direction: MessageDirection = MessageDirection.ClientToServer;
}

/** What a {@link ConditionConfig} is about. */
export enum ConditionKey {
  ProtocolVersion,
  ClientName,
  /** An argument of a tool or prompt. */
  Argument,
}

/** The kinds of values that can be compared. */
export enum ScalarKind {
  Text,
  Number,
  Boolean,
}

export const SCALAR_KINDS: i32 = 3;

/** A further condition. */
export class ConditionConfig {
  key: ConditionKey = ConditionKey.Argument;
  /** Of an argument: its path. */
  path: string[] = [];
  /** What the value must be and must not be, by its {@link ScalarKind}; numbers and booleans as they are written. */
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

  /** Whether it compares texts alone. */
  get isTextual(): bool {
    return this.matches[ScalarKind.Number].isEmpty && this.matches[ScalarKind.Boolean].isEmpty;
  }
}
