import { expect, test } from 'vitest';
import type { PushView } from '#contract';
import type { KubeObject } from '#domain';
import { keepPast, recallPast } from '../../../server/api/session/time-travel/kept-past.ts';
import type { Moment } from '../../../server/api/session/time-travel/moments.ts';

const object = (kind: string, namespace: string, name: string, spec: object, more: object = {}): KubeObject => ({
  apiVersion: kind === 'VirtualService' ? 'networking.istio.io/v1' : 'v1',
  kind,
  metadata: { namespace, name, uid: `${name}-1`, resourceVersion: '7', ...more },
  spec,
});
const key = (one: KubeObject): string =>
  `${one.apiVersion}/${one.kind}/${one.metadata.namespace ?? ''}/${one.metadata.name}`;
const setOf = (...objects: KubeObject[]) => new Map(objects.map((one) => [key(one), one]));

const service = object('Service', 'default', 'reviews', { clusterIP: '127.128.0.9', ports: [] });
const secret = object('Secret', 'istio-system', 'istio-ca-secret', {});
const mesh = (access: string) => object('ConfigMap', 'istio-system', 'istio', { access });
const rule = (weight: number, text = '') => object('VirtualService', 'default', 'reviews', { weight, text });

const moment = (number: number, objects: Moment['objects'], changed: KubeObject[]): Moment => ({
  number,
  changeId: `change-${number}`,
  title: `title ${number}`,
  atMs: 1000 * number,
  files: [{ file: 'reviews.yaml', text: `# ${number}` }],
  objects,
  changed: changed.map(key),
  foreign: number === 0,
});
const push = (number: number): PushView => ({
  changeId: `change-${number}`,
  number,
  title: `title ${number}`,
  atMs: 1000 * number,
  effectiveMs: 5,
  proxies: [],
});
const seenAt = (atMs: number) => ({ atMs, requests: [] });
const pushes = [1, 2, 3].map(push);
const undoable = [
  { changeId: 'change-1', byEditor: true },
  { changeId: 'change-3', byEditor: false },
];

const moments = [
  moment(0, setOf(service, secret, mesh('off')), []),
  moment(1, setOf(service, secret, mesh('off'), rule(90)), [rule(90)]),
  moment(2, setOf(service, secret, mesh('on'), rule(90)), [mesh('on')]),
  moment(3, setOf(service, secret, mesh('on')), [rule(90)]),
];

test('pushes come back from text with the objects of their time, the removed one gone', () => {
  const kept = JSON.parse(JSON.stringify(keepPast({ moments, pushes, undoable, seenAt })));
  const recalled = recallPast(kept);
  expect(recalled.moments.map(({ number, title, files }) => [number, title, files[0]?.text])).toEqual(
    moments.map(({ number, title, files }) => [number, title, files[0]?.text]),
  );
  const specs = recalled.moments.map(({ objects }) => [
    objects.get(key(rule(1)))?.spec,
    objects.get(key(mesh('')))?.spec,
  ]);
  expect(specs).toEqual([
    [undefined, { access: 'off' }],
    [{ weight: 90, text: '' }, { access: 'off' }],
    [{ weight: 90, text: '' }, { access: 'on' }],
    [undefined, { access: 'on' }],
  ]);
  expect(recalled.pushes).toEqual(pushes);
  expect(recalled.undoable).toEqual(undoable);
  expect(recalled.seen.map(({ atMs }) => atMs)).toEqual([0, 1005, 2005, 3005]);
});

test('no key of the mesh is written down, and no address of a Service, which another mesh has otherwise', () => {
  const text = JSON.stringify(keepPast({ moments, pushes, undoable, seenAt }));
  expect(text).not.toContain('istio-ca-secret');
  expect(text).not.toContain('127.128.0.9');
  expect(text).not.toContain('resourceVersion');
});

test('where all is too much, the oldest pushes after the start go, and the others keep their objects', () => {
  const big = 'x'.repeat(900_000);
  const many = [
    moments[0] as Moment,
    ...[1, 2, 3].map((number) => moment(number, setOf(service, rule(number, big)), [rule(number)])),
  ];
  const recalled = recallPast(keepPast({ moments: many, pushes, undoable, seenAt }));
  expect(recalled.moments.map(({ number }) => number)).toEqual([0, 2, 3]);
  expect(recalled.pushes.map(({ number }) => number)).toEqual([2, 3]);
  expect(recalled.undoable.map(({ changeId }) => changeId)).toEqual(['change-3']);
  expect(recalled.moments.at(-1)?.objects.get(key(rule(1)))?.spec).toMatchObject({ weight: 3 });
});
