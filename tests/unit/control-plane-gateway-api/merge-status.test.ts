import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#domain';
import { gateway, route, service, statusesOf } from './statuses-of.ts';

const LATER = { now: '2026-02-02T00:00:00Z' };
const spec = { rules: [{ backendRefs: [{ name: 'web', port: 80 }] }] };
const listeners = [{ name: 'http', port: 80, protocol: 'HTTP' }];
const world: readonly KubeObject[] = [service('web'), gateway({ listeners })];

/** The object as the store has it after its status was written. */
function settled(object: KubeObject, ...around: KubeObject[]): KubeObject {
  const status = statusesOf([...around, object]).get(`${object.kind}/${object.metadata.name}`);
  return { ...object, status: JSON.parse(JSON.stringify(status)) as unknown };
}

describe('writing a status', () => {
  it('comes to rest: what was written is not written again, however late it is', () => {
    const object = settled(route('HTTPRoute', spec, { generation: 1 }), ...world);
    const whole = settled(gateway({ listeners }, { generation: 1 }), service('web'), object);
    expect(statusesOf([service('web'), whole, object], LATER).size).toBe(0);
  });

  it('keeps the time of a condition whose status stays', () => {
    const object = settled(route('HTTPRoute', spec, { generation: 1 }), ...world);
    const changed = { ...object, metadata: { ...object.metadata, generation: 2 } };
    const [parent] = statusesOf([...world, changed], LATER).get('HTTPRoute/web')?.parents ?? [];
    expect(parent?.conditions.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual([
      '2026-01-01T00:00:00Z',
      '2026-01-01T00:00:00Z',
    ]);
    expect(parent?.conditions.map(({ observedGeneration }) => observedGeneration)).toEqual([2, 2]);
  });

  it('dates a condition whose status turns', () => {
    const object = settled(route('HTTPRoute', spec, { generation: 1 }), ...world);
    const [parent] = statusesOf([gateway({ listeners }), object], LATER).get('HTTPRoute/web')?.parents ?? [];
    expect(
      parent?.conditions.map(({ type, status, lastTransitionTime }) => [type, status, lastTransitionTime]),
    ).toEqual([
      ['Accepted', 'True', '2026-01-01T00:00:00Z'],
      ['ResolvedRefs', 'False', LATER.now],
    ]);
  });

  it('leaves what other controllers wrote', () => {
    const theirs = { parentRef: { name: 'gw' }, controllerName: 'example.com/other', conditions: [] };
    const object = { ...route('HTTPRoute', spec), status: { parents: [theirs] } };
    const parents = statusesOf([...world, object]).get('HTTPRoute/web')?.parents;
    expect(parents?.map(({ controllerName }) => controllerName)).toEqual([
      'example.com/other',
      'istio.io/gateway-controller',
    ]);
  });

  it('takes back what it said of a parent that is no longer named', () => {
    const object = settled(route('HTTPRoute', spec), ...world);
    const moved = { ...object, spec: { ...spec, parentRefs: [{ group: '', kind: 'Service', name: 'web' }] } };
    const parents = statusesOf([...world, moved], LATER).get('HTTPRoute/web')?.parents;
    expect(parents?.map(({ parentRef }) => parentRef['kind'])).toEqual(['Service']);
  });

  it('gives a route that never had a parent of ours an empty list, once', () => {
    const object = route('HTTPRoute', { ...spec, parentRefs: [{ name: 'elsewhere' }] });
    expect(statusesOf([...world, object]).get('HTTPRoute/web')).toEqual({ parents: [] });
    expect(statusesOf([...world, settled(object, ...world)]).has('HTTPRoute/web')).toBe(false);
  });

  it('forgets a listener that is gone, and knows the others by name', () => {
    const both = gateway(
      { listeners: [{ name: 'gone', port: 81, protocol: 'HTTP' }, ...listeners] },
      { generation: 1 },
    );
    const object = settled(both, service('web'));
    const [left] =
      statusesOf([service('web'), { ...object, spec: gateway({ listeners }).spec }], LATER).get('Gateway/gw')
        ?.listeners ?? [];
    expect(left?.name).toBe('http');
    expect(left?.conditions[0]?.lastTransitionTime).toBe('2026-01-01T00:00:00Z');
  });

  it('never takes a reported address back', () => {
    const object = { ...gateway({ listeners }), status: { addresses: [{ type: 'IPAddress', value: '127.0.0.9' }] } };
    expect(statusesOf([object]).get('Gateway/gw')?.addresses).toEqual([{ type: 'IPAddress', value: '127.0.0.9' }]);
  });

  it('replaces the conditions that the API server put there', () => {
    const pending = {
      type: 'Accepted',
      status: 'Unknown',
      reason: 'Pending',
      message: 'Waiting',
      lastTransitionTime: '1970-01-01T00:00:00Z',
    };
    const object = { ...gateway({ listeners }), status: { conditions: [pending] } };
    const accepted = statusesOf([object]).get('Gateway/gw')?.conditions?.[0];
    expect(accepted).toMatchObject({ type: 'Accepted', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' });
  });
});
