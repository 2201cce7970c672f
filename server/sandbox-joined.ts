import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Script } from 'node:vm';

// Runs the joined code of a sandbox, the file named by the first argument, as `sandbox-main.ts` would run. V8 takes what it compiled
// during an earlier start from the file beside it; code of another version of Node, or with other flags, it does not take.

/** SHA-256, hexadecimal. */
const DIGEST_LENGTH = 64;

const program = process.argv[2] ?? '';
const source = readFileSync(program, 'latin1');
const script = new Script(source, { filename: program, ...cachedData(`${program}.v8`, source) });
const run = script.runInThisContext() as (require: NodeJS.Require) => Promise<void>;
await run(createRequire(program));

/** The compiled code of this very source: both begin with its digest. */
function cachedData(file: string, source: string): { cachedData?: Buffer } {
  if (!existsSync(file)) return {};
  const compiled = readFileSync(file);
  const digest = compiled.toString('latin1', 0, DIGEST_LENGTH);
  return source.startsWith(`// ${digest}\n`) ? { cachedData: compiled.subarray(DIGEST_LENGTH) } : {};
}
