import { type Command, type CommandIo, type ShellWorld, UsageError } from '../../command.ts';
import { many, programDialect, readFlags, value } from '../../flags.ts';
import { textPipe } from '../../language/pipe.ts';
import { LineReader } from '../regex/line-reader.ts';
import { Work } from '../regex/work.ts';
import { completeFiles, readFile } from '../text/input.ts';
import { unescape } from '../text/printf-format.ts';
import { Interpreter } from './interpreter.ts';
import { parseAwk } from './parser.ts';
import { Program } from './program.ts';
import type { Destination } from './syntax.ts';
import { given } from './values.ts';

const MAX_WRITTEN = 1_048_576;
const MAX_OPEN = 20;
const EXIT_FATAL = 2;

const MANUAL = `awk [-F separator] [-v name=value]… [-f file] ['program'] [files…]
  awk '{print $1, $NF}'              the first and the last field of each line
  awk -F: '$3 > 10 {print $1}'       fields between colons, lines whose third is above 10
  awk 'NR > 1 && /reviews/'          lines from the second on that match
  awk '{n[$2]++} END {for (k in n) print k, n[k]}'     counts
  awk '{sum += $3} END {print sum / NR}'               a mean
Patterns are RE2. print | "sort" runs when the program ends. Functions of your own, getline and system are left out.`;

export const awk: Command = {
  name: 'awk',
  summary: 'compute with the fields of lines',
  manual: MANUAL,
  run: async (args, io, world) => {
    const { source, files, assigned } = readArgs(args, world);
    const work = new Work('awk');
    const values = new Interpreter(work, functionWorld(world));
    for (const text of assigned) assign(values, text);
    for (const [name, text] of io.variables) values.setElement('ENVIRON', name, given(text));
    const written = new Map<string, string>();
    const piped = new Map<string, string>();
    const program = new Program(parseAwk(source), values, {
      out: io.out,
      write: (name, text, to) => write(name, text, { to, written, piped, io, world }),
    });
    const run = async (part: Generator<void>): Promise<void> => {
      for (const _ of part) if (work.due && !(await work.turn(io))) return;
    };
    await run(program.begin());
    if (program.reads && !program.exited) await readRecords({ files, io, world, values, program, run });
    if (io.signal.aborted) return 130;
    await run(program.end());
    for (const [file, text] of written) world.files.write(file, text);
    // Commands that are written to end with the program, in the order in which they began.
    for (const [command, text] of piped) await io.script(command, { stdin: text });
    return io.signal.aborted ? 130 : program.exitCode;
  },
  complete: (words, world) => (words.length <= 1 ? [] : completeFiles(words, world)),
};

function readArgs(args: readonly string[], world: ShellWorld) {
  // Flags end where the program begins: what stands behind may look like one.
  const spec = { 'field-separator': value('F'), assign: many('v'), file: many('f') };
  let end = 0;
  while (/^-./.test(args[end] ?? '') && args[end] !== '--') end += /^-[Fvf]$/.test(args[end] ?? '') ? 2 : 1;
  const flags = readFlags(args.slice(0, end), spec, programDialect('awk'));
  const rest = args.slice(args[end] === '--' ? end + 1 : end);
  const sources = flags.all('file').map((path) => readFile('awk', path, world, EXIT_FATAL));
  const [source, ...files] = sources.length > 0 ? [sources.join('\n'), ...rest] : rest;
  if (source === undefined) throw new UsageError("usage: awk [-F separator] [-v name=value] 'program' [files…]", 2);
  const separator = flags.text('field-separator');
  const assigned = [...flags.all('assign')];
  if (separator !== undefined) assigned.unshift(`FS=${separator === 't' ? '\\t' : separator}`);
  return { source, files, assigned };
}

function assign(values: Interpreter, text: string): void {
  const [, name, value = ''] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined) throw new UsageError(`awk: "${text}" is no assignment; write -v name=value`, 2);
  values.set(name, given(unescape(value).text));
}

/** Chance of its own: the same numbers in every run until `srand`, as awk has it. */
function functionWorld({ clock }: ShellWorld) {
  let [seed, state] = [0, 0x9e3779b9];
  return {
    nowMs: () => clock.now(),
    random: (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 4_294_967_296;
    },
    seed: (next: number | undefined): number => {
      const before = seed;
      seed = next ?? Math.floor(clock.now() / 1000);
      state = (Math.imul(seed | 0, 2_654_435_761) ^ 0x9e3779b9) >>> 0;
      return before;
    },
  };
}

interface Reading {
  readonly files: readonly string[];
  readonly io: CommandIo;
  readonly world: ShellWorld;
  readonly values: Interpreter;
  readonly program: Program;
  run(part: Generator<void>): Promise<void>;
}

async function readRecords({ files, io, world, values, program, run }: Reading): Promise<void> {
  let count = 0;
  const readAll = async (input: AsyncIterable<string>, name: string): Promise<void> => {
    values.set('FILENAME', name);
    const reader = new LineReader(input);
    let inFile = 0;
    for (;;) {
      const text = await nextRecord(reader, values.text('RS'));
      if (text === undefined || io.signal.aborted) return;
      count += 1;
      inFile += 1;
      values.record.whole = text;
      values.set('NR', count);
      values.set('FNR', inFile);
      await run(program.record());
      if (program.exited || io.signal.aborted) return;
    }
  };
  let read = false;
  for (const file of files) {
    if (program.exited) return;
    if (/^[A-Za-z_]\w*=/.test(file)) assign(values, file);
    else {
      read = true;
      await readAll(file === '-' ? io.stdin : textPipe(readFile('awk', file, world, EXIT_FATAL)), file);
    }
  }
  if (!read) await readAll(io.stdin, '');
}

/** With an empty separator records stand between blank lines. */
async function nextRecord(reader: LineReader, separator: string): Promise<string | undefined> {
  if (separator !== '') return (await reader.next(separator))?.text;
  let lines: string[] | undefined;
  for (let line = await reader.next(); line !== undefined; line = await reader.next()) {
    if (line.text !== '') lines = [...(lines ?? []), line.text];
    else if (lines !== undefined) break;
  }
  return lines?.join('\n');
}

interface Writing {
  readonly to: Destination['to'];
  /** Text by file, and by command. */
  readonly written: Map<string, string>;
  readonly piped: Map<string, string>;
  readonly io: CommandIo;
  readonly world: ShellWorld;
}

function write(name: string, text: string, { to, written, piped, io, world }: Writing): void {
  if (to !== 'command') {
    const stream = { '/dev/stdout': io.out, '-': io.out, '/dev/stderr': io.err, '/dev/null': () => undefined }[name];
    if (stream) {
      stream(text);
      return;
    }
  }
  const texts = to === 'command' ? piped : written;
  const all = (texts.get(name) ?? (to === 'append' ? (world.files.read(name) ?? '') : '')) + text;
  if (all.length > MAX_WRITTEN) throw new UsageError(`awk: ${name}: at most 1 MiB`, 2);
  if (texts.size >= MAX_OPEN && !texts.has(name))
    throw new UsageError(`awk: at most ${MAX_OPEN} files and commands`, 2);
  texts.set(name, all);
}
