import { parseAllDocuments } from 'yaml';
import type { KindDefinition, KubeObject } from '#domain';
import { appliedOver, LAST_APPLIED } from '#kube-api';
import { differences, many, onOff, value } from '#shell';
import { type CommandIo, type ShellContext, UsageError } from '../../command.ts';
import { namespaceOf, type Verb } from '../verb.ts';
import { askApi } from './api.ts';
import { readManifests } from './apply.ts';
import { toYaml } from './output.ts';
import { storeKind } from './targets.ts';

/** kubectl's exit code for a failure; 1 means that there are differences. */
const EXIT_FAILED = 2;

/** What apply would change, as the API server would store it: nothing is stored. */
export const diff: Verb = {
  name: 'diff',
  manual: `kubectl diff -f <file | folder | -> [-n namespace]
What kubectl apply would change, as the API server would store it. Exit code 0: nothing, 1: something, 2: it could not be told.`,
  flags: { filename: many('f'), recursive: onOff('R'), 'server-side': onOff(), 'field-manager': value() },
  run: async (flags, io, context) => {
    try {
      const files = await readManifests(flags.all('filename'), io, context);
      let differs = false;
      for (const { text } of files)
        for (const object of objectsOf(text, namespaceOf(flags, context))) {
          const shown = await differenceOf(object, io, context);
          io.out(shown);
          differs ||= shown !== '';
        }
      return differs ? 1 : 0;
    } catch (error) {
      if (error instanceof UsageError) throw new UsageError(error.message, EXIT_FAILED);
      throw error;
    }
  },
  complete: (_typed, context) => context.files.list(''),
};

function objectsOf(text: string, namespace: string): KubeObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    const problem = document.errors[0];
    if (problem) throw new UsageError(`error: error parsing YAML: ${problem.message.split('\n', 1)[0]}`);
    const object = document.toJS({ maxAliasCount: 20 }) as KubeObject | null;
    if (object === null) return [];
    if (typeof object.metadata?.name !== 'string') throw new UsageError('error: resource name may not be empty');
    return [{ ...object, metadata: { ...object.metadata, namespace: object.metadata.namespace ?? namespace } }];
  });
}

async function differenceOf(given: KubeObject, io: CommandIo, context: ShellContext): Promise<string> {
  const kind = context.sandbox.store.kinds.forObject(given.apiVersion, given.kind);
  if (!kind) throw new UsageError(`error: no matches for kind "${given.kind}" in version "${given.apiVersion}"`);
  const { namespace: _, ...clusterWide } = given.metadata;
  const object: KubeObject = kind.namespaced ? given : { ...given, metadata: clusterWide };
  const address = { namespace: object.metadata.namespace ?? '', name: object.metadata.name };
  const live = context.sandbox.store.get(storeKind(context, kind), address);
  const merged = await stored(live ? { ...appliedOver(kind, object, live), apiVersion: given.apiVersion } : object, {
    kind,
    live: live !== undefined,
    io,
    context,
  });
  const name = [...given.apiVersion.split('/'), given.kind, address.namespace, address.name].filter(Boolean).join('.');
  const [before, after] = [
    live ? yamlLines({ ...live, apiVersion: given.apiVersion }) : [],
    yamlLines(asBefore(merged, live)),
  ];
  const hunks = differences(before, after);
  if (hunks === '') return '';
  return `diff -u -N /tmp/LIVE/${name} /tmp/MERGED/${name}\n--- /tmp/LIVE/${name}\n+++ /tmp/MERGED/${name}\n${hunks}`;
}

/** The note of what was applied last is no difference of its own. */
function asBefore(merged: KubeObject, live: KubeObject | undefined): KubeObject {
  const { [LAST_APPLIED]: _, ...annotations } = merged.metadata.annotations ?? {};
  const noted = live?.metadata.annotations?.[LAST_APPLIED];
  const kept = noted === undefined ? annotations : { ...annotations, [LAST_APPLIED]: noted };
  const { annotations: _own, ...metadata } = merged.metadata;
  return { ...merged, metadata: Object.keys(kept).length === 0 ? metadata : { ...metadata, annotations: kept } };
}

const yamlLines = ({ metadata: { managedFields: _, ...metadata }, ...object }: KubeObject): string[] =>
  toYaml({ ...object, metadata })
    .replace(/\n$/, '')
    .split('\n');

interface Storing {
  readonly kind: KindDefinition;
  readonly live: boolean;
  readonly io: CommandIo;
  readonly context: ShellContext;
}

/** The object as the API server would store it, by a dry run. */
async function stored(object: KubeObject, { kind, live, io, context }: Storing): Promise<KubeObject> {
  const root = object.apiVersion.includes('/') ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`;
  const scope = kind.namespaced ? `/namespaces/${object.metadata.namespace}` : '';
  const path = `${root}${scope}/${kind.plural}${live ? `/${object.metadata.name}` : ''}?dryRun=All&fieldValidation=Strict`;
  const text = await askApi({ method: live ? 'PUT' : 'POST', path, body: object, signal: io.signal }, context);
  return JSON.parse(text) as KubeObject;
}
