export * from "../../../../assembly/index";
