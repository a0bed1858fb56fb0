export * from "../../../scripts/metrics/catalogue.as";
