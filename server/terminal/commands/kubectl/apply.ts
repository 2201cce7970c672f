import type { Diagnostic } from '#domain';
import type { ManifestFile } from '#sandbox';
import { type CommandIo, type ShellContext, UsageError } from '../../command.ts';
import { readFlags } from '../../flags.ts';
import { readAll } from '../../pipe.ts';
import { commonFlags, namespaceOf, printedName } from './targets.ts';
import type { Verb } from './verb.ts';

export const apply: Verb = {
  name: 'apply',
  aliases: ['create'],
  manual: `kubectl apply -f <file | folder | -> [-n namespace]
Makes or changes objects from YAML. All documents of one apply take effect together, or none does.`,
  run: async (args, io, context) => {
    const flags = readFlags(args, { ...commonFlags, recursive: { type: 'boolean', short: 'R' } });
    const files = await readManifests(flags.all('filename'), io, context);
    const outcome = await context.apply(files, {
      namespace: namespaceOf(flags),
      title: `kubectl apply ${files.map((file) => file.file).join(', ')}`,
    });
    for (const diagnostic of outcome.diagnostics) io.err(`${formatDiagnostic(diagnostic)}\n`);
    for (const object of outcome.objects) {
      const kind = context.sandbox.store.kinds.forObject(object.apiVersion, object.kind);
      if (kind && outcome.accepted) io.out(`${printedName(kind, object.name)} ${object.outcome}\n`);
    }
    return outcome.accepted ? 0 : 1;
  },
  complete: (words, context) => (words.at(-2) === '-f' ? context.files.list('') : ['-f', '-n']),
};

/** Reads what `-f` names; `-` is standard input. */
export async function readManifests(
  names: readonly string[],
  io: CommandIo,
  context: ShellContext,
): Promise<ManifestFile[]> {
  if (names.length === 0) throw new UsageError('error: must specify one of -f and -k');
  const files: ManifestFile[] = [];
  for (const name of names.flatMap((list) => list.split(','))) {
    if (name === '-') {
      files.push({ file: 'stdin', text: await readAll(io.stdin) });
      continue;
    }
    const text = context.files.read(name);
    const inside = text === undefined ? context.files.list(name) : [];
    if (text !== undefined) files.push({ file: shortName(name), text });
    else if (/^https?:/.test(name))
      throw new UsageError(`error: ${name}: the lab has no internet; the samples are in samples/`);
    else if (inside.length === 0) throw new UsageError(`error: the path "${name}" does not exist`);
    for (const path of inside) files.push({ file: shortName(path), text: context.files.read(path) ?? '' });
  }
  return files;
}

const shortName = (path: string): string => path.split('/').at(-1) ?? path;

/** `Error [IST0101] (reviews.yaml:14) Referenced …` and the hint below it. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const level = diagnostic.severity === 'error' ? 'Error' : diagnostic.severity === 'warning' ? 'Warning' : 'Info';
  const { origin, location } = diagnostic;
  const place = location
    ? `${location.file}:${location.line}`
    : origin
      ? `${origin.kind} ${origin.namespace ? `${origin.namespace}/` : ''}${origin.name}`
      : '';
  return `${level} [${diagnostic.code}]${place ? ` (${place})` : ''} ${diagnostic.message}${diagnostic.hint ? `\n  ${diagnostic.hint}` : ''}`;
}
