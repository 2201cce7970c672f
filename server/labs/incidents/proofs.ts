import type { IncidentView, ProofView } from '#contract';
import type { Sandbox } from '#sandbox';
import { everyEntry } from '../probes/fields.ts';
import { isCall } from '../probes/outcomes.ts';
import type { Reading } from './figures.ts';
import type { IncidentSpec, ProofSpec } from './incident-schema.ts';

/** What a proof is compared with: what the lab knows and measures itself. */
export interface ProofFacts {
  readonly sandbox: Sandbox;
  readonly spec: IncidentSpec;
  /** Pods by the strain that lies on them. */
  readonly strained: ReadonlyMap<string, string>;
  /** Objects changed by each push, and whether somebody else than the learner made it. */
  push(
    number: number,
  ): { readonly foreign: boolean; readonly objects: readonly { kind: string; name: string }[] } | undefined;
  /** How a figure could be read while the trouble lasted. */
  readings(proof: string): readonly Reading[];
  /** Proofs that an experiment has given. */
  readonly experiments: ReadonlySet<string>;
}

const kinds = ['request', 'push', 'number', 'pod', 'peer', 'choice', 'experiment'] as const;

export const kindOf = (proof: ProofSpec): ProofView['kind'] =>
  kinds.find((kind) => proof[kind] !== undefined) ?? 'choice';

export function proofView(
  proof: ProofSpec,
  { sandbox, experiments }: Pick<ProofFacts, 'sandbox' | 'experiments'>,
): IncidentView['proofs'][number] {
  const kind = kindOf(proof);
  const { pod } = proof;
  const choices =
    proof.choice?.choices ?? (pod ? podsOf(sandbox, pod).map(({ name, ip }) => `${name} (${ip})`) : undefined);
  return {
    id: proof.id,
    title: proof.title,
    kind,
    ...(choices ? { choices } : {}),
    ...(proof.number ? { unit: proof.number.unit } : {}),
    ...(kind === 'experiment' ? { seen: experiments.has(proof.id) } : {}),
  };
}

/** Whether `value` proves it; the text says what was compared, and gives nothing away. */
export function judgeProof(
  proof: ProofSpec,
  value: string,
  facts: ProofFacts,
): { readonly right: boolean; readonly text: string } {
  const { sandbox } = facts;
  if (proof.request) {
    const { hops } = sandbox;
    const traceId = hops.hop(value)?.traceId;
    if (traceId === undefined) return no('That request is no longer kept. Open a newer one.');
    const trace = hops.trace(traceId);
    const found = [proof.request].flat().some((call) => trace.some((hop) => isCall(call, hop, trace)));
    return found
      ? yes('The request shows it.')
      : no('That request does not show it. Open one that failed, and read where it stopped.');
  }
  if (proof.push) {
    const { kind, name } = proof.push;
    const push = facts.push(Number(value));
    if (!push) return no(`There is no push ${value}.`);
    const it = push.foreign && push.objects.some((object) => object.kind === kind && object.name === name);
    return it ? yes(`Push ${value} brought it.`) : no(`The failures did not begin with push ${value}.`);
  }
  if (proof.number) return judgeNumber(proof.number, value, facts.readings(proof.id));
  if (proof.pod) {
    const right = facts.strained.get(proof.pod.strain) === value.split(' ')[0];
    return right ? yes('It is that pod.') : no('The other pods would have to behave as that one does.');
  }
  if (proof.peer) {
    const peers = peersOf(proof.peer, sandbox);
    const said = value.trim().replace(/^spiffe:\/\//, '');
    return peers.has(said)
      ? yes('That is what the caller proves to be.')
      : no('No caller on that edge proved to be that.');
  }
  if (proof.choice)
    return proof.choice.right === value
      ? yes('That follows only from this cause.')
      : no('That does not follow from it.');
  return facts.experiments.has(proof.id)
    ? yes('The lab has seen the experiment.')
    : no('Make users safe, bring the trouble back by one change, and take it away again. The lab watches.');
}

/** What a learner read a moment ago counts, wherever they read it. */
function judgeNumber(
  { unit, within, above }: NonNullable<ProofSpec['number']>,
  value: string,
  readings: readonly Reading[],
) {
  if (readings.length === 0) return no('The lab has not measured that yet. Wait for a few requests.');
  const said = Number(value.replace(',', '.'));
  const right = readings.some(({ min, max }) => said >= min * (1 - within) && said <= max * (1 + within));
  if (!right) return no('The lab measures another figure.');
  if (said <= above) return no('That is what a mesh without trouble shows, too.');
  const each = readings.map(({ where, min, max }) => `${range(min, max)} ${where}`);
  return yes(`The lab measured, in ${unit}: ${each.join('; ')}.`);
}

const yes = (text: string) => ({ right: true, text });
const no = (text: string) => ({ right: false, text });

const range = (min: number, max: number): string =>
  figure(min) === figure(max) ? figure(max) : `${figure(min)} to ${figure(max)}`;

export const figure = (value: number): string => (value >= 100 ? String(Math.round(value)) : value.toFixed(1));

export function podsOf(
  sandbox: Sandbox,
  { namespace, labels }: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> },
) {
  return sandbox.pods
    .filter((pod) => pod.namespace === namespace && everyEntry(labels, (key, value) => pod.labels[key] === value))
    .sort((a, b) => a.name.localeCompare(b.name));
}

function peersOf({ from, to }: NonNullable<ProofSpec['peer']>, { hops }: Sandbox): Set<string> {
  const own = hops
    .requests(500)
    .filter(({ source, destination }) => source.service === from && destination.service === to);
  const records = own.flatMap(({ traceId }) => hops.trace(traceId));
  return new Set(
    records
      .filter((hop) => hop.direction === 'inbound' && hop.proxy.service === to && hop.peer !== undefined)
      .map(({ peer = '' }) => peer.replace(/^spiffe:\/\//, '')),
  );
}
