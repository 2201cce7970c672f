import type { KubeObject } from '#domain';
import type { ContainerState, RunningPod } from '#sandbox';
import type { ShellContext } from '../../../command.ts';
import { annotations, type Field, formatFields, pairs } from './format.ts';

interface PodSpec {
  readonly serviceAccountName?: string;
  readonly nodeName?: string;
  readonly containers?: readonly ContainerSpec[];
  readonly initContainers?: readonly ContainerSpec[];
}

interface ContainerSpec {
  readonly name: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly ports?: readonly { readonly containerPort: number; readonly protocol?: string }[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
}

interface PodStatus {
  readonly phase?: string;
  readonly podIP?: string;
  readonly startTime?: string;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
}

export function describePod(object: KubeObject, context: ShellContext): string[] {
  const { metadata } = object;
  const spec = (object.spec ?? {}) as PodSpec;
  const status = (object.status ?? {}) as PodStatus;
  const running = context.sandbox.pod({ namespace: metadata.namespace ?? '', name: metadata.name });
  const owner = metadata.ownerReferences?.[0];
  const containers = (list: readonly ContainerSpec[] | undefined): string[] =>
    (list ?? []).flatMap((container) => containerLines(container, running));
  return [
    ...formatFields([
      ['Name', metadata.name],
      ['Namespace', metadata.namespace ?? ''],
      ['Service Account', spec.serviceAccountName ?? 'default'],
      ['Node', spec.nodeName ?? '<none>'],
      ['Labels', ...pairs(metadata.labels)],
      ['Annotations', ...annotations(metadata.annotations)],
      ['Status', metadata.deletionTimestamp ? 'Terminating' : (status.phase ?? 'Pending')],
      ['IP', status.podIP ?? ''],
      ...(owner ? [['Controlled By', `${owner.kind}/${owner.name}`] as const] : []),
    ]),
    ...(spec.initContainers?.length ? ['Init Containers:', ...containers(spec.initContainers)] : []),
    'Containers:',
    ...containers(spec.containers),
    'Conditions:',
    `  ${'Type'.padEnd(28)}Status`,
    ...(status.conditions ?? []).map((condition) => `  ${condition.type.padEnd(28)}${condition.status}`),
  ];
}

function containerLines(container: ContainerSpec, running: RunningPod | undefined): string[] {
  const state = running?.containers.find((each) => each.name === container.name);
  const ports = (container.ports ?? []).map(({ containerPort, protocol }) => `${containerPort}/${protocol ?? 'TCP'}`);
  const fields: Field[] = [
    ['Image', container.image ?? ''],
    [ports.length > 1 ? 'Ports' : 'Port', ports.join(', ') || '<none>'],
    ['State', ...stateTexts(state)],
    ['Ready', state?.ready ? 'True' : 'False'],
    ['Restart Count', String(state?.restarts ?? 0)],
  ];
  const below = (title: string, lines: readonly string[] | undefined): string[] =>
    lines?.length ? [`    ${title}:`, ...lines.map((line) => `      ${line}`)] : [];
  return [
    `  ${container.name}:`,
    ...formatFields(fields, '    '),
    ...below('Command', container.command),
    ...below('Args', container.args),
    ...below(
      'Environment',
      container.env?.map((entry) => `${entry.name}:  ${entry.value ?? ''}`),
    ),
  ];
}

/** kubectl names the three states and gives the reason below. */
function stateTexts(state: ContainerState | undefined): string[] {
  const word = state?.state ?? 'ContainerCreating';
  if (word === 'Running') return [word];
  const ended = word === 'Completed' || word === 'Error' || word === 'Terminated';
  return [
    ended ? 'Terminated' : 'Waiting',
    `Reason: ${word}`,
    ...(state?.message ? [`Message: ${state.message}`] : []),
  ];
}
