import { Metrics } from "../host/metrics";
import { REVISION, VERSION } from "./build";
import { Family, Label, familyName, labelName } from "./catalogue";
import { MetricName } from "./metric_name";

/**
 * The gauge `mcp_build_info`, labelled with the module's version and revision: 1, or 0 after the last instance of the
 * module has ended.
 */
export class BuildGauge {
  /** The gauge's id + 1; 0 until it is defined. */
  private id: u32 = 0;

  constructor(private metrics: Metrics) {}

  /** Records 1 for a live instance of the module. Called repeatedly, because another instance that ends records 0. */
  recordLive(): void {
    this.record(1);
  }

  /** Records the end of an instance of the module. */
  recordEnd(): void {
    if (this.id) this.record(0);
  }

  private record(value: u64): void {
    if (!this.id) this.id = this.define() + 1;
    this.metrics.record(this.id - 1, value);
  }

  private define(): u32 {
    const name = new MetricName();
    name.labelText(labelName(Label.BuildVersion), VERSION);
    name.labelText(labelName(Label.BuildRevision), REVISION);
    name.text(familyName(Family.BuildInfo));
    return this.metrics.gauge(name.at, name.length);
  }
}
