// Named steps with elapsed time, and failures that say what to do.

/** Runs one named step; prints its seconds. A step that answers `{ skipped: text }` had nothing to do. */
export async function step(name, run) {
  const started = performance.now();
  const result = await run();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`  ${name.padEnd(12)} ${result?.skipped ? result.skipped : `${seconds} s`}`);
  return result;
}

/** A failure with a cure, printed without a stack. */
export class SetupError extends Error {
  constructor(message, cure, options) {
    super(message, options);
    this.cure = cure;
  }
}

export function fail(error) {
  console.error(`\nMeshwork cannot go on: ${error.message}`);
  if (error.cure) console.error(`What to do: ${error.cure}`);
  if (error.cause) console.error(`Cause: ${error.cause.message ?? error.cause}`);
  process.exit(1);
}
