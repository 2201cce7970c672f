import { describe, expect, it } from 'vitest';
import { decodeResource, encodeResource, extensionTypes, type Route, typeUrls } from '#xds';
import { createBoundedCache } from '../../../server/xds/codec/bounded-cache.ts';
import { createXdsCodec } from '../../../server/xds/codec/codec.ts';
import { messageType, typeNameOf } from '../../../server/xds/codec/message-types.ts';

const withRoute = (name: string, route: Route) => ({
  name,
  virtual_hosts: [{ name: 'reviews', domains: ['*'], routes: [route] }],
});

const faulty: Route = {
  match: { prefix: '/', headers: [{ name: 'end-user', string_match: { exact: 'jason' } }] },
  route: {
    cluster: 'outbound|9080||reviews.default.svc.cluster.local',
    timeout: '1.5s',
    retry_policy: { num_retries: 2 },
  },
  typed_per_filter_config: {
    'envoy.filters.http.fault': {
      '@type': extensionTypes.fault,
      delay: { fixed_delay: '7s', percentage: { numerator: 100 } },
    },
  },
  metadata: {
    filter_metadata: { meshwork: { kind: 'VirtualService', path: 'spec.http[0]', count: 3, deep: [true, null] } },
  },
};

describe('xDS codec', () => {
  it('keeps durations, wrapped numbers, Any and free metadata through the wire', () => {
    const { typeUrl, bytes } = encodeResource(typeUrls.route, withRoute('9080', faulty));
    const { name, json } = decodeResource({ typeUrl: typeUrls.route, value: bytes });
    expect(typeUrl).toBe(typeUrls.route);
    expect(name).toBe('9080');
    expect(json.virtual_hosts?.[0]?.routes?.[0]).toEqual({
      ...faulty,
      route: { ...faulty.route, timeout: '1.500s' },
    });
  });

  it('puts @type first, as a config dump does', () => {
    const { json } = encodeResource(typeUrls.route, withRoute('9080', faulty));
    expect(JSON.stringify(json)).toContain(`{"@type":"${extensionTypes.fault}","delay"`);
  });

  it('gives equal resources the same version, and others another', () => {
    const one = encodeResource(typeUrls.cluster, { name: 'a', connect_timeout: '10s' });
    expect(encodeResource(typeUrls.cluster, { name: 'a', connect_timeout: '10s' })).toBe(one);
    expect(encodeResource(typeUrls.cluster, { name: 'a', connect_timeout: '10.0s' }).version).toBe(one.version);
    expect(encodeResource(typeUrls.cluster, { name: 'a', connect_timeout: '11s' }).version).not.toBe(one.version);
  });

  it('decodes the same bytes to the same frozen object', () => {
    const { bytes } = encodeResource(typeUrls.route, withRoute('9080', faulty));
    const first = decodeResource({ typeUrl: typeUrls.route, value: bytes });
    const second = decodeResource({ typeUrl: typeUrls.route, value: Uint8Array.from(bytes) });
    expect(second).toBe(first);
    expect(Object.isFrozen(first.json.virtual_hosts?.[0]?.routes?.[0]?.match)).toBe(true);
  });

  it('names endpoints after their cluster', () => {
    expect(encodeResource(typeUrls.endpoint, { cluster_name: 'outbound|80||a' }).name).toBe('outbound|80||a');
  });

  it.each([
    [{ match: { prefix: '/' }, route: { cluster: 'a', timeout: '1ms' } }, 'virtual_hosts[0].routes[0].route.timeout'],
    [{ match: { prefx: '/' } } as unknown as Route, 'virtual_hosts[0].routes[0].match.prefx'],
    [
      { match: {}, typed_per_filter_config: { f: { '@type': extensionTypes.fault, abort: { http_status: 'x' } } } },
      'virtual_hosts[0].routes[0].typed_per_filter_config.f.abort.http_status',
    ],
    [
      { match: {}, typed_per_filter_config: { f: { '@type': 'type.googleapis.com/acme.Filter' } } },
      'virtual_hosts[0].routes[0].typed_per_filter_config.f.@type',
    ],
  ] satisfies [Route, string][])('names the resource and the field that cannot be encoded (%#)', (route, field) => {
    expect(() => encodeResource(typeUrls.route, withRoute('http.80', route))).toThrow(
      `RouteConfiguration "http.80", ${field}: `,
    );
  });

  it('refuses a resource without a name', () => {
    expect(() => encodeResource(typeUrls.endpoint, { cluster_name: '' })).toThrow('cluster_name is missing');
  });

  it('refuses bytes that are no such message', () => {
    const value = Uint8Array.from([255, 3, 4]);
    expect(() => decodeResource({ typeUrl: typeUrls.cluster, value })).toThrow('envoy.config.cluster.v3.Cluster: ');
  });

  it('forgets the resources that were used longest ago', () => {
    const codec = createXdsCodec({ entries: 2, weight: 1000 });
    const first = codec.encodeResource(typeUrls.cluster, { name: 'a' });
    codec.encodeResource(typeUrls.cluster, { name: 'b' });
    codec.encodeResource(typeUrls.cluster, { name: 'c' });
    const again = codec.encodeResource(typeUrls.cluster, { name: 'a' });
    expect(again).not.toBe(first);
    expect(again).toEqual(first);
  });
});

describe('message types', () => {
  it.each(Object.entries(extensionTypes))('know the extension %s', (_name, typeUrl) => {
    expect(messageType(typeNameOf(typeUrl)).typeName).toBe(typeNameOf(typeUrl));
  });
});

describe('bounded cache', () => {
  it('keeps what is used and stays within its limit', () => {
    const cache = createBoundedCache<number>({ entries: 2, weight: 100 });
    cache.set('a', 1, 1);
    cache.set('b', 2, 1);
    expect(cache.get('a')).toBe(1);
    cache.set('c', 3, 1);
    expect([cache.get('a'), cache.get('b'), cache.get('c'), cache.size]).toEqual([1, undefined, 3, 2]);
  });

  it('makes room for a heavy entry and refuses one that is too heavy', () => {
    const cache = createBoundedCache<number>({ entries: 10, weight: 100 });
    cache.set('a', 1, 60);
    cache.set('b', 2, 30);
    cache.set('c', 3, 50);
    cache.set('d', 4, 101);
    expect([cache.get('a'), cache.get('b'), cache.get('c'), cache.get('d')]).toEqual([undefined, 2, 3, undefined]);
  });
});
