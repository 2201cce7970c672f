import { type FieldProblem, formatAge, type KubeObject } from '#domain';
import type { ServedKind } from '../doors.ts';
import { isRecord, sameJson } from '../json.ts';
import { ageColumn, at, column, listAt, nameColumn, numberAt, textAt, wide } from './columns.ts';
import { defaultPodSpec, podSpecProblems } from './pod-template.ts';
import { schemaFile } from './schema-file.ts';

/** What STATUS says: the reason of the first container that waits or ended, else the pod's own reason or phase. */
function podStatus(object: unknown): string {
  if (at(object, 'metadata.deletionTimestamp') !== undefined && !hasEnded(object)) return 'Terminating';
  const init = listAt(object, 'status.initContainerStatuses');
  for (const [index, container] of init.entries()) {
    const exitCode = at(container, 'state.terminated.exitCode');
    if (exitCode === 0 || (at(container, 'started') === true && isSidecar(object, container))) continue;
    const reason = textAt(container, 'state.terminated.reason') ?? textAt(container, 'state.waiting.reason');
    return reason && reason !== 'PodInitializing' ? `Init:${reason}` : `Init:${index}/${init.length}`;
  }
  let status = textAt(object, 'status.reason') ?? textAt(object, 'status.phase') ?? 'Unknown';
  for (const container of [...listAt(object, 'status.containerStatuses')].reverse()) {
    const reason = textAt(container, 'state.waiting.reason') ?? textAt(container, 'state.terminated.reason');
    if (reason) status = reason;
  }
  return status;
}

const hasEnded = (object: unknown): boolean => ['Succeeded', 'Failed'].includes(textAt(object, 'status.phase') ?? '');

const isSidecar = (object: unknown, status: unknown): boolean =>
  listAt(object, 'spec.initContainers').some(
    (container) => at(container, 'name') === at(status, 'name') && at(container, 'restartPolicy') === 'Always',
  );

const sidecarCount = (object: unknown): number =>
  listAt(object, 'spec.initContainers').filter((container) => at(container, 'restartPolicy') === 'Always').length;

function readyCell(object: unknown): string {
  const statuses = [
    ...listAt(object, 'status.containerStatuses'),
    ...listAt(object, 'status.initContainerStatuses').filter((status) => isSidecar(object, status)),
  ];
  const ready = statuses.filter((status) => at(status, 'ready') === true).length;
  return `${ready}/${listAt(object, 'spec.containers').length + sidecarCount(object)}`;
}

function restartsCell(object: unknown, nowMs: number): string {
  let restarts = 0;
  let last = 0;
  for (const status of listAt(object, 'status.containerStatuses')) {
    restarts += numberAt(status, 'restartCount');
    const finished = textAt(status, 'lastState.terminated.finishedAt');
    if (finished) last = Math.max(last, Date.parse(finished));
  }
  return restarts > 0 && last > 0 ? `${restarts} (${formatAge(nowMs - last)} ago)` : String(restarts);
}

function gatesCell(object: unknown): string | undefined {
  const gates = listAt(object, 'spec.readinessGates');
  if (gates.length === 0) return undefined;
  const met = gates.filter((gate) =>
    listAt(object, 'status.conditions').some(
      (condition) => at(condition, 'type') === at(gate, 'conditionType') && at(condition, 'status') === 'True',
    ),
  );
  return `${met.length}/${gates.length}`;
}

/** The part of a pod's spec that stays once a node has it. */
function fixedPart(spec: unknown): unknown {
  if (!isRecord(spec)) return spec;
  const { activeDeadlineSeconds: _a, tolerations: _t, terminationGracePeriodSeconds: _g, ...rest } = spec;
  // They come by a part of the pod with a URL of its own, which lets nothing else change.
  const { ephemeralContainers: _e, ...fixed } = rest;
  const withoutImages = (containers: unknown): unknown =>
    Array.isArray(containers) ? containers.map((each) => (isRecord(each) ? { ...each, image: '' } : each)) : containers;
  const { containers, initContainers } = fixed;
  return { ...fixed, containers: withoutImages(containers), initContainers: withoutImages(initContainers) };
}

function specStays(object: KubeObject, old: KubeObject): FieldProblem[] {
  if (!textAt(old, 'spec.nodeName') || sameJson(fixedPart(object.spec), fixedPart(old.spec)))
    return addedContainers(object);
  const message =
    'Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,' +
    '`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),' +
    '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';
  return [{ severity: 'error', path: 'spec', message }];
}

/** Containers that came to a pod that runs: their names are nobody else's. */
function addedContainers(object: KubeObject): FieldProblem[] {
  const names = (field: string): string[] => listAt(object, field).map((each) => textAt(each, 'name') ?? '');
  const others = [...names('spec.containers'), ...names('spec.initContainers')];
  return names('spec.ephemeralContainers').flatMap((name, index, all) =>
    others.includes(name) || all.indexOf(name) !== index
      ? [{ severity: 'error', path: `spec.ephemeralContainers[${index}].name`, message: `Duplicate value: "${name}"` }]
      : [],
  );
}

const DEFAULT_GRACE_SECONDS = 30;

/** A pod that no node has, or that has ended, goes at once. Source: CheckGracefulDelete of kubernetes' pod strategy. */
function graceSeconds(object: KubeObject, wanted: number | undefined): number {
  if (!textAt(object, 'spec.nodeName') || hasEnded(object)) return 0;
  const own = at(object, 'spec.terminationGracePeriodSeconds');
  const seconds = wanted ?? (typeof own === 'number' ? own : DEFAULT_GRACE_SECONDS);
  return seconds < 0 ? 1 : seconds;
}

export const podKind: ServedKind = {
  group: '',
  versions: ['v1'],
  kind: 'Pod',
  plural: 'pods',
  singular: 'pod',
  shortNames: ['po'],
  categories: ['all'],
  namespaced: true,
  countsGenerations: false,
  columns: [
    nameColumn,
    column('Ready', readyCell),
    column('Status', podStatus),
    column('Restarts', restartsCell),
    ageColumn,
    wide(column('IP', (object) => textAt(object, 'status.podIP'))),
    wide(column('Node', (object) => textAt(object, 'spec.nodeName'))),
    wide(column('Nominated Node', (object) => textAt(object, 'status.nominatedNodeName'))),
    wide(column('Readiness Gates', gatesCell)),
  ],
  schema: schemaFile('pod'),
  setDefaults: (object) => {
    if (!isRecord(object.spec)) return;
    defaultPodSpec(object.spec);
    object.spec['serviceAccountName'] ??= 'default';
  },
  initialStatus: () => ({ phase: 'Pending' }),
  validate: (object) => podSpecProblems(object.spec, 'spec'),
  validateUpdate: specStays,
  graceSeconds,
};
