import type { KubeObject } from '#domain';
import type { Sandbox } from '#sandbox';
import type { HandClient } from '#xds';
import type { ProbeSpec } from '../lab-schema.ts';
import type { SteadyAnswer, SteadyTotals } from '../traffic.ts';
import { certificateIs, proxiesTrust } from './certificates.ts';
import { readCounter } from './counters.ts';
import { comparesDurations } from './durations.ts';
import { everyEntry, valueAt } from './fields.ts';
import { handHolds } from './hand.ts';
import type { BareAnswersProbe } from './identity-schema.ts';

/** What a probe of the mesh's present state needs to look at. */
export interface ProbeContext {
  readonly sandbox: Sandbox;
  /** Names of the pods that ran when the lab was ready. */
  readonly podsAtStart: ReadonlySet<string>;
  /** Object versions (`Kind/ns/name` → resourceVersion) that the proxies have accepted. */
  readonly pushedVersions: ReadonlyMap<string, string>;
  /** What the learner last chose at each check, by check and item; absent: nothing. */
  readonly answered?: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Steady requests of a traffic since a check was met; absent, or undefined: it was not. */
  readonly steadySince?: (traffic: string, check: string) => SteadyTotals | undefined;
  /** The newest answers to steady requests of a traffic; absent: nobody kept them. */
  readonly recent?: (traffic: string) => readonly SteadyAnswer[];
  /** Names of the pods that ran when a check was met; absent, or undefined: it was not. */
  readonly podsAt?: (check: string) => ReadonlySet<string> | undefined;
  /** The line that was typed last in each terminal; absent: there are none. */
  readonly typed?: readonly string[];
  /** The terminal's xDS client; absent: there is none. */
  readonly hand?: HandClient;
}

type Field = Exclude<
  keyof ProbeSpec,
  'all' | 'any' | 'not' | 'batch' | 'ejections' | 'commands' | 'measured' | 'firstFlag' | 'answers'
>;

