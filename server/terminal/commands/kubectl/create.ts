import { type Flags, many, value } from '#shell';
import { type CommandIo, type ShellContext, UsageError } from '../../command.ts';
import { namespaceOf, type Verb } from '../verb.ts';
import { applyFiles, readManifests } from './apply.ts';
import { configMapFrom, dataFlags, type NewObject, secretFrom } from './create-data.ts';
import { usage } from './errors.ts';
import { manifestObjects } from './manifest-objects.ts';
import { toYaml } from './output.ts';
import { printedName, storeKind } from './targets.ts';

/** Kinds that `kubectl create <kind> <name>` makes here. */
const SIMPLE: Readonly<Record<string, string>> = {
  namespace: 'Namespace',
  ns: 'Namespace',
  serviceaccount: 'ServiceAccount',
  sa: 'ServiceAccount',
};

export const create: Verb = {
  name: 'create',
  manual: `kubectl create -f <file | -> [-n namespace]      makes objects that must not be there yet
kubectl create namespace|serviceaccount <name>
kubectl create secret tls <name> --cert=<file> --key=<file>
kubectl create secret generic|configmap <name> [--from-file=[key=]<file>]… [--from-literal=key=value]…
With --dry-run=client -o yaml the object is printed, not made: kubectl create … --dry-run=client -o yaml | kubectl apply -f -
replaces one that is there.`,
  flags: { filename: many('f'), 'dry-run': value(), output: value('o'), ...dataFlags },
  run: async (flags, io, context) => {
    const [word, ...names] = flags.words;
    if (word === undefined) {
      const files = await readManifests(flags.all('filename'), io, context);
      return createFiles(files, namespaceOf(flags), io, context);
    }
    const object = objectOf(word, names, flags, context);
    const dry = flags.text('dry-run');
    if (dry === undefined || dry === 'none') {
      const file = `${word} ${object.metadata.name}`;
      return createFiles([{ file, text: JSON.stringify(object) }], namespaceOf(flags), io, context);
    }
    io.out(printed(object, flags, context));
    return 0;
  },
  complete: ({ words }) =>
    words.length <= 1
      ? ['namespace', 'serviceaccount', 'secret', 'configmap']
      : words[0] === 'secret'
        ? ['tls', 'generic']
        : [],
};

function objectOf(word: string, names: readonly string[], flags: Flags, context: ShellContext): NewObject {
  if (word === 'secret') return secretFrom(names, flags, context);
  if (word === 'configmap' || word === 'cm') return configMapFrom(names, flags, context);
  const kind = SIMPLE[word];
  if (kind === undefined) throw usage('create', `unknown command "${flags.words.join(' ')}"`);
  const [name] = names;
  if (name === undefined || names.length > 1)
    throw usage(`create ${word}`, `exactly one NAME is required, got ${names.length}`);
  return { apiVersion: 'v1', kind, metadata: { name } };
}

function printed(object: NewObject, flags: Flags, context: ShellContext): string {
  const kind = context.sandbox.store.kinds.forObject(object.apiVersion, object.kind);
  const format = flags.text('output');
  const namespace = flags.text('namespace');
  const whole = namespace === undefined ? object : { ...object, metadata: { ...object.metadata, namespace } };
  if (format === 'yaml') return toYaml(whole);
  if (format === 'json') return `${JSON.stringify(whole, null, 4)}\n`;
  if (format !== undefined && format !== 'name')
    throw new UsageError(`error: unable to match a printer suitable for the output format "${format}"`);
  const name = kind ? printedName(kind, object.metadata.name) : object.metadata.name;
  return format === 'name' ? `${name}\n` : `${name} created (dry run)\n`;
}

async function createFiles(
  files: readonly { readonly file: string; readonly text: string }[],
  namespace: string,
  io: CommandIo,
  context: ShellContext,
): Promise<number> {
  for (const object of files.flatMap((file) => manifestObjects(file.text))) {
    const kind = context.sandbox.store.kinds.forObject(object.apiVersion, object.kind);
    const address = { namespace: kind?.namespaced ? (object.namespace ?? namespace) : '', name: object.name };
    if (kind && context.sandbox.store.get(storeKind(context, kind), address)) {
      const plural = kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;
      throw new UsageError(`Error from server (AlreadyExists): ${plural} "${object.name}" already exists`);
    }
  }
  return applyFiles(files, { namespace, verb: 'create' }, io, context);
}
