import { Problems, itemPath } from "../values/problems";
import { quoted } from "../values/shown";
import { coversBlock } from "./coverage";
import { OperationConfig, SourceConfig, TextMatch } from "./rule_config";
import { TextChecks, TextKind } from "./text_checks";

/** Checks the sources and operations of a rule for parts that cannot match. */
export class MatchChecks {
  private texts: TextChecks;

  constructor(private problems: Problems) {
    this.texts = new TextChecks(problems);
  }

  /**
   * Checks a rule's `from`.
   * @param path the path of the rule
   * @param missingMatters whether the rule also applies if the caller cannot be determined
   */
  checkSources(path: string, sources: SourceConfig[], missingMatters: bool): void {
    for (let i = 0; i < sources.length; i++) {
      this.checkSource(itemPath(path + ".from", i) + ".source", sources[i], missingMatters);
    }
  }

  /** Checks a rule's `to`. `path` is the path of the rule. */
  checkOperations(path: string, operations: OperationConfig[]): void {
    for (let i = 0; i < operations.length; i++) {
      this.checkOperation(itemPath(path + ".to", i) + ".operation", operations[i]);
    }
  }

  private checkSource(path: string, source: SourceConfig, missingMatters: bool): void {
    this.texts.check(path, "principals", source.principals, TextKind.Name, missingMatters);
    this.texts.check(path, "trustDomains", source.trustDomains, TextKind.Name, missingMatters);
    this.checkDomains(path + ".trustDomains", source.trustDomains.values);
    this.checkDomains(path + ".notTrustDomains", source.trustDomains.notValues);
    this.checkBlocks(path, source.ipBlocks);
    for (let i = 0; i < source.claims.length; i++) {
      this.texts.check(itemPath(path + ".claims", i), "values", source.claims[i].match, TextKind.Free, missingMatters);
    }
  }

  /** A trust domain is the text between `spiffe://` and the next slash. */
  private checkDomains(path: string, domains: string[]): void {
    for (let i = 0; i < domains.length; i++) {
      if (!domains[i].includes("/") && !domains[i].includes(":")) continue;
      const text = "expected a trust domain like " + quoted("cluster.local") + ", got " + quoted(domains[i]);
      this.problems.error(itemPath(path, i), text + ", which never matches");
    }
  }

  private checkBlocks(path: string, blocks: TextMatch): void {
    if (blocks.notValues.length == 0 || blocks.values.length == 0) return;
    let excluded = 0;
    for (let i = 0; i < blocks.values.length; i++) {
      let isExcluded = false;
      for (let j = 0; j < blocks.notValues.length; j++) {
        if (coversBlock(blocks.notValues[j], blocks.values[i])) isExcluded = true;
      }
      if (isExcluded) excluded++;
    }
    if (excluded == blocks.values.length) {
      this.problems.error(path + ".ipBlocks", "all blocks are excluded by notIpBlocks, so this never matches");
    }
  }

  private checkOperation(path: string, operation: OperationConfig): void {
    this.texts.check(path, "methods", operation.methods, TextKind.Free, false);
    this.texts.check(path, "tools", operation.tools, TextKind.Name, false);
    this.texts.check(path, "prompts", operation.prompts, TextKind.Name, false);
    this.texts.check(path, "resources", operation.resources, TextKind.Free, false);
    this.texts.check(path, "servers", operation.servers, TextKind.Free, false);
  }
}
