import { parseDurationMs } from '#domain';
import { UsageError } from './command.ts';

/** What a flag takes: nothing (it is on), or one value; `many` may be given again. */
export interface FlagKind {
  readonly takes: 'nothing' | 'value' | 'many';
  /** One letter. */
  readonly short?: string;
}

export type FlagSpec = Readonly<Record<string, FlagKind>>;

export const onOff = (short?: string): FlagKind => ({ takes: 'nothing', ...(short === undefined ? {} : { short }) });
export const value = (short?: string): FlagKind => ({ takes: 'value', ...(short === undefined ? {} : { short }) });
export const many = (short?: string): FlagKind => ({ takes: 'many', ...(short === undefined ? {} : { short }) });

export interface Flags {
  /** What is not a flag, in order. */
  readonly words: readonly string[];
  /** The words after `--`, which are among `words` too; undefined without `--`. */
  readonly afterDashes: readonly string[] | undefined;
  /** The last value given. */
  text(name: string): string | undefined;
  all(name: string): readonly string[];
  on(name: string): boolean;
}

/** How a program complains about its flags. */
export interface FlagDialect {
  unknownLong(flag: string): UsageError;
  unknownShort(letter: string, word: string): UsageError;
  needsValue(name: string, word: string): UsageError;
}

/**
 * Reads flags as kubectl, istioctl and most programs do: long and short, `--tail=5` and `--tail 5`, `-o=yaml`, `-oyaml` and `-o yaml`,
 * letters together (`-it`), words anywhere, everything after `--` as words. Wrong flags are told in the program's dialect.
 */
export function readFlags(args: readonly string[], spec: FlagSpec, dialect: FlagDialect): Flags {
  const words: string[] = [];
  let afterDashes: readonly string[] | undefined;
  const found = new Map<string, string[]>();
  const add = (name: string, text: string): void => void found.set(name, [...(found.get(name) ?? []), text]);
  const byLetter = new Map(
    Object.entries(spec).flatMap(([name, { short }]) => (short ? [[short, name] as const] : [])),
  );

  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    const next = (name: string, word: string): string => {
      at += 1;
      const text = args[at];
      if (text === undefined) throw dialect.needsValue(name, word);
      return text;
    };
    if (arg === '--') {
      afterDashes = args.slice(at + 1);
      words.push(...afterDashes);
      break;
    }
    if (arg.startsWith('--')) {
      const equals = arg.indexOf('=');
      const name = arg.slice(2, equals < 0 ? undefined : equals);
      const kind = Object.hasOwn(spec, name) ? spec[name] : undefined;
      if (!kind) throw dialect.unknownLong(`--${name}`);
      if (equals >= 0) add(name, arg.slice(equals + 1));
      else add(name, kind.takes === 'nothing' ? 'true' : next(`--${name}`, arg));
    } else if (/^-[^-]/.test(arg)) {
      for (let i = 1; i < arg.length; i++) {
        const letter = arg[i] ?? '';
        const name = byLetter.get(letter);
        if (name === undefined) throw dialect.unknownShort(letter, arg);
        const rest = arg.slice(i + 1);
        if (spec[name]?.takes === 'nothing' && !rest.startsWith('=')) {
          add(name, 'true');
          continue;
        }
        add(name, rest === '' ? next(letter, arg) : rest.replace(/^=/, ''));
        break;
      }
    } else words.push(arg);
  }
  return {
    words,
    afterDashes,
    text: (name) => found.get(name)?.at(-1),
    all: (name) => found.get(name) ?? [],
    on: (name) => found.has(name) && found.get(name)?.at(-1) !== 'false',
  };
}

export interface PartialFlags {
  readonly words: readonly string[];
  /** Values by flag name. */
  readonly values: ReadonlyMap<string, string>;
  /** The flag whose value is to come. */
  readonly waiting: string | undefined;
}

/** Reads an unfinished command for completion: what cannot be read is passed over. */
export function readPartialFlags(args: readonly string[], spec: FlagSpec): PartialFlags {
  const words: string[] = [];
  const values = new Map<string, string>();
  let waiting: string | undefined;
  for (const arg of args) {
    if (waiting !== undefined) {
      values.set(waiting, arg);
      waiting = undefined;
    } else if (!arg.startsWith('-') || arg === '-') words.push(arg);
    else {
      const [, long, letter, text] = /^(?:--([^=]+)|-(\w))=?(.*)$/s.exec(arg) ?? [];
      const name = Object.keys(spec).find((each) => each === long || (letter && spec[each]?.short === letter));
      if (name === undefined || spec[name]?.takes === 'nothing') continue;
      if (text) values.set(name, text);
      else if (!arg.includes('=')) waiting = name;
    }
  }
  return { words, values, waiting };
}

/** kubectl's and istioctl's words; `verb` is the whole command, `kubectl get`. */
export function verbDialect(verb: string, exitCode = 1): FlagDialect {
  const wrong = (text: string): UsageError =>
    new UsageError(`Error: ${text}\nSee '${verb} --help' for usage.`, exitCode);
  return {
    unknownLong: (flag) => wrong(`unknown flag: ${flag}`),
    unknownShort: (letter, word) => wrong(`unknown shorthand flag: '${letter}' in ${word}`),
    needsValue: (name, word) =>
      wrong(`flag needs an argument: ${name.startsWith('--') ? name : `'${name}' in ${word}`}`),
  };
}

/** The words of the small Unix programs. */
export function programDialect(program: string, exitCode = 2): FlagDialect {
  const wrong = (text: string): UsageError =>
    new UsageError(`${program}: ${text}\nTry 'man ${program}' for what it knows here.`, exitCode);
  return {
    unknownLong: (flag) => wrong(`unrecognized option '${flag}'`),
    unknownShort: (letter) => wrong(`invalid option -- '${letter}'`),
    needsValue: (name) =>
      wrong(
        name.startsWith('--') ? `option '${name}' requires an argument` : `option requires an argument -- '${name}'`,
      ),
  };
}

/** A whole number of at least `least`, or undefined. */
export function readCount(text: string, least = 0): number | undefined {
  const count = Number(text);
  return /^-?\d{1,9}$/.test(text) && count >= least ? count : undefined;
}

/** `30s`, `1m`, `1m30s`, `500ms` or a bare number of seconds → milliseconds. */
export function readSeconds(text: string): number | undefined {
  const bare = /^\d+(?:\.\d+)?$/.test(text) ? `${text}s` : text;
  return parseDurationMs(bare);
}