/** One function for each kind of state probe. Each is pure over the sandbox's present state. */
const probes: { readonly [Name in Field]: (spec: NonNullable<ProbeSpec[Name]>, context: ProbeContext) => boolean } = {
  object: (spec, { sandbox }) => {
    const found = sandbox.store.list(spec.kind).filter((stored) => isWanted(stored, spec)).length;
    return spec.count === undefined ? found > 0 : found === spec.count;
  },
  typed: ({ line }, { typed = [] }) => typed.some((newest) => new RegExp(line).test(newest)),
  certificate: (spec, { sandbox }) => certificateIs(spec, sandbox),
  proxyTrust: (spec, { sandbox }) => proxiesTrust(spec, sandbox),
  bareAnswers: (spec, context) => bareAnswersCome(spec, context),
  replaced: ({ namespace, labels, since }, { sandbox, podsAt }) => {
    const then = podsAt?.(since);
    const now = podsOf(sandbox, namespace, labels);
    return then !== undefined && now.length > 0 && now.every(({ name }) => !then.has(name));
  },
  steady: ({ traffic, since, sent, failed }, { steadySince }) => {
    const seen = steadySince?.(traffic, since);
    return seen !== undefined && seen.sent >= sent && seen.failed <= failed;
  },
  namespaceLabel: (spec, { sandbox }) =>
    sandbox.store.get('Namespace', { namespace: '', name: spec.namespace })?.metadata.labels?.[spec.label] ===
    spec.value,
  pods: (spec, { sandbox, podsAtStart }) => {
    const chosen = sandbox.pods.filter(
      (pod) =>
        pod.namespace === spec.namespace &&
        Object.entries(spec.labels ?? {}).every(([key, value]) => pod.labels[key] === value),
    );
    return (
      chosen.length > 0 &&
      chosen.every((pod) => {
        const main = pod.containers.filter((container) => container.kind !== 'init');
        if (spec.of !== undefined && main.length !== spec.of) return false;
        if (spec.ready !== undefined && main.filter((container) => container.ready).length !== spec.ready) return false;
        if (spec.init !== undefined && !pod.containers.some(({ kind, name }) => kind === 'init' && name === spec.init))
          return false;
        return spec.sameAsAtStart !== true || podsAtStart.has(pod.name);
      })
    );
  },
  subsets: (spec, { sandbox }) =>
    spec.names.every((name) => {
      const labels = subsetLabels(sandbox, spec.host, spec.namespace).get(name);
      return (
        labels !== undefined &&
        sandbox.pods.some(
          (pod) =>
            pod.namespace === spec.namespace &&
            pod.containers.every((container) => container.kind === 'init' || container.ready) &&
            everyEntry(labels, (key, value) => pod.labels[key] === value) &&
            pod.labels['app'] === spec.host,
        )
      );
    }),
  undefinedSubset: (spec, { sandbox }) => {
    const known = subsetLabels(sandbox, spec.host, spec.namespace);
    return sandbox.store.list('VirtualService').some((rule) =>
      valueAt(rule, 'spec.http')
        .flat()
        .flatMap((route) => valueAt(route, 'route').flat())
        .some((destination) => {
          const subset = valueAt(destination, 'destination.subset')[0];
          return (
            isHost(valueAt(destination, 'destination.host')[0], spec.host) &&
            subset !== undefined &&
            !known.has(String(subset))
          );
        }),
    );
  },
  replicaRatio: (spec, { sandbox }) => {
    const replicas = (name: string): number => {
      const found = sandbox.store.list('Deployment').find((deployment) => deployment.metadata.name === name);
      return Number(valueAt(found, 'spec.replicas')[0] ?? (found ? 1 : 0));
    };
    return replicas(spec.few) > 0 && replicas(spec.many) / replicas(spec.few) >= spec.atLeast;
  },
  listens: (spec, { sandbox }) =>
    sandbox.pods.some(
      (pod) =>
        pod.labels['app'] === spec.app &&
        pod.proxy !== undefined &&
        pod.appListeners.some(({ ip, port }) => ip === spec.ip && port === spec.port),
    ),
  controlPlane: (wanted, { sandbox }) => (sandbox.controlPlane === undefined) === (wanted === 'stopped'),
  ruleWaits: (spec, { sandbox, pushedVersions }) =>
    sandbox.controlPlane === undefined &&
    sandbox.store.list(spec.kind).some((rule) => {
      const key = `${rule.kind}/${rule.metadata.namespace ?? ''}/${rule.metadata.name}`;
      return pushedVersions.get(key) !== rule.metadata.resourceVersion;
    }),
  counter: ({ min = 0, max = Number.POSITIVE_INFINITY, ...spec }, { sandbox }) => {
    const value = readCounter(spec, sandbox);
    return value >= min && value <= max;
  },
  durations: (spec, { sandbox }) => comparesDurations(spec, sandbox),
  repeatedDestination: ({ host }, { sandbox }) =>
    sandbox.store
      .list('VirtualService')
      .flatMap((rule) => valueAt(rule, 'spec.http').flat())
      .some((route) => {
        const subsets = valueAt(route, 'route')
          .flat()
          .filter((destination) => isHost(valueAt(destination, 'destination.host')[0], host))
          .map((destination) => valueAt(destination, 'destination.subset')[0]);
        return new Set(subsets).size < subsets.length;
      }),
  answered: ({ check, choices }, { answered }) => {
    const chosen = answered?.get(check);
    return chosen !== undefined && everyEntry(choices, (item, choice) => chosen[item] === choice);
  },
  clusters: ({ namespace, labels, min = 0, max = Number.POSITIVE_INFINITY, maxBytes }, { sandbox }) => {
    const held = podsOf(sandbox, namespace, labels).flatMap(({ proxy }) =>
      proxy === undefined ? [] : [proxy.admin.clusters()],
    );
    const isSmall = (clusters: readonly object[]): boolean =>
      maxBytes === undefined || JSON.stringify(clusters, null, 4).length <= maxBytes;
    return (
      held.length > 0 && held.every((clusters) => clusters.length >= min && clusters.length <= max && isSmall(clusters))
    );
  },
  xds: (spec, { hand, sandbox }) => hand !== undefined && handHolds(spec, hand, sandbox),
  analysis: ({ without }, { sandbox }) =>
    !sandbox.validate([], { namespace: 'default' }).some(({ code }) => without.includes(code)),
};

function isWanted(stored: KubeObject, spec: NonNullable<ProbeSpec['object']>): boolean {
  const { namespace = '', name } = stored.metadata;
  if (spec.namespace !== undefined && namespace !== spec.namespace) return false;
  if (spec.notNamespace !== undefined && namespace === spec.notNamespace) return false;
  if (spec.name !== undefined && name !== spec.name) return false;
  if (!hasValues(stored, spec.whole ?? {})) return false;
  const items = spec.each === undefined ? [stored] : valueAt(stored, spec.each).flat();
  return items.some(
    (item) =>
      (spec.has ?? []).every((path) => valueAt(item, path).length > 0) &&
      !(spec.lacks ?? []).some((path) => valueAt(item, path).length > 0) &&
      hasValues(item, spec.equals ?? {}) &&
      (spec.mentions === undefined || JSON.stringify(item).includes(spec.mentions)) &&
      Object.entries(spec.contains ?? {}).every(([path, text]) =>
        valueAt(item, path).some((value) => String(value).includes(text)),
      ) &&
      Object.entries(spec.fits ?? {}).every(([path, text]) =>
        valueAt(item, path).some((value) => new RegExp(text).test(String(value))),
      ),
  );
}

