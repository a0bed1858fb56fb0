/** The types of /uplot.js, which the server reads from the package. */
export { default } from "uplot";
