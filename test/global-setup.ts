/** Prints the seed with which the generated inputs of this run can be made again. */
export default function setup(): void {
  console.log(`Fresh seed of generated inputs: MCP_TEST_SEED=${process.env.MCP_TEST_SEED}`);
}
