import type { RunningPod, Sandbox } from '#sandbox';
import type { ProbeSpec } from '../lab-schema.ts';
import { readCounter } from './counters.ts';
import { everyEntry, valueAt } from './fields.ts';
import { unaskedTypes } from './hand.ts';
import { type ProbeContext, stateHolds } from './state.ts';

type Leaf = {
  readonly [Name in keyof ProbeSpec]?: (spec: NonNullable<ProbeSpec[Name]>, context: ProbeContext) => string;
};

/** So many names are told, not more. */
const TOLD = 3;

/** One sentence for each kind of state: what is there now. What is wanted stands in the check; its values are not given away. */
const leaves: Leaf = {
  object: ({ kind, namespace, notNamespace, name }, { sandbox }) => {
    const plain = kind.split('.', 1)[0] ?? kind;
    const where = namespace === undefined ? '' : ` in ${namespace}`;
    const found = sandbox.store
      .list(kind)
      .filter(({ metadata }) => name === undefined || metadata.name === name)
      .map(({ metadata }) => ({ name: metadata.name, namespace: metadata.namespace ?? '' }))
      .filter((one) => namespace === undefined || one.namespace === namespace)
      .filter((one) => one.namespace !== notNamespace);
    if (found.length === 0) return `There is no ${plain}${name === undefined ? '' : ` ${name}`}${where}.`;
    return `${plain} ${listed(found.map((one) => one.name))}${where} is there, and something in it is not as the check wants it.`;
  },
  pods: ({ namespace, labels = {}, sameAsAtStart }, { sandbox, podsAtStart }) => {
    const pods = podsOf(sandbox, namespace, labels);
    if (pods.length === 0) return `No pod${labelled(labels)} runs in ${namespace}.`;
    const fresh = sameAsAtStart === true ? pods.filter(({ name }) => !podsAtStart.has(name)) : [];
    if (fresh.length > 0) return `Made after the lab's start: ${listed(fresh.map(({ name }) => name))}.`;
    return `Containers that are ready: ${listed(pods.map((pod) => `${pod.name} ${readiness(pod)}`))}.`;
  },
  clusters: ({ namespace, labels }, { sandbox }) => {
    const held = podsOf(sandbox, namespace, labels).flatMap(({ name, proxy }) => {
      const clusters = proxy?.admin.clusters();
      if (clusters === undefined) return [];
      return [`${name} ${clusters.length} (${kilobytes(JSON.stringify(clusters, null, 4).length)} kB as JSON)`];
    });
    return held.length === 0 ? `No proxy${labelled(labels)} in ${namespace}.` : `Clusters: ${listed(held)}.`;
  },
  namespaceLabel: ({ namespace, label }, { sandbox }) => {
    const value = sandbox.store.get('Namespace', { namespace: '', name: namespace })?.metadata.labels?.[label];
    return value === undefined
      ? `The namespace ${namespace} has no label ${label}.`
      : `The namespace ${namespace} has the label ${label}=${value}.`;
  },
  controlPlane: (_wanted, { sandbox }) => (sandbox.controlPlane === undefined ? 'istiod is stopped.' : 'istiod runs.'),
  counter: (spec, { sandbox }) => `The counter${labelled(spec.labels)} stands at ${readCounter(spec, sandbox)}.`,
  analysis: ({ without }, { sandbox }) => {
    const codes = sandbox.validate([], { namespace: 'default' }).map(({ code }) => code);
    return `istioctl analyze tells ${listed([...new Set(codes.filter((code) => without.includes(code)))])}.`;
  },
  durations: ({ of, than }, { sandbox }) =>
    [of, than]
      .flatMap((side) => (typeof side === 'string' ? [] : [side]))
      .map(({ kind, namespace, name, path }) => {
        const [value] = valueAt(sandbox.store.get(kind, { namespace, name }), path);
        return `${kind} ${name}: ${path} ${value === undefined ? 'is not there' : `is ${String(value)}`}.`;
      })
      .join(' '),
  steady: ({ traffic, since }, { steadySince }) => {
    const seen = steadySince?.(traffic, since);
    return seen === undefined
      ? 'The check before it is not met.'
      : `Since the check before it, ${seen.sent} steady requests have ended, ${seen.failed} of them in an error.`;
  },
  replaced: ({ namespace, labels, since }, { sandbox, podsAt }) => {
    const then = podsAt?.(since) ?? new Set<string>();
    const old = podsOf(sandbox, namespace, labels).filter(({ name }) => then.has(name));
    return old.length === 0
      ? `No new pod${labelled(labels)} runs in ${namespace} yet.`
      : `Still the same as at the check before it: ${listed(old.map(({ name }) => name))}.`;
  },
  xds: ({ status, beside, pushed }, { sandbox, hand }) => {
    const rows = sandbox.controlPlane?.syncStatus() ?? [];
    if (beside !== undefined) {
      const states = sandbox.pods
        .filter((pod) => everyEntry(beside.labels, (key, value) => pod.labels[key] === value))
        .map(({ name, namespace }) => {
          const row = rows.find(({ node }) => node.id.split('~')[2] === `${name}.${namespace}`);
          return `${name} ${row?.types[beside.type] ?? 'not connected'}`;
        });
      return `${beside.type}: ${listed(states)}.`;
    }
    const own = rows.find(({ node }) => node.id === hand?.node?.id);
    if (own === undefined) return 'Your xDS client is not connected (xds connect).';
    if (pushed !== undefined && hand !== undefined) {
      const last = unaskedTypes(hand).at(-1);
      return last === undefined
        ? 'Nothing has come to your xDS client since it subscribed.'
        : `The last push that came to your xDS client: ${last}.`;
    }
    const types = Object.keys(status ?? own.types).map((type) => `${type} ${own.types[type] ?? 'NOT SENT'}`);
    return `Your xDS client: ${types.join(', ')}.`;
  },
};

/** What of a state is not there yet, in words; undefined where nothing can be said of it. */
export function unmetState(spec: ProbeSpec, context: ProbeContext): string | undefined {
  for (const [name, tell] of Object.entries(leaves) as [
    keyof ProbeSpec,
    (spec: never, context: ProbeContext) => string,
  ][]) {
    const own = spec[name];
    if (own !== undefined && !stateHolds({ [name]: own }, context)) return tell(own as never, context);
  }
  const part = (spec.all ?? []).find((one) => !stateHolds(one, context)) ?? spec.any?.[0];
  return part && unmetState(part, context);
}

const podsOf = ({ pods }: Sandbox, namespace: string, labels: Readonly<Record<string, string>>): RunningPod[] =>
  pods.filter((pod) => pod.namespace === namespace && everyEntry(labels, (key, value) => pod.labels[key] === value));

function readiness({ containers }: RunningPod): string {
  const main = containers.filter(({ kind }) => kind !== 'init');
  return `${main.filter(({ ready }) => ready).length}/${main.length}`;
}

const labelled = (labels: Readonly<Record<string, string>>): string => {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? '' : ` with ${pairs.join(',')}`;
};

const listed = (names: readonly string[]): string =>
  names.length <= TOLD ? names.join(', ') : `${names.slice(0, TOLD).join(', ')} and ${names.length - TOLD} more`;

const kilobytes = (bytes: number): string => String(Math.round(bytes / 1000));