const podsOf = (sandbox: Sandbox, namespace: string, labels: Readonly<Record<string, string>>) =>
  sandbox.pods.filter(
    (pod) => pod.namespace === namespace && everyEntry(labels, (key, value) => pod.labels[key] === value),
  );

function bareAnswersCome(
  { traffic, since, lacks, min = 0, max = Number.POSITIVE_INFINITY, of }: BareAnswersProbe,
  { sandbox, recent }: ProbeContext,
): boolean {
  const made = podsOf(sandbox, since.namespace, since.labels).map((pod) =>
    Date.parse(sandbox.store.get('Pod', pod)?.metadata.creationTimestamp ?? ''),
  );
  // Kubernetes tells whole seconds: what came within that second may belong to the pod before.
  const fromMs = Math.max(...made) + 1000;
  const answers = (recent?.(traffic) ?? []).filter(({ atMs }) => atMs >= fromMs);
  const bare = answers.filter(({ status, headers }) => status === 200 && headers[lacks] === undefined).length;
  return made.length > 0 && answers.length >= of && bare >= min && bare <= max;
}

const hasValues = (item: unknown, wanted: Readonly<Record<string, string>>): boolean =>
  everyEntry(wanted, (path, text) =>
    valueAt(item, path)
      .flat()
      .some((value) => String(value) === text),
  );

function subsetLabels(sandbox: Sandbox, host: string, namespace: string): Map<string, Record<string, string>> {
  const found = new Map<string, Record<string, string>>();
  for (const rule of sandbox.store.list('DestinationRule')) {
    if (!isHost(valueAt(rule, 'spec.host')[0], host) || !reaches(rule, namespace)) continue;
    for (const subset of valueAt(rule, 'spec.subsets').flat() as { name: string; labels?: Record<string, string> }[]) {
      found.set(subset.name, subset.labels ?? {});
    }
  }
  return found;
}

/** A short host name means the rule's own namespace. */
const reaches = (rule: KubeObject, namespace: string): boolean =>
  rule.metadata.namespace === namespace || String(valueAt(rule, 'spec.host')[0]).includes(`.${namespace}.`);

const isHost = (value: unknown, host: string): boolean => value === host || String(value).startsWith(`${host}.`);

/** Evaluates everything of a probe but batches and answers, which need a run or the learner. */
export function stateHolds(spec: ProbeSpec, context: ProbeContext): boolean {
  for (const [name, run] of Object.entries(probes) as [Field, (spec: never, context: ProbeContext) => boolean][]) {
    if (spec[name] !== undefined && !run(spec[name] as never, context)) return false;
  }
  if (spec.not !== undefined && stateHolds(spec.not, context)) return false;
  if (spec.any?.every((part) => !stateHolds(part, context))) return false;
  return (spec.all ?? []).every((part) => stateHolds(part, context));
}

/** All ejections inside a probe that have to be watched. */
export function ejectionsOf(spec: ProbeSpec): NonNullable<ProbeSpec['ejections']>[] {
  return [...(spec.ejections ? [spec.ejections] : []), ...(spec.all ?? []).flatMap(ejectionsOf)];
}

/** All commands inside a probe. */
export function commandsOf(spec: ProbeSpec): NonNullable<ProbeSpec['commands']>[number][] {
  return [...(spec.commands ?? []), ...(spec.all ?? []).flatMap(commandsOf)];
}

/** All figures inside a probe that Prometheus is asked about. */
export function measuredOf(spec: ProbeSpec): NonNullable<ProbeSpec['measured']>[number][] {
  return [...(spec.measured ?? []), ...(spec.all ?? []).flatMap(measuredOf)];
}

/** All waits for a first flag inside a probe. */
export function firstFlagsOf(spec: ProbeSpec): NonNullable<ProbeSpec['firstFlag']>[] {
  return [...(spec.firstFlag ? [spec.firstFlag] : []), ...(spec.all ?? []).flatMap(firstFlagsOf)];
}

/** All batches inside a probe. */
export function batchesOf(spec: ProbeSpec): NonNullable<ProbeSpec['batch']>[] {
  return [...(spec.batch ? [spec.batch] : []), ...(spec.all ?? []).flatMap(batchesOf)];
}

export const trafficsOf = ({ traffic }: NonNullable<ProbeSpec['batch']>): readonly string[] => [traffic].flat();
