import type { LogText } from '#domain';
import { ConfigProblem } from '../config/problem.ts';
import { checkSyntax } from './command-syntax.ts';
import { COMMANDS } from './commands.ts';
import { EntryWriter } from './entry-writer.ts';
import { inText, limited } from './limited.ts';
import { readable } from './readable-text.ts';
import type { Command, CommandReader, FormatSubject, FormatValue } from './subject.ts';

/** A compiled Envoy format string. */
export type Format = (subject: FormatSubject) => string;

/** A compiled format of log entries. What it returns is good until the next entry is written, by this format or another. */
export type EntryFormat = (subject: FormatSubject) => LogText;

/** Commands that a format has asked for besides those that all have. */
export type FurtherCommands = Readonly<Record<string, CommandReader>>;

/** JSON keeps the type of a single command's value. */
export type TypedFormat = (subject: FormatSubject) => string | number | boolean | object | null;

/**
 * Compiles an Envoy format string: text with `%COMMAND%`, `%COMMAND(ARGUMENT)%`, `%COMMAND(ARGUMENT):LENGTH%` and `%%`. `empty` stands for
 * what has no value. Throws ConfigProblem. Source: substitution formatter, Envoy's documentation.
 */
export function compileFormat(format: string, field: string, empty = '-', further?: FurtherCommands): Format {
  if (!format.includes('%')) return () => format;
  const { commands, before, end } = inTurn(readPieces(format, field, further));
  return (subject) => {
    let out = '';
    for (let i = 0; i < commands.length; i++) out += before[i]! + asText(commands[i]!(subject), empty);
    return out + end;
  };
}

/** Differs from every value. */
const NEVER: FormatValue = Number.NaN;

/**
 * Like compileFormat, for log entries. Most of an entry stood in the one before it as well: only values that differ are written, in their
 * old places as long as they fit these; behind the first that does not, everything is. A newline at the end is left out.
 */
export function compileEntry(format: string, field: string, empty = '-', further?: FurtherCommands): EntryFormat {
  const { commands, before, end: last } = inTurn(readPieces(format, field, further));
  const end = last.replace(/\n$/, '');
  const behind = [...before.slice(1), end];
  const entry = new EntryWriter();
  const values = commands.map(() => NEVER);
  /** Where each value begins, and the entry ends. */
  const starts = new Uint32Array(commands.length + 1);
  let known = false;
  return (subject) => {
    let anew = !known;
    if (anew) entry.begin();
    for (let i = 0; i < commands.length; i++) {
      const value = commands[i]!(subject);
      if (!anew && value === values[i]) continue;
      values[i] = value;
      const text = asText(value, empty);
      const start = starts[i]!;
      if (!anew) {
        const fits = start + text.length + behind[i]!.length === starts[i + 1];
        if (fits && entry.replace(text, start)) continue;
        anew = true;
        known = false;
        entry.cut(start);
      } else entry.add(before[i]!);
      starts[i] = entry.length;
      entry.add(text);
    }
    if (anew) {
      entry.add(end);
      starts[commands.length] = entry.length;
      known = entry.plain;
    }
    return entry.end();
  };
}

/** Like compileFormat, but a format that is one command only keeps the type of its value; null is none. */
export function compileTypedFormat(format: string, field: string, empty = '-', further?: FurtherCommands): TypedFormat {
  const pieces = readPieces(format, field, further);
  const [single] = pieces;
  if (pieces.length === 1 && typeof single === 'function') {
    return (subject) => {
      const value = single(subject) ?? null;
      return typeof value === 'string' ? readable(value) : value;
    };
  }
  const write = (piece: string | Command, subject: FormatSubject): string =>
    typeof piece === 'string' ? piece : readable(asText(inText(piece)(subject), empty));
  return (subject) => pieces.map((piece) => write(piece, subject)).join('');
}

/** The one command that a format is; undefined: it is more than that, or less. Throws ConfigProblem. */
export function compileOneCommand(format: string, field: string): Command | undefined {
  const [single, further] = readPieces(format, field);
  return typeof single === 'function' && further === undefined ? single : undefined;
}

/** The commands, the text before each of them, and what stands behind the last. */
function inTurn(pieces: readonly (string | Command)[]): { commands: Command[]; before: string[]; end: string } {
  const commands: Command[] = [];
  const before: string[] = [];
  let end = '';
  for (const piece of pieces) {
    if (typeof piece === 'string') end += piece;
    else {
      commands.push(inText(piece));
      before.push(end);
      end = '';
    }
  }
  return { commands, before, end };
}

function asText(value: FormatValue, empty: string): string {
  if (typeof value === 'string') return value;
  if (value === undefined) return empty;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A name, perhaps an argument in parentheses that may itself hold percent signs and parentheses, perhaps a length. */
const COMMAND = /%([A-Z0-9_]+)(?:\(([^\n]*?)\))?(?::(\d+))?%/y;
/** Lengths are numbers of 64 bits. */
const LONGEST = 2n ** 64n - 1n;

/** Each listener and each of its chains writes in the same few formats. Commands keep nothing of a request, so that all can have the same. */
const knownPieces = new Map<string, readonly (string | Command)[]>();
const MOST_KNOWN = 500;

function readPieces(format: string, field: string, further?: FurtherCommands): readonly (string | Command)[] {
  if (further !== undefined) return piecesOf(format, field, { ...COMMANDS, ...further });
  let pieces = knownPieces.get(format);
  if (pieces === undefined) {
    pieces = piecesOf(format, field, COMMANDS);
    if (knownPieces.size >= MOST_KNOWN) knownPieces.clear();
    knownPieces.set(format, pieces);
  }
  return pieces;
}

function piecesOf(format: string, field: string, known: FurtherCommands): (string | Command)[] {
  const pieces: (string | Command)[] = [];
  let at = 0;
  while (at < format.length) {
    const open = format.indexOf('%', at);
    if (open < 0) {
      pieces.push(format.slice(at));
      break;
    }
    if (open > at) pieces.push(format.slice(at, open));
    if (format[open + 1] === '%') {
      pieces.push('%');
      at = open + 2;
      continue;
    }
    COMMAND.lastIndex = open;
    const parts = COMMAND.exec(format);
    if (parts === null || (parts[3] !== undefined && BigInt(parts[3]) > LONGEST)) {
      const why = `Incorrect configuration: ${format}. Couldn't find valid command at position ${open}`;
      throw new ConfigProblem(field, why);
    }
    pieces.push(readCommand(parts, field, known));
    at = COMMAND.lastIndex;
  }
  return pieces;
}

function readCommand(
  [, name = '', argument = '', limit]: readonly (string | undefined)[],
  field: string,
  known: FurtherCommands,
): Command {
  const read = known[name];
  if (read === undefined) throw new ConfigProblem(field, `Not supported field in StreamInfo: ${name}`);
  checkSyntax(name, { argument, hasLength: limit !== undefined }, field);
  const command = read(argument, field);
  return limit === undefined ? command : limited(command, Number(limit));
}
