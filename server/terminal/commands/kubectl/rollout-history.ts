import type { KubeObject } from '#domain';
import { readCount } from '#shell';
import { type CommandIo, type ShellContext, UsageError } from '../../command.ts';
import { getObject, printedName } from './targets.ts';
import { mergeInto, type Named, writeChange } from './write.ts';

const REVISION = 'deployment.kubernetes.io/revision';
const CAUSE = 'kubernetes.io/change-cause';
const HASH_LABEL = 'pod-template-hash';

interface Template {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: {
    readonly serviceAccountName?: string;
    readonly containers?: readonly {
      readonly name: string;
      readonly image?: string;
      readonly ports?: readonly { readonly containerPort: number }[];
      readonly env?: readonly { readonly name: string; readonly value?: string }[];
    }[];
  };
}

interface Revision {
  readonly number: number;
  readonly cause: string | undefined;
  readonly template: Template;
}

/** The ReplicaSets of a deployment as its history, the oldest first. */
function revisions(context: ShellContext, { name, namespace }: Named): Revision[] {
  return context.sandbox.store
    .list('ReplicaSet', { namespace })
    .filter(({ metadata }) =>
      metadata.ownerReferences?.some((owner) => owner.kind === 'Deployment' && owner.name === name),
    )
    .map(
      ({ metadata, spec }): Revision => ({
        number: Number(metadata.annotations?.[REVISION] ?? 0),
        cause: metadata.annotations?.[CAUSE],
        template: (spec as { template: Template }).template,
      }),
    )
    .sort((a, b) => a.number - b.number);
}

function wantedRevision(text: string | undefined): number {
  const number = text === undefined ? 0 : readCount(text);
  if (number === undefined) throw new UsageError(`error: revision must be a positive integer: ${text}`);
  return number;
}

export function printHistory(target: Named, revision: string | undefined, io: CommandIo, context: ShellContext): void {
  const all = revisions(context, target);
  const number = wantedRevision(revision);
  const name = printedName(target.kind, target.name);
  if (number === 0) {
    const rows = [['REVISION', 'CHANGE-CAUSE'], ...all.map((each) => [String(each.number), each.cause ?? '<none>'])];
    io.out(`${name} \n${rows.map(([first = '', second]) => `${first.padEnd(10)}${second}\n`).join('')}\n`);
    return;
  }
  const found = all.find((each) => each.number === number);
  if (found === undefined) throw new UsageError('error: unable to find the specified revision');
  io.out(`${name} with revision #${number}\n${describedTemplate(found.template).join('\n')}\n\n`);
}

/** As kubectl describes a pod template. Source: DescribePodTemplate in kubectl. */
function describedTemplate({ metadata, spec = {} }: Template): string[] {
  const labels = Object.entries(metadata?.labels ?? {}).map(([key, text]) => `${key}=${text}`);
  const containers = (spec.containers ?? []).flatMap(({ name, image = '', ports = [], env = [] }) => [
    `   ${name}:`,
    `    Image:\t${image}`,
    `    Port:\t${ports.map(({ containerPort }) => `${containerPort}/TCP`).join(', ') || '<none>'}`,
    `    Host Port:\t${ports.map(() => '0/TCP').join(', ') || '<none>'}`,
    ...(env.length === 0
      ? ['    Environment:\t<none>']
      : ['    Environment:', ...env.map((each) => `      ${each.name}:\t${each.value ?? ''}`)]),
    '    Mounts:\t<none>',
  ]);
  return [
    'Pod Template:',
    `  Labels:\t${labels.sort().join('\n\t')}`,
    ...(spec.serviceAccountName === undefined ? [] : [`  Service Account:\t${spec.serviceAccountName}`]),
    '  Containers:',
    ...containers,
    '  Volumes:\t<none>',
    '  Node-Selectors:\t<none>',
    '  Tolerations:\t<none>',
  ];
}

/** Makes an earlier revision's template current again. */
export function undo(target: Named, toRevision: string | undefined, io: CommandIo, context: ShellContext): void {
  const object = getObject(context, target.kind, target.namespace, target.name);
  const name = printedName(target.kind, target.name);
  if ((object.spec as { paused?: boolean }).paused === true)
    throw new UsageError(
      `error: you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume deployment/${target.name}' and try again`,
    );
  const all = revisions(context, target);
  const number = wantedRevision(toRevision);
  const found = number === 0 ? all.at(-2) : all.find((each) => each.number === number);
  if (found === undefined)
    throw number === 0
      ? new UsageError(`error: no rollout history found for deployment "${target.name}"`)
      : new UsageError(`error: unable to find specified revision ${number} in history`);
  const { [HASH_LABEL]: _, ...labels } = found.template.metadata?.labels ?? {};
  const template = { ...found.template, metadata: { ...found.template.metadata, labels } };
  const changed = writeChange(context, target, `kubectl rollout undo ${target.name}`, (current: KubeObject, options) =>
    context.sandbox.store.update({ ...current, spec: { ...(current.spec as object), template } }, options),
  );
  io.out(
    changed
      ? `${name} rolled back\n`
      : `${name} skipped rollback (current template already matches revision ${found.number})\n`,
  );
}

export function setPaused(target: Named, paused: boolean, io: CommandIo, context: ShellContext): void {
  const { spec } = getObject(context, target.kind, target.namespace, target.name);
  const is = (spec as { paused?: boolean }).paused === true;
  const word = paused ? 'paused' : 'resumed';
  if (is === paused)
    throw new UsageError(`error: deployments.apps "${target.name}" is ${paused ? 'already' : 'not'} paused`);
  mergeInto(
    context,
    target,
    { spec: { paused: paused ? true : null } },
    `kubectl rollout ${paused ? 'pause' : 'resume'} ${target.name}`,
  );
  io.out(`${printedName(target.kind, target.name)} ${word}\n`);
}
