import type { KubeObject } from '#domain';
import { onOff, readSeconds, value } from '#shell';
import { type ShellContext, UsageError } from '../../command.ts';
import type { Verb } from '../verb.ts';
import { selectPath, showValue } from './jsonpath/evaluate.ts';
import { completeTargets, printedName, storeKind } from './targets.ts';
import { choiceFlags, chosen, type Named } from './write.ts';

const DEFAULT_MS = 30_000;

type Holds = (object: KubeObject | undefined) => boolean;

export const wait: Verb = {
  name: 'wait',
  manual: `kubectl wait --for=condition=<name>[=<value>] | --for=delete | --for=create | --for=jsonpath='{…}'[=<value>]
             <kind> <name…> | <kind/name> | <kind> -l selector | --all   [--timeout=30s] [-n namespace]
kubectl wait --for=condition=available deploy/cart`,
  flags: { ...choiceFlags, for: value(), timeout: value(), 'all-namespaces': onOff('A') },
  run: async (flags, io, context) => {
    const condition = flags.text('for') ?? '';
    const holds = readCondition(condition);
    const asked = flags.text('timeout');
    const timeoutMs = asked === undefined ? DEFAULT_MS : readSeconds(asked);
    if (timeoutMs === undefined) throw new UsageError(`Error: invalid argument "${asked}" for "--timeout" flag`);
    const targets = chosen(context, flags.words, flags, 'wait');
    if (targets.length === 0) throw new UsageError('error: no matching resources found');
    const clock = context.clock;
    const untilMs = clock.monotonic() + timeoutMs;
    let code = 0;
    for (const target of targets) {
      const find = (): KubeObject | undefined => stored(context, target);
      if (find() === undefined && condition !== 'delete' && condition !== 'create')
        throw new UsageError(`Error from server (NotFound): ${plural(target)} "${target.name}" not found`);
      if (find() === undefined && condition === 'delete') continue;
      const leftMs = Math.max(1, untilMs - clock.monotonic());
      const met = await context.sandbox
        .until(() => io.signal.aborted || holds(find()), leftMs, condition)
        .then(() => !io.signal.aborted)
        .catch(() => holds(find()));
      if (io.signal.aborted) return 130;
      if (met) io.out(`${printedName(target.kind, target.name)} condition met\n`);
      else {
        io.err(`error: timed out waiting for the condition on ${target.kind.plural}/${target.name}\n`);
        code = 1;
      }
    }
    return code;
  },
  complete: completeTargets,
};

const plural = ({ kind }: Named): string => (kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`);

const stored = (context: ShellContext, { kind, name, namespace }: Named): KubeObject | undefined =>
  context.sandbox.store.get(storeKind(context, kind), { namespace: kind.namespaced ? namespace : '', name });

function readCondition(text: string): Holds {
  if (text === 'delete') return (object) => object === undefined;
  if (text === 'create') return (object) => object !== undefined;
  const [, type, status = 'true'] = /^condition=([^=]+)(?:=(.+))?$/.exec(text) ?? [];
  if (type !== undefined)
    return (object) => {
      const { conditions = [] } = (object?.status ?? {}) as { conditions?: { type: string; status: string }[] };
      return conditions.some(
        (each) => each.type.toLowerCase() === type.toLowerCase() && each.status.toLowerCase() === status.toLowerCase(),
      );
    };
  const [, path, wanted] = /^jsonpath=['"]?\{?([^}'"]+)\}?['"]?(?:=(.*))?$/s.exec(text) ?? [];
  if (path !== undefined)
    return (object) => {
      const found = object === undefined ? [] : selectPath(path, object);
      return wanted === undefined ? found.length > 0 : found.map(showValue).join(' ') === wanted;
    };
  throw new UsageError(`error: unrecognized condition: "${text}"`);
}
