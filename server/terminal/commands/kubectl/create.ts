import { type Flags, many, value } from '#shell';
import { type CommandIo, type ShellContext, UsageError } from '../../command.ts';
import { namespaceOf, type Verb } from '../verb.ts';
import { applyFiles, readManifests } from './apply.ts';
import { configMapFrom, dataFlags, secretFrom } from './create-data.ts';
import { usage } from './errors.ts';
import { manifestObjects } from './manifest-objects.ts';
import { make, makeFlags, type NewObject, refuseExisting } from './new-object.ts';
import { deploymentFrom, serviceFrom, workloadFlags } from './workloads.ts';

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
kubectl create deployment <name> --image=<image> [--replicas=n] [--port=…] [-- command]
kubectl create service clusterip|nodeport|loadbalancer <name> --tcp=<port>:<target>
kubectl create service externalname <name> --external-name=<host>
kubectl create secret tls <name> --cert=<file> --key=<file>
kubectl create secret generic|configmap <name> [--from-file=[key=]<file>]… [--from-literal=key=value]…
With --dry-run=client -o yaml the object is printed, not made: kubectl create … --dry-run=client -o yaml | kubectl apply -f -
replaces one that is there.`,
  flags: { filename: many('f'), 'save-config': value(), ...makeFlags, ...dataFlags, ...workloadFlags },
  run: async (flags, io, context) => {
    const [word, ...names] = flags.words;
    if (word === undefined) {
      const files = await readManifests(flags.all('filename'), io, context);
      return createFiles(files, namespaceOf(flags, context), io, context);
    }
    const object = objectOf(word, names, flags, context);
    return make(object, { flags, io, context, title: `create ${word} ${object.metadata.name}`, done: 'created' });
  },
  complete: ({ words }) =>
    words.length <= 1
      ? ['namespace', 'serviceaccount', 'deployment', 'service', 'secret', 'configmap']
      : words[0] === 'secret'
        ? ['tls', 'generic']
        : words[0] === 'service'
          ? ['clusterip', 'nodeport', 'loadbalancer', 'externalname']
          : [],
};

function objectOf(word: string, names: readonly string[], flags: Flags, context: ShellContext): NewObject {
  if (word === 'secret') return secretFrom(names, flags, context);
  if (word === 'configmap' || word === 'cm') return configMapFrom(names, flags, context);
  if (word === 'deployment' || word === 'deploy') return deploymentFrom(names, flags);
  if (word === 'service' || word === 'svc') return serviceFrom(names, flags);
  if (word === 'token')
    throw new UsageError(
      'error: tokens are handed out by the API server only; the lab page shows how to reach it with your own kubectl',
    );
  const kind = SIMPLE[word];
  if (kind === undefined) throw usage('create', `unknown command "${flags.words.join(' ')}"`);
  const [name] = names;
  if (name === undefined || names.length > 1)
    throw usage(`create ${word}`, `exactly one NAME is required, got ${names.length}`);
  return { apiVersion: 'v1', kind, metadata: { name } };
}

async function createFiles(
  files: readonly { readonly file: string; readonly text: string }[],
  namespace: string,
  io: CommandIo,
  context: ShellContext,
): Promise<number> {
  for (const object of files.flatMap((file) => manifestObjects(file.text)))
    refuseExisting(
      object.apiVersion,
      { kind: object.kind, metadata: { name: object.name }, namespace: object.namespace ?? namespace },
      context,
    );
  return applyFiles(files, { namespace, verb: 'create' }, io, context);
}
