import { HANDSHAKE, HANDSHAKE_METHODS, MethodChecks, MethodScope } from "./method_checks";
import { MESSAGE_DIRECTIONS, MessageDirection, OperationConfig } from "./rule_config";
import { JsonValue } from "../values/json_value";
import { Problems, itemPath } from "../values/problems";

const FIELDS: string[] = [
  "methods",
  "notMethods",
  "tools",
  "notTools",
  "prompts",
  "notPrompts",
  "resources",
  "notResources",
  "servers",
  "notServers",
  "direction",
];

/** Reads a rule's `to`: the messages that it covers. */
export class OperationReader {
  private checks: MethodChecks;

  constructor(
    private problems: Problems,
    private scope: MethodScope,
  ) {
    this.checks = new MethodChecks(problems, scope);
  }

  readAll(path: string, value: JsonValue, to: OperationConfig[]): void {
    const items = this.problems.wrapped(path, value, "operation");
    for (let i = 0; i < items.length; i++) {
      const operation = new OperationConfig();
      to.push(operation);
      const item = items[i];
      if (item) this.read(itemPath(path, i) + ".operation", item, operation);
    }
  }

  private read(path: string, value: JsonValue, operation: OperationConfig): void {
    const problems = this.problems;
    if (value.items.length == 0) problems.error(path, "expected at least one field");
    let methods: JsonValue | null = null;
    for (let i = 0; i < value.items.length; i++) {
      const name = value.names[i];
      const item = value.items[i];
      const at = path + "." + name;
      if (name == "methods") {
        operation.methods.values = this.methods(at, item);
        methods = item;
      } else if (name == "notMethods") operation.methods.notValues = this.methods(at, item);
      else if (name == "tools") operation.tools.values = problems.list(at, item);
      else if (name == "notTools") operation.tools.notValues = problems.list(at, item);
      else if (name == "prompts") operation.prompts.values = problems.list(at, item);
      else if (name == "notPrompts") operation.prompts.notValues = problems.list(at, item);
      else if (name == "resources") operation.resources.values = problems.list(at, item);
      else if (name == "notResources") operation.resources.notValues = problems.list(at, item);
      else if (name == "servers") operation.servers.values = problems.list(at, item);
      else if (name == "notServers") operation.servers.notValues = problems.list(at, item);
      else if (name == "direction") operation.direction = problems.word(at, item, MESSAGE_DIRECTIONS, 0);
      else problems.refused(path, name, FIELDS);
    }
    let kinds = operation.tools.isEmpty ? 0 : 1;
    if (!operation.prompts.isEmpty) kinds++;
    if (!operation.resources.isEmpty) kinds++;
    if (kinds > 1) {
      problems.error(path, "a message names either a tool, a prompt or a resource: use a separate operation for each");
      return;
    }
    if (this.scope == MethodScope.Limited && operation.direction == MessageDirection.ServerToClient) {
      problems.error(path + ".direction", "limits cover only requests of clients: responses are never limited");
      return;
    }
    if (methods) this.checks.checkTogether(path + ".methods", methods, operation);
    this.checks.checkRest(path, operation);
  }

  /** Reads a list of methods, and replaces each group by its methods. */
  private methods(path: string, value: JsonValue): string[] {
    const methods: string[] = [];
    const named = this.problems.list(path, value);
    this.checks.checkNames(path, value);
    for (let i = 0; i < named.length; i++) {
      if (named[i] == HANDSHAKE) {
        for (let j = 0; j < HANDSHAKE_METHODS.length; j++) methods.push(HANDSHAKE_METHODS[j]);
      } else if (named[i].startsWith("@")) {
        this.problems.expected(itemPath(path, i), "a method or " + HANDSHAKE, value.items[i]);
      } else {
        methods.push(named[i]);
      }
    }
    return methods;
  }
}
