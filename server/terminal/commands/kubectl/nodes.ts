import type { KubeObject } from '#domain';
import { onOff } from '#shell';
import { type ShellContext, UsageError } from '../../command.ts';
import type { Verb } from '../verb.ts';
import { findKind, getObject, names, printedName } from './targets.ts';
import { mergeInto, type Named } from './write.ts';

interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

export interface NodeSpec {
  readonly unschedulable?: boolean;
  readonly taints?: readonly Taint[];
}

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** The nodes that words name: `meshwork`, `node/meshwork`. */
export function nodesNamed(context: ShellContext, words: readonly string[]): Named[] {
  const kind = findKind(context, 'node');
  return words.map((word) => ({ kind, name: word.replace(/^(?:nodes?|no)\//, ''), namespace: '' }));
}

export const specOf = (context: ShellContext, { kind, name }: Named): NodeSpec =>
  (getObject(context, kind, '', name) as KubeObject<NodeSpec>).spec ?? {};

/** Lets new pods come to a node, or keeps them away. What is said of it is the answer. */
export function schedule(context: ShellContext, node: Named, { away }: { readonly away: boolean }): string {
  const done = away ? 'cordoned' : 'uncordoned';
  const named = printedName(node.kind, node.name);
  if ((specOf(context, node).unschedulable === true) === away) return `${named} already ${done}\n`;
  mergeInto(
    context,
    node,
    { spec: { unschedulable: away ? true : null } },
    `kubectl ${done.slice(0, -2)} ${node.name}`,
  );
  return `${named} ${done}\n`;
}

function schedulingVerb(name: 'cordon' | 'uncordon'): Verb {
  return {
    name,
    manual: `kubectl ${name} <node…>`,
    flags: {},
    run: async (flags, io, context) => {
      if (flags.words.length === 0) throw new UsageError(`error: USAGE: ${name} NODE [flags]`);
      for (const node of nodesNamed(context, flags.words)) io.out(schedule(context, node, { away: name === 'cordon' }));
      return 0;
    },
    complete: (_words, context) => names(context, 'node', undefined),
  };
}

export const cordon = schedulingVerb('cordon');
export const uncordon = schedulingVerb('uncordon');

export const taint: Verb = {
  name: 'taint',
  manual: `kubectl taint nodes <name…> key=value:NoSchedule|PreferNoSchedule|NoExecute [--overwrite]
kubectl taint nodes <name…> key[:effect]-
Keeps pods away from a node that do not bear the taint; NoExecute drives away those that are there.`,
  flags: { overwrite: onOff(), all: onOff() },
  run: async (flags, io, context) => {
    const [word, ...rest] = flags.words;
    if (word === undefined || !/^(nodes?|no)$/.test(word))
      throw new UsageError(
        'error: at least one resource name must be specified, as in: kubectl taint nodes <name> key=value:NoSchedule',
      );
    const changes = rest.filter((each) => /[:=]|-$/.test(each)).map(readChange);
    const targets = nodesNamed(
      context,
      rest.filter((each) => !/[:=]|-$/.test(each)),
    );
    if (changes.length === 0) throw new UsageError('error: at least one taint update is required');
    for (const node of flags.on('all') ? nodesNamed(context, names(context, 'node', undefined)) : targets) {
      const { taints = [] } = specOf(context, node);
      const after = changed(taints, changes, { node: node.name, overwrite: flags.on('overwrite') });
      mergeInto(context, node, { spec: { taints: after.length > 0 ? after : null } }, `kubectl taint ${node.name}`);
      const verbs = new Set(changes.map((each) => ('add' in each ? 'tainted' : 'untainted')));
      io.out(`${printedName(node.kind, node.name)} ${verbs.size === 2 ? 'modified' : [...verbs].join('')}\n`);
    }
    return 0;
  },
  complete: (_words, context) => names(context, 'node', undefined),
};

type Change = { readonly add: Taint } | { readonly remove: { readonly key: string; readonly effect?: string } };

function readChange(word: string): Change {
  const [, gone, goneEffect] = /^([^:=]+)(?:=[^:]*)?(?::(\w+))?-$/.exec(word) ?? [];
  if (gone !== undefined) return { remove: { key: gone, ...(goneEffect !== undefined && { effect: goneEffect }) } };
  const [, key = '', text, effect = ''] = /^([^:=]+)(?:=([^:]*))?:(\w+)$/.exec(word) ?? [];
  if (key === '') throw new UsageError(`error: invalid taint spec: ${word}`);
  if (!EFFECTS.includes(effect))
    throw new UsageError(`error: invalid taint effect: ${effect}, unsupported taint effect`);
  return { add: { key, ...(text !== undefined && text !== '' && { value: text }), effect } };
}

function changed(
  taints: readonly Taint[],
  changes: readonly Change[],
  { node, overwrite }: { readonly node: string; readonly overwrite: boolean },
): readonly Taint[] {
  return changes.reduce<readonly Taint[]>((left, change) => {
    if ('remove' in change) {
      const { key, effect } = change.remove;
      const kept = left.filter((each) => each.key !== key || (effect !== undefined && each.effect !== effect));
      if (kept.length === left.length)
        throw new UsageError(`error: taint "${effect === undefined ? key : `${key}:${effect}`}" not found`);
      return kept;
    }
    const { add } = change;
    const isSame = (each: Taint): boolean => each.key === add.key && each.effect === add.effect;
    if (left.some(isSame) && !overwrite)
      throw new UsageError(
        `error: node ${node} already has ${add.key} taint(s) with same effect(s) and --overwrite is false`,
      );
    return [...left.filter((each) => !isSame(each)), add];
  }, taints);
}
