/** Stands for each element of an array. */
export const EACH = Symbol("each element");
/** Stands for each member of an object, whatever its name. */
export const ANY = Symbol("any member");

/** A place in documents: what is to be followed from the root. */
export type Path = readonly (string | typeof EACH | typeof ANY)[];
