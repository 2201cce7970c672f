import type { Sandbox } from '#sandbox';
import { type HandClient, type HandReceipt, type TypeUrl, typeUrls } from '#xds';
import type { ProbeSpec } from '../lab-schema.ts';
import { everyEntry } from './fields.ts';

type HandSpec = NonNullable<ProbeSpec['xds']>;

const urls: Readonly<Record<string, TypeUrl>> = {
  CDS: typeUrls.cluster,
  EDS: typeUrls.endpoint,
  LDS: typeUrls.listener,
  RDS: typeUrls.route,
};

/** Whether the terminal's xDS client stands with istiod as a probe wants. */
export function handHolds(spec: HandSpec, hand: HandClient, sandbox: Sandbox): boolean {
  const { status, pushed, keepsOldAfterNack, staleAnswer, beside } = spec;
  const rows = sandbox.controlPlane?.syncStatus() ?? [];
  if (status !== undefined) {
    const own = rows.find(({ node }) => node.id === hand.node?.id);
    if (own === undefined || !everyEntry(status, (type, state) => own.types[type] === state)) return false;
  }
  if (pushed !== undefined && !pushes(hand).some((push) => movedExactly(push, pushed))) return false;
  if (keepsOldAfterNack !== undefined && !keepsOld(hand, urls[keepsOldAfterNack])) return false;
  if (staleAnswer === true && hand.staleAnswers.size === 0) return false;
  if (beside !== undefined) {
    const pods = sandbox.pods.filter((pod) => everyEntry(beside.labels, (key, value) => pod.labels[key] === value));
    const states = pods.map(({ name, namespace }) =>
      rows.find(({ node }) => node.id.split('~')[2] === `${name}.${namespace}`),
    );
    if (states.length === 0 || states.some((row) => row?.types[beside.type] !== beside.is)) return false;
  }
  return true;
}

/** The types that each push brought which nobody had asked for, with what was answered: `RDS (acked), EDS (not answered)`. */
export const unaskedTypes = (hand: HandClient): string[] =>
  pushes(hand).map((push) =>
    push
      .map(({ typeUrl, answer }) => {
        const type = Object.keys(urls).find((name) => urls[name] === typeUrl) ?? typeUrl;
        return `${type} (${answer === 'none' ? 'not answered' : answer})`;
      })
      .join(', '),
  );

/** Responses that nobody had asked for, by the push that sent them. */
function pushes({ receipts }: HandClient): HandReceipt[][] {
  const found = new Map<string, HandReceipt[]>();
  for (const receipt of receipts) {
    if (!receipt.asked) found.set(receipt.versionInfo, [...(found.get(receipt.versionInfo) ?? []), receipt]);
  }
  return [...found.values()];
}

function movedExactly(push: readonly HandReceipt[], { types, answer }: NonNullable<HandSpec['pushed']>): boolean {
  const wanted = new Set(types.map((type) => urls[type]));
  const moved = new Set<TypeUrl | undefined>(push.map(({ typeUrl }) => typeUrl));
  const same = moved.size === wanted.size && [...moved].every((type) => wanted.has(type));
  return same && push.every((receipt) => receipt.answer === answer);
}

function keepsOld(hand: HandClient, typeUrl: TypeUrl | undefined): boolean {
  const last = typeUrl && hand.latest(typeUrl);
  const inUse = typeUrl && hand.inUse(typeUrl);
  return last?.answer === 'nacked' && inUse !== undefined && inUse.versionInfo !== last.versionInfo;
}
