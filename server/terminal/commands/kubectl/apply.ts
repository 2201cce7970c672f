import type { Diagnostic } from '#domain';
import type { ManifestFile } from '#sandbox';
import { many, onOff, readAll } from '#shell';
import { type CommandIo, type ShellContext, UsageError } from '../../command.ts';
import { namespaceOf, type Verb } from '../verb.ts';
import { usage } from './errors.ts';
import { printedName } from './targets.ts';

export const apply: Verb = {
  name: 'apply',
  manual: `kubectl apply -f <file | folder | -> [-n namespace]
Makes or changes objects from YAML. All documents of one apply take effect together, or none does.`,
  flags: { filename: many('f'), recursive: onOff('R') },
  run: async (flags, io, context) => {
    if (flags.words.length > 0) throw usage('apply', `Unexpected args: [${flags.words.join(' ')}]`);
    const files = await readManifests(flags.all('filename'), io, context);
    return applyFiles(files, { namespace: namespaceOf(flags, context), verb: 'apply' }, io, context);
  },
};

/** Applies manifests as the editor does, and tells each object's outcome. */
export async function applyFiles(
  files: readonly ManifestFile[],
  { namespace, verb }: { readonly namespace: string; readonly verb: string },
  io: CommandIo,
  context: ShellContext,
): Promise<number> {
  const title = `kubectl ${verb} ${files.map((file) => file.file).join(', ')}`;
  const outcome = await context.apply(files, { namespace, title });
  for (const diagnostic of outcome.diagnostics) io.err(`${formatDiagnostic(diagnostic)}\n`);
  if (!outcome.accepted) return 1;
  if (outcome.objects.length === 0) throw new UsageError('error: no objects passed to apply');
  for (const object of outcome.objects) {
    const kind = context.sandbox.store.kinds.forObject(object.apiVersion, object.kind);
    if (kind) io.out(`${printedName(kind, object.name)} ${object.outcome}\n`);
  }
  return 0;
}

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
    if (/^https?:/.test(name))
      throw new UsageError(`error: unable to read URL "${name}": the lab has no internet; the samples are in samples/`);
    const text = context.files.read(name);
    const inside =
      text === undefined ? context.files.list(name).filter((path) => /\.(?:ya?ml|json)$/.test(path)) : [name];
    if (inside.length === 0) throw new UsageError(`error: the path "${name}" does not exist`);
    files.push(...inside.map((path) => ({ file: shortName(path), text: context.files.read(path) ?? '' })));
  }
  return files;
}

const shortName = (path: string): string => path.split('/').at(-1) ?? path;

const LEVELS = { error: 'Error', warning: 'Warning', info: 'Info' } as const;

/** `Error [IST0101] (VirtualService default/reviews reviews.yaml:14) Referenced …`, and the hint below it. */
export function formatDiagnostic({ code, severity, message, hint, origin, location }: Diagnostic): string {
  const object = origin ? `${origin.kind} ${origin.namespace ? `${origin.namespace}/` : ''}${origin.name}` : '';
  const place = location ? `${location.file}:${location.line}` : '';
  const where = [object, place].filter((part) => part !== '').join(' ');
  return `${LEVELS[severity]} [${code}]${where ? ` (${where})` : ''} ${message}${hint ? `\n  ${hint}` : ''}`;
}
