import { many } from '#shell';
import { UsageError } from '../../command.ts';
import { namespaceOf, type Verb } from '../verb.ts';
import { applyFiles, readManifests } from './apply.ts';
import { usage } from './errors.ts';
import { manifestObjects } from './manifest-objects.ts';
import { storeKind } from './targets.ts';

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
kubectl create namespace|serviceaccount <name>`,
  flags: { filename: many('f') },
  run: async (flags, io, context) => {
    const namespace = namespaceOf(flags);
    const [word, ...names] = flags.words;
    if (word !== undefined) {
      const kind = SIMPLE[word];
      if (kind === undefined) throw usage('create', `unknown command "${flags.words.join(' ')}"`);
      const [name] = names;
      if (name === undefined || names.length > 1)
        throw usage(`create ${word}`, `exactly one NAME is required, got ${names.length}`);
      const text = JSON.stringify({ apiVersion: 'v1', kind, metadata: { name } });
      return createFiles([{ file: `${word} ${name}`, text }]);
    }
    return createFiles(await readManifests(flags.all('filename'), io, context));

    function createFiles(files: readonly { readonly file: string; readonly text: string }[]): Promise<number> {
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
  },
  complete: ({ words }) => (words.length <= 1 ? ['namespace', 'serviceaccount'] : []),
};
