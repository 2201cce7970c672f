import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#domain';
import { KubeStatusError } from '#kube-api';
import { change, kinds, newStore } from './cluster.ts';

const fields = [
  ...[
    'spec',
    'ports',
    'port',
    'selector',
    'matchLabels',
    'template',
    'metadata',
    'labels',
    'containers',
    'name',
    'image',
  ],
  ...[
    'http',
    'route',
    'destination',
    'host',
    'match',
    'uri',
    'subsets',
    'trafficPolicy',
    'servers',
    'tls',
    'mtls',
    'data',
  ],
];
const shape = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, '', 'a', '*', 0, -1, 80, 1.5, true),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...fields), tie('value'), { maxKeys: 5 }),
  ),
})).value;

describe('objects of any shape', () => {
  it('are stored or refused with a Status, never anything else', () => {
    const store = newStore();
    const kind = fc.constantFrom(...kinds.all);
    fc.assert(
      fc.property(kind, shape, shape, ({ group, versions, kind: name }, spec, labels) => {
        const apiVersion = group === '' ? 'v1' : `${group}/${versions[0]}`;
        const object = { apiVersion, kind: name, metadata: { name: 'x', labels }, spec } as KubeObject;
        try {
          store.apply(object, change);
        } catch (error) {
          expect(error).toBeInstanceOf(KubeStatusError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
