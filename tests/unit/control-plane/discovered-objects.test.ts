import { describe, expect, it } from 'vitest';
import type { KubeObject, LabelSelector } from '#domain';
import { createDiscovery } from '../../../server/control-plane/snapshot/discovered-objects.ts';
import { createObjectTables } from '../../../server/control-plane/snapshot/object-tables.ts';

const namespace = (name: string, labels: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});

const service = (name: string, home: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: home },
});

function tablesOf() {
  const tables = createObjectTables();
  const objects = [
    ...[namespace('in', { mesh: 'on' }), namespace('by-value', { env: 'x' }), namespace('out', { env: 'z' })],
    ...[service('a', 'in'), service('b', 'by-value'), service('c', 'out')],
  ];
  for (const object of objects) tables.apply('ADDED', object);
  return tables;
}

const names = (list: readonly KubeObject[]): string[] => list.map(({ metadata }) => metadata.name);

describe('what istiod discovers', () => {
  it.each<[string, readonly LabelSelector[] | undefined, string[]]>([
    ['everything without selectors', undefined, ['b', 'a', 'c']],
    ['everything with an empty list', [], ['b', 'a', 'c']],
    ['everything by a selector that asks for nothing', [{}], ['b', 'a', 'c']],
    ['what stands where one label fits', [{ matchLabels: { mesh: 'on' } }], ['a']],
    [
      'what stands where one selector of several fits',
      [{ matchLabels: { mesh: 'on' } }, { matchExpressions: [{ key: 'env', operator: 'In', values: ['x', 'y'] }] }],
      ['b', 'a'],
    ],
    ['what stands in a namespace of this name', [{ matchLabels: { 'kubernetes.io/metadata.name': 'out' } }], ['c']],
    ['nothing where no namespace fits', [{ matchLabels: { mesh: 'off' } }], []],
  ])('is %s', (_what, selectors, expected) => {
    expect(names(createDiscovery()(tablesOf(), selectors).tables.list('Service'))).toEqual(expected);
  });

  it('changes when a namespace gets a label, and keeps its identity until then', () => {
    const tables = tablesOf();
    const discover = createDiscovery();
    const selectors = [{ matchLabels: { mesh: 'on' } }];
    const before = discover(tables, selectors).tables.list('Service');
    expect(discover(tables, selectors).tables.list('Service')).toBe(before);
    tables.apply('MODIFIED', namespace('out', { mesh: 'on' }));
    expect(names(discover(tables, selectors).tables.list('Service'))).toEqual(['a', 'c']);
    expect(names(discover(tables, selectors).tables.list('Namespace'))).toEqual(['by-value', 'in', 'out']);
  });
});
