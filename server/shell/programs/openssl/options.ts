import { UsageError } from '../../command.ts';

/** What each option of a verb takes: nothing, one value, or one value each time it is given. */
export type OptionSpec = Readonly<Record<string, 'nothing' | 'value' | 'many'>>;

export interface Options {
  readonly words: readonly string[];
  has(name: string): boolean;
  text(name: string): string | undefined;
  all(name: string): readonly string[];
}

/** Reads `-in file -noout`; two dashes count as one. UsageError in openssl's words. */
export function readOptions(verb: string, args: readonly string[], spec: OptionSpec): Options {
  const found = new Map<string, string[]>();
  const words: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    const name = arg.replace(/^--?/, '');
    if (!arg.startsWith('-') || name === '') {
      words.push(arg);
      continue;
    }
    const takes = Object.hasOwn(spec, name) ? spec[name] : undefined;
    if (takes === undefined)
      throw new UsageError(`${verb}: Unknown option: -${name}\n${verb}: Use 'man openssl' for what it knows here.`);
    const value = takes === 'nothing' ? '' : args[++at];
    if (value === undefined)
      throw new UsageError(
        `${verb}: Option -${name} needs a value\n${verb}: Use 'man openssl' for what it knows here.`,
      );
    found.set(name, takes === 'many' ? [...(found.get(name) ?? []), value] : [value]);
  }
  return {
    words,
    has: (name) => found.has(name),
    text: (name) => found.get(name)?.at(-1),
    all: (name) => found.get(name) ?? [],
  };
}

/** A whole number; UsageError when it is none, or out of bounds. */
export function wholeNumber(verb: string, option: string, text: string, bounds: { min: number; max: number }): number {
  const value = Number(text);
  if (!/^-?\d{1,9}$/.test(text)) throw new UsageError(`${verb}: Non-number "${text}" for option -${option}`);
  if (value < bounds.min || value > bounds.max)
    throw new UsageError(`${verb}: -${option} takes ${bounds.min} to ${bounds.max} here, not ${text}`);
  return value;
}
