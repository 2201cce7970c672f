import type { KindDefinition, KubeObject } from '#domain';
import type { RunningPod } from '#sandbox';
import type { ShellContext } from '../../command.ts';
import { readFlags } from '../../flags.ts';
import { formatTable } from '../../table.ts';
import { commonFlags, completeTargets, getObject, namespaceOf, readTargets, storeKind } from './targets.ts';
import type { Verb } from './verb.ts';

export const describe: Verb = {
  name: 'describe',
  manual: 'kubectl describe <kind> <name…> [-n namespace]   Everything about an object, with its events.',
  run: async (args, io, context) => {
    const flags = readFlags(args, commonFlags);
    const namespace = namespaceOf(flags);
    const blocks: string[] = [];
    for (const { kind, name } of readTargets(context, flags.words)) {
      const objects = name
        ? [getObject(context, kind, namespace, name)]
        : context.sandbox.store.list(storeKind(context, kind), {
            ...(kind.namespaced ? { namespace } : {}),
            ...(flags.text('selector') ? { labelSelector: flags.text('selector') ?? '' } : {}),
          });
      for (const object of objects) blocks.push(describeObject(kind, object, context));
    }
    if (blocks.length === 0) io.err(`No resources found in ${namespace} namespace.\n`);
    io.out(blocks.join('\n\n'));
    return 0;
  },
  complete: completeTargets,
};

function describeObject(kind: KindDefinition, object: KubeObject, context: ShellContext): string {
  const lines = head(kind, object);
  if (kind.kind === 'Pod') lines.push(...podLines(object, context));
  else if (kind.kind === 'Service') lines.push(...serviceLines(object, context));
  else {
    for (const [field, value] of Object.entries(object)) {
      if (!['apiVersion', 'kind', 'metadata'].includes(field)) lines.push(...tree(field, value, 0));
    }
  }
  return `${lines.join('\n')}\n${events(object, context)}`;
}

function head(kind: KindDefinition, object: KubeObject): string[] {
  const { metadata } = object;
  const lines = [field('Name', metadata.name)];
  if (kind.namespaced) lines.push(field('Namespace', metadata.namespace ?? ''));
  lines.push(...pairs('Labels', metadata.labels), ...pairs('Annotations', shortAnnotations(metadata.annotations)));
  if (kind.group !== '' && kind.group !== 'apps')
    lines.push(field('API Version', object.apiVersion), field('Kind', object.kind));
  if (metadata.creationTimestamp) lines.push(field('Created', metadata.creationTimestamp));
  return lines;
}

const WIDTH = 18;
const field = (name: string, value: string): string => `${`${name}:`.padEnd(WIDTH)}${value}`;

function pairs(name: string, values: Readonly<Record<string, string>> | undefined): string[] {
  const entries = Object.entries(values ?? {});
  if (entries.length === 0) return [field(name, '<none>')];
  return entries.map(([key, value], i) =>
    i === 0 ? field(name, `${key}=${value}`) : `${' '.repeat(WIDTH)}${key}=${value}`,
  );
}

function shortAnnotations(annotations: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const shown = Object.entries(annotations ?? {}).filter(([key]) => !key.includes('last-applied-configuration'));
  return Object.fromEntries(
    shown.map(([key, value]) => [key, value.length > 120 ? `${value.slice(0, 117)}...` : value]),
  );
}

/** kubectl's generic form: field names in words, children indented. */
function tree(name: string, value: unknown, depth: number): string[] {
  const indent = '  '.repeat(depth);
  const title = words(name);
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== 'object' || item === null)) {
      return [`${indent}${title}:`, ...value.map((item) => `${indent}  ${String(item)}`)];
    }
    return [
      `${indent}${title}:`,
      ...value.flatMap((item) => Object.entries(item as object).flatMap(([key, child]) => tree(key, child, depth + 1))),
    ];
  }
  if (typeof value === 'object' && value !== null) {
    return [`${indent}${title}:`, ...Object.entries(value).flatMap(([key, child]) => tree(key, child, depth + 1))];
  }
  return [`${indent}${title}:  ${String(value)}`];
}

const words = (name: string): string =>
  name.charAt(0).toUpperCase() + name.slice(1).replace(/([a-z0-9])([A-Z])/g, '$1 $2');

interface PodSpec {
  serviceAccountName?: string;
  nodeName?: string;
  containers?: ContainerSpec[];
  initContainers?: ContainerSpec[];
}
interface ContainerSpec {
  name: string;
  image?: string;
  args?: string[];
  ports?: { containerPort: number; protocol?: string }[];
  env?: { name: string; value?: string }[];
}

