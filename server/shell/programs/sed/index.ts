import { type Command, type ShellFiles, UsageError } from '../../command.ts';
import { many, onOff, programDialect, readFlags } from '../../flags.ts';
import { textPipe } from '../../language/pipe.ts';
import { LineReader } from '../regex/line-reader.ts';
import { Work } from '../regex/work.ts';
import { completeFiles, input, readFile } from '../text/input.ts';
import { SedMachine } from './machine.ts';
import { parseSed } from './parse.ts';

/** GNU's code when an input file is not there. */
const EXIT_NO_FILE = 2;
const MAX_WRITTEN = 1_048_576;

export const sed: Command = {
  name: 'sed',
  summary: 'change lines',
  manual: `sed [-n] [-E] [-i] [-s] [-e script]… [-f file] [script] [files…]
  sed 's/v1/v2/g'             replaces in every line; & is what matched, \\1 the first group
  sed -n '3,5p'               prints lines 3 to 5; $ is the last line, /text/ the lines that match
  sed '/^#/d'                 leaves lines out
  sed -i 's/90/50/' a.yaml    changes the file itself
Also a i c q n N D P h H g G x y b t r w = { } and addresses like 0~3, 2,+4 and /a/,/b/. Patterns are RE2: no \\1 in a pattern.`,
  run: async (args, io, world) => {
    const flags = readFlags(
      args.map((arg) => (/^-i./.test(arg) ? '-i' : arg)),
      {
        quiet: onOff('n'),
        silent: onOff(),
        'regexp-extended': onOff('E'),
        regexp: onOff('r'),
        'in-place': onOff('i'),
        separate: onOff('s'),
        unbuffered: onOff('u'),
        expression: many('e'),
        file: many('f'),
      },
      programDialect('sed', 1),
    );
    const scripts = [...flags.all('expression'), ...flags.all('file').map((path) => readFile('sed', path, world))];
    const [script, ...files] = scripts.length > 0 ? [scripts.join('\n'), ...flags.words] : flags.words;
    if (script === undefined) throw new UsageError('usage: sed [-n] [-E] [-i] script [files…]');
    const commands = parseSed(script.replace(/^#n\n/, ''), flags.on('regexp-extended') || flags.on('regexp'));
    const written = new Map<string, string>();
    const options = {
      commands,
      quiet: flags.on('quiet') || flags.on('silent') || script.startsWith('#n\n'),
      files: world.files,
      work: new Work('sed'),
      io,
      write: (file: string, text: string): void => keep(written, file, text),
    };
    const there = files.filter((file) => file === '-' || world.files.read(file) !== undefined);
    for (const file of files) if (!there.includes(file)) io.err(`sed: can't read ${file}: No such file or directory\n`);
    const failed = there.length < files.length;
    const inPlace = flags.on('in-place');
    const suffix = args.find((arg) => /^-i./.test(arg))?.slice(2) ?? '';
    let machine = new SedMachine({ ...options, out: io.out });
    if (!inPlace && !flags.on('separate')) {
      if (files.length === 0 || there.length > 0) await machine.run(new LineReader(input('sed', there, io, world)));
    } else
      for (const file of there) {
        let result = '';
        const out = (piece: string): void => {
          result += piece;
        };
        const text = readFile('sed', file, world);
        machine = new SedMachine({ ...options, out: inPlace ? out : io.out });
        const goesOn = await machine.run(new LineReader(textPipe(text)));
        if (io.signal.aborted) return 130;
        if (inPlace && suffix !== '') world.files.write(file + suffix, text);
        if (inPlace) world.files.write(file, result);
        if (!goesOn) break;
      }
    save(written, { files: world.files, out: io.out });
    return io.signal.aborted ? 130 : (machine.exitCode ?? (failed ? EXIT_NO_FILE : 0));
  },
  complete: (words, world) => (words.length <= 1 ? [] : completeFiles(words, world)),
};

function keep(written: Map<string, string>, file: string, text: string): void {
  const all = (written.get(file) ?? '') + text;
  if (all.length > MAX_WRITTEN) throw new UsageError(`sed: ${file}: at most 1 MiB a file`, 4);
  written.set(file, all);
}

function save(written: ReadonlyMap<string, string>, to: { files: ShellFiles; out: (text: string) => void }): void {
  for (const [file, text] of written) {
    if (file === '/dev/stdout') to.out(text);
    else to.files.write(file, text);
  }
}
