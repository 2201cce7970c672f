import type { Command } from '../../command.ts';
import { formatTable } from '../../table.ts';
import { withVerbs } from '../verbs.ts';
import { apply } from './apply.ts';
import { annotate, label, patch, rollout, scale } from './change.ts';
import { remove } from './delete.ts';
import { describe } from './describe.ts';
import { exec } from './exec.ts';
import { get } from './get.ts';
import { logs } from './logs.ts';
import type { Verb } from './verb.ts';

const apiResources: Verb = {
  name: 'api-resources',
  manual: 'kubectl api-resources   The kinds of object that this cluster knows.',
  run: async (_args, io, context) => {
    const rows = context.sandbox.store.kinds.all.map((kind) => [
      kind.plural,
      kind.shortNames.join(','),
      kind.group === '' ? (kind.versions[0] ?? 'v1') : `${kind.group}/${kind.versions[0]}`,
      String(kind.namespaced),
      kind.kind,
    ]);
    io.out(formatTable(['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND'], rows));
    return 0;
  },
};

export const kubectl: Command = withVerbs({
  name: 'kubectl',
  summary: 'look at and change the cluster',
  intro: 'kubectl works on the lab’s own cluster, as it would on a real one.',
  verbs: [get, describe, apply, remove, logs, exec, label, annotate, scale, rollout, patch, apiResources],
});
