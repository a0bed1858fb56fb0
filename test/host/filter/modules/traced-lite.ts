export * from "../../../../assembly/lite";
