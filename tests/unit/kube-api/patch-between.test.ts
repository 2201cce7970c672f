import { expect, it } from 'vitest';
import { jsonPatch, jsonPatchBetween } from '#kube-api';

const before = {
  metadata: { name: 'cart', labels: { app: 'cart', 'a/b~c': '1' }, annotations: { old: 'x' } },
  spec: { containers: [{ name: 'cart' }], replicas: 1 },
};
const after = {
  metadata: { name: 'cart', labels: { app: 'cart', 'a/b~c': '2' } },
  spec: { containers: [{ name: 'cart' }, { name: 'proxy' }], replicas: 1, volumes: [] },
};

it('a JSON patch between two objects makes the second of the first', () => {
  expect(jsonPatch(before, jsonPatchBetween(before, after))).toEqual(after);
});

it('a JSON patch between two objects names only what differs', () => {
  expect(jsonPatchBetween(before, after)).toEqual([
    { op: 'replace', path: '/metadata/labels/a~1b~0c', value: '2' },
    { op: 'remove', path: '/metadata/annotations' },
    { op: 'replace', path: '/spec/containers', value: after.spec.containers },
    { op: 'add', path: '/spec/volumes', value: [] },
  ]);
  expect(jsonPatchBetween(before, structuredClone(before))).toEqual([]);
});
