import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageError } from './command.ts';

export type FlagSpec = NonNullable<ParseArgsConfig['options']>;

export interface Flags {
  readonly words: readonly string[];
  text(name: string): string | undefined;
  all(name: string): readonly string[];
  on(name: string): boolean;
}

/**
 * Reads flags as kubectl and istioctl do: long and short, `--tail=5` and `--tail 5`, `-o=yaml` and `-oyaml`, words anywhere,
 * everything after `--` as words. An unknown flag is an error in kubectl's words.
 */
export function readFlags(args: readonly string[], options: FlagSpec): Flags {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options,
      allowPositionals: true,
      strict: true,
      allowNegative: true,
    });
    const valueOf = (name: string): unknown => (values as Record<string, unknown>)[name];
    const list = (name: string): string[] => {
      const value = valueOf(name);
      return Array.isArray(value) ? value.map(clean) : typeof value === 'string' ? [clean(value)] : [];
    };
    return { words: positionals, text: (name) => list(name).at(-1), all: list, on: (name) => valueOf(name) === true };
  } catch (error) {
    throw new UsageError(flagError(error));
  }
}

/** `-o=yaml` reaches us as `=yaml`. */
const clean = (value: string): string => (value.startsWith('=') ? value.slice(1) : value);

function flagError(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const unknown = /Unknown option '([^']+)'/.exec(message)?.[1];
  if (unknown) return `error: unknown ${unknown.startsWith('--') ? 'flag' : 'shorthand flag'}: ${unknown}`;
  return `error: ${message.split('\n', 1)[0]}`;
}

/** `30s`, `1m`, `500ms` or a number of seconds → milliseconds. */
export function readSeconds(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text);
  if (!found) return undefined;
  return Number(found[1]) * (found[2] === 'ms' ? 1 : found[2] === 'm' ? 60_000 : 1000);
}
