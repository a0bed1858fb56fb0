import { methodName } from "../../assembly/mcp/protocol/methods";
import {
  Family,
  FamilyType,
  Label,
  closedValue,
  familyLabels,
  familyName,
  familyType,
  isClosed,
  labelName,
} from "../../assembly/stats/catalogue";

export { closedValue, familyLabels, familyName, isClosed, labelName, methodName };

export function isHistogram(family: Family): bool {
  return familyType(family) == FamilyType.Histogram;
}

export const methodLabel: Label = Label.Method;