function podLines(object: KubeObject, context: ShellContext): string[] {
  const spec = (object.spec ?? {}) as PodSpec;
  const status = (object.status ?? {}) as {
    phase?: string;
    podIP?: string;
    conditions?: { type: string; status: string }[];
  };
  const running = context.sandbox.pod({ namespace: object.metadata.namespace ?? '', name: object.metadata.name });
  const lines = [
    field('Service Account', spec.serviceAccountName ?? 'default'),
    field('Node', spec.nodeName ?? '<none>'),
    field('Status', status.phase ?? 'Pending'),
    field('IP', status.podIP ?? ''),
  ];
  const owner = object.metadata.ownerReferences?.[0];
  if (owner) lines.push(field('Controlled By', `${owner.kind}/${owner.name}`));
  if (spec.initContainers?.length)
    lines.push('Init Containers:', ...spec.initContainers.flatMap((container) => containerLines(container, running)));
  lines.push('Containers:', ...(spec.containers ?? []).flatMap((container) => containerLines(container, running)));
  lines.push('Conditions:', `  ${'Type'.padEnd(16)}Status`);
  for (const condition of status.conditions ?? []) lines.push(`  ${condition.type.padEnd(16)}${condition.status}`);
  return lines;
}

function containerLines(container: ContainerSpec, running: RunningPod | undefined): string[] {
  const state = running?.containers.find((each) => each.name === container.name);
  const ports = (container.ports ?? []).map((port) => `${port.containerPort}/${port.protocol ?? 'TCP'}`).join(', ');
  const lines = [
    `  ${container.name}:`,
    `    Image:          ${container.image ?? ''}`,
    ...(ports ? [`    Ports:          ${ports}`] : []),
    ...(container.args?.length ? ['    Args:', ...container.args.map((arg) => `      ${arg}`)] : []),
    `    State:          ${state?.state ?? 'Waiting'}`,
    ...(state?.message ? [`      Message:      ${state.message}`] : []),
    `    Ready:          ${state?.ready ? 'True' : 'False'}`,
    `    Restart Count:  ${state?.restarts ?? 0}`,
  ];
  if (container.env?.length)
    lines.push('    Environment:', ...container.env.map((entry) => `      ${entry.name}:  ${entry.value ?? ''}`));
  return lines;
}

function serviceLines(object: KubeObject, context: ShellContext): string[] {
  const spec = (object.spec ?? {}) as {
    type?: string;
    clusterIP?: string;
    selector?: Record<string, string>;
    ports?: { name?: string; port: number; targetPort?: number | string; protocol?: string }[];
  };
  const lines = [
    ...pairs('Selector', spec.selector),
    field('Type', spec.type ?? 'ClusterIP'),
    field('IP', spec.clusterIP ?? 'None'),
  ];
  const slices = context.sandbox.store.list('EndpointSlice', {
    namespace: object.metadata.namespace ?? '',
    labelSelector: `kubernetes.io/service-name=${object.metadata.name}`,
  });
  for (const port of spec.ports ?? []) {
    lines.push(field('Port', `${port.name ?? '<unset>'}  ${port.port}/${port.protocol ?? 'TCP'}`));
    lines.push(field('TargetPort', `${port.targetPort ?? port.port}/${port.protocol ?? 'TCP'}`));
    lines.push(field('Endpoints', endpointText(slices, port.name) || '<none>'));
  }
  return lines;
}

function endpointText(slices: readonly KubeObject[], portName: string | undefined): string {
  return slices
    .flatMap((slice) => {
      const ports = (slice['ports'] ?? []) as { name?: string; port: number }[];
      const endpoints = (slice['endpoints'] ?? []) as { addresses: string[] }[];
      const port = ports.find((each) => (each.name ?? '') === (portName ?? '')) ?? ports[0];
      return port
        ? endpoints.flatMap((endpoint) => endpoint.addresses.map((address) => `${address}:${port.port}`))
        : [];
    })
    .join(',');
}

interface EventFields {
  type?: string;
  reason?: string;
  message?: string;
  involvedObject?: { kind?: string; name?: string; namespace?: string };
  source?: { component?: string };
  reportingComponent?: string;
}

function events(object: KubeObject, context: ShellContext): string {
  const own = context.sandbox.store
    .list('Event', { namespace: object.metadata.namespace ?? 'default' })
    .map((event) => event as unknown as EventFields & KubeObject)
    .filter(
      (event) => event.involvedObject?.kind === object.kind && event.involvedObject.name === object.metadata.name,
    );
  if (own.length === 0) return 'Events:  <none>';
  const rows = own
    .slice(-20)
    .map((event) => [
      `  ${event.type ?? 'Normal'}`,
      event.reason ?? '',
      event.source?.component ?? event.reportingComponent ?? '',
      event.message ?? '',
    ]);
  return `Events:\n${formatTable(['  Type', 'Reason', 'From', 'Message'], rows)}`.trimEnd();
}
