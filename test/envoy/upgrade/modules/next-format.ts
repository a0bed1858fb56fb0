// The filter of a later version whose shared data has another format: the transform beside this file makes the changes.
export * from "../../../../assembly/index";
