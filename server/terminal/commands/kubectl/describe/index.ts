import type { KindDefinition, KubeObject } from '#domain';
import { onOff, value } from '#shell';
import { type ShellContext, UsageError } from '../../../command.ts';
import { namespaceOf, type Verb } from '../../verb.ts';
import { completeTargets, getObject, listObjects, readTargets } from '../targets.ts';
import { describeConfigMap } from './config-map.ts';
import { describeEvents } from './events.ts';
import { annotations, type Field, formatFields, pairs, tree } from './format.ts';
import { describePod } from './pod.ts';
import { describeSecret } from './secret.ts';
import { describeService } from './service.ts';

export const describe: Verb = {
  name: 'describe',
  manual: `kubectl describe <kind> [name…] [-l selector] [-n namespace | -A]   Everything about an object, with its events.`,
  flags: { selector: value('l'), 'all-namespaces': onOff('A') },
  run: async (flags, io, context) => {
    const namespace = namespaceOf(flags, context);
    const query = {
      namespace: flags.on('all-namespaces') ? undefined : namespace,
      labelSelector: flags.text('selector'),
    };
    const blocks: string[] = [];
    const missing: string[] = [];
    for (const { kind, name } of readTargets(context, flags.words, 'describe')) {
      try {
        const objects =
          name === undefined ? listObjects(context, kind, query) : [getObject(context, kind, namespace, name)];
        blocks.push(...objects.map((object) => describeObject(kind, object, context)));
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        missing.push(error.message);
      }
    }
    io.out(blocks.join('\n\n'));
    for (const text of missing) io.err(`${text}\n`);
    if (blocks.length === 0 && missing.length === 0) io.err(`No resources found in ${namespace} namespace.\n`);
    return missing.length > 0 ? 1 : 0;
  },
  complete: completeTargets,
};

const describeNamespace = ({ metadata, status }: KubeObject): string[] => [
  ...formatFields([
    ['Name', metadata.name],
    ['Labels', ...pairs(metadata.labels)],
    ['Annotations', ...annotations(metadata.annotations)],
    ['Status', String((status as { phase?: string } | undefined)?.phase ?? 'Active')],
  ]),
  '',
  'No resource quota.',
  '',
  'No LimitRange resource.',
];

const formOf: Readonly<Record<string, (object: KubeObject, context: ShellContext) => string[]>> = {
  ConfigMap: describeConfigMap,
  Pod: describePod,
  Secret: describeSecret,
  Service: describeService,
  Namespace: describeNamespace,
};

/** Kinds at whose end kubectl tells no events. */
const WITHOUT_EVENTS = new Set(['Secret', 'Namespace']);

function describeObject(kind: KindDefinition, object: KubeObject, context: ShellContext): string {
  const lines = formOf[kind.kind]?.(object, context) ?? describeAny(kind, object);
  const events = WITHOUT_EVENTS.has(kind.kind) ? [] : describeEvents(object, context);
  return `${[...lines, ...events].join('\n')}\n`;
}

/** kubectl's generic form, as for custom resources. */
function describeAny(kind: KindDefinition, object: KubeObject): string[] {
  const { apiVersion, kind: kindName, metadata, ...rest } = object;
  const head: Field[] = [
    ['Name', metadata.name],
    ['Namespace', kind.namespaced ? (metadata.namespace ?? '') : ''],
    ['Labels', ...pairs(metadata.labels)],
    ['Annotations', ...annotations(metadata.annotations)],
    ['API Version', apiVersion],
    ['Kind', kindName],
  ];
  const meta = {
    ...(metadata.creationTimestamp ? { creationTimestamp: metadata.creationTimestamp } : {}),
    ...(metadata.generation === undefined ? {} : { generation: metadata.generation }),
    ...(metadata.resourceVersion ? { resourceVersion: metadata.resourceVersion } : {}),
    ...(metadata.uid ? { UID: metadata.uid } : {}),
  };
  return [
    ...formatFields(head),
    ...tree('metadata', meta),
    ...Object.entries(rest).flatMap(([name, part]) => tree(name, part)),
  ];
}
