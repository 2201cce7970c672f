import { value } from '#shell';
import { formatTable } from '../../table.ts';
import type { Verb } from '../verb.ts';

export const apiResources: Verb = {
  name: 'api-resources',
  manual: 'kubectl api-resources [--api-group=networking.istio.io]   The kinds of object that this cluster knows.',
  flags: { 'api-group': value() },
  run: async (flags, io, context) => {
    const group = flags.text('api-group');
    const kinds = context.sandbox.store.kinds.all.filter((kind) => group === undefined || kind.group === group);
    const rows = [...kinds]
      .sort((a, b) => (`${a.group} ${a.plural}` < `${b.group} ${b.plural}` ? -1 : 1))
      .map((kind) => [
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
