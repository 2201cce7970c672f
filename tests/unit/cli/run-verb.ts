import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { runCli } from '../../../server/cli/index.ts';
import { systemClock } from '../../../server/system.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a verb as the program does, `input` being standard input. */
export async function runVerb(verb: string, args: readonly string[], input = ''): Promise<Ran> {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await runCli(verb, args, {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    input: async () => input,
    signal: new AbortController().signal,
    clock: systemClock(),
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

/** A folder for the files that one file of tests gives to a verb; it is gone after them. */
export function ownFolder(): { readonly folder: string; file(name: string, text: string): string } {
  const folder = mkdtempSync(join(tmpdir(), 'meshwork-cli-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  return { folder, file };
}
