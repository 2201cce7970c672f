import { beforeEach, describe, expect, it } from 'vitest';
import type { Proxy } from '#data-plane';
import type { ProbeContext } from '#labs';
import { countersOf } from '../../../server/labs/probes/counters.ts';
import { judgeBatch } from '../../../server/labs/probes/outcomes.ts';
import { batchesOf, stateHolds } from '../../../server/labs/probes/state.ts';
import { createFakeSandbox, type FakeSandbox } from '../../support/fake-sandbox.ts';
import { hop } from './support.ts';

let sandbox: FakeSandbox;
let context: ProbeContext;
beforeEach(() => {
  sandbox = createFakeSandbox();
  context = { sandbox, podsAtStart: new Set(['reviews-1']), pushedVersions: new Map() };
});

const write = { changeId: 'test' };
const apply = (kind: string, name: string, spec: object, namespace = 'default') =>
  sandbox.store.create({ apiVersion: 'networking.istio.io/v1', kind, metadata: { name, namespace }, spec }, write);
const route = (subset: string) => ({
  hosts: ['reviews'],
  http: [
    {
      fault: { delay: { fixedDelay: '1s', percentage: { value: 50 } } },
      route: [{ destination: { host: 'reviews', subset } }],
    },
  ],
});

describe('state probes', () => {
  it('counts objects where a number is wanted', () => {
    apply('VirtualService', 'reviews', route('v1'));
    const object = { kind: 'VirtualService', contains: { 'spec.hosts': 'reviews' }, count: 1 };
    expect(stateHolds({ object }, context)).toBe(true);
    apply('VirtualService', 'other', route('v1'));
    expect(stateHolds({ object }, context)).toBe(false);
    expect(stateHolds({ object: { kind: 'Gateway', count: 0 } }, context)).toBe(true);
  });

  it('notices a route that lists one destination twice', () => {
    const repeated = (host: string) => stateHolds({ repeatedDestination: { host } }, context);
    const to = (subset: string) => ({ destination: { host: 'reviews', subset }, weight: 50 });
    apply('VirtualService', 'once', {
      hosts: ['reviews'],
      http: [{ route: [to('v1'), to('v2')] }, { route: [to('v1')] }],
    });
    expect(repeated('reviews')).toBe(false);
    apply('VirtualService', 'twice', { hosts: ['reviews'], http: [{ route: [to('v1'), to('v2'), to('v2')] }] });
    expect(repeated('reviews')).toBe(true);
    expect(repeated('cart')).toBe(false);
  });

  it('reads a counter as it stands', () => {
    const proxy = { admin: { stats: () => new Map([['cluster.a.upstream_rq_5xx', 7]]) } } as unknown as Proxy;
    sandbox.addPod({ name: 'load-1', labels: { app: 'load' }, proxy });
    const counter = { namespace: 'default', labels: { app: 'load' }, name: 'a\\.upstream_rq_5xx$' };
    expect(stateHolds({ counter: { ...counter, max: 7 } }, context)).toBe(true);
    expect(stateHolds({ counter: { ...counter, max: 6 } }, context)).toBe(false);
    expect(stateHolds({ counter: { ...counter, min: 8 } }, context)).toBe(false);
  });

  it('compares the durations of two fields, or of a field and a number', () => {
    const http = (timeout: string) => [{ route: [{ destination: { host: 'a' } }], timeout }];
    apply('VirtualService', 'cart', { hosts: ['cart'], http: http('0.5s') });
    apply('VirtualService', 'inventory', { hosts: ['inventory'], http: http('2s') });
    const field = (name: string) => ({ kind: 'VirtualService', namespace: 'default', name, path: 'spec.http.timeout' });
    const holds = (is: 'shorter' | 'equal' | 'longer', than: string | ReturnType<typeof field>) =>
      stateHolds({ durations: { of: field('cart'), is, than } }, context);
    expect(holds('shorter', field('inventory'))).toBe(true);
    expect(holds('longer', field('inventory'))).toBe(false);
    expect(holds('equal', '500ms')).toBe(true);
    expect(holds('longer', '499ms')).toBe(true);
    expect(holds('shorter', field('nobody'))).toBe(false);
  });

  it('asks the analysis of the whole mesh for codes', () => {
    const told = { code: 'IST0109', severity: 'warning', message: 'm' } as const;
    sandbox.validate = (files) => (files.length === 0 ? [told] : []);
    expect(stateHolds({ analysis: { without: ['IST0130'] } }, context)).toBe(true);
    expect(stateHolds({ analysis: { without: ['IST0130', 'IST0109'] } }, context)).toBe(false);
  });

  it('finds an object by its fields', () => {
    apply('VirtualService', 'reviews', route('v1'));
    const object = { kind: 'VirtualService' };
    const holds = (more: object) => stateHolds({ object: { ...object, ...more } }, context);
    expect(holds({})).toBe(true);
    expect(holds({ namespace: 'default', name: 'reviews' })).toBe(true);
    expect(holds({ name: 'other' })).toBe(false);
    expect(holds({ notNamespace: 'default' })).toBe(false);
    expect(holds({ contains: { 'spec.hosts': 'reviews' } })).toBe(true);
    expect(holds({ contains: { 'spec.hosts': 'ratings' } })).toBe(false);
    expect(holds({ equals: { 'spec.hosts': 'reviews' } })).toBe(true);
    expect(holds({ equals: { 'spec.hosts': 'review' } })).toBe(false);
    expect(holds({ each: 'spec.http', has: ['fault.delay', 'route'] })).toBe(true);
    expect(holds({ each: 'spec.http', has: ['fault.delay', 'timeout'] })).toBe(false);
    expect(holds({ each: 'spec.http', has: ['fault.delay'], lacks: ['timeout'] })).toBe(true);
    expect(holds({ each: 'spec.http', lacks: ['timeout', 'fault'] })).toBe(false);
    expect(stateHolds({ not: { object } }, context)).toBe(false);
  });

  it('reads a label of a namespace', () => {
    const probe = { namespaceLabel: { namespace: 'default', label: 'istio-injection', value: 'enabled' } };
    expect(stateHolds(probe, context)).toBe(false);
    sandbox.store.patch(
      'Namespace',
      { namespace: '', name: 'default' },
      { metadata: { labels: { 'istio-injection': 'enabled' } } },
      write,
    );
    expect(stateHolds(probe, context)).toBe(true);
  });

  it('counts the containers of each pod, init steps apart', () => {
    const pods = { namespace: 'default', labels: { app: 'reviews' } };
    expect(stateHolds({ pods }, context)).toBe(false);
    sandbox.addPod({
      name: 'reviews-1',
      labels: { app: 'reviews' },
      containers: [{ name: 'istio-init', kind: 'init', ready: false }, {}, { name: 'istio-proxy', kind: 'proxy' }],
    });
    expect(stateHolds({ pods: { ...pods, ready: 2, of: 2, init: 'istio-init', sameAsAtStart: true } }, context)).toBe(
      true,
    );
    expect(stateHolds({ pods: { ...pods, of: 1 } }, context)).toBe(false);
    sandbox.addPod({ name: 'reviews-2', labels: { app: 'reviews' }, containers: [{ ready: false }] });
    expect(stateHolds({ pods: { ...pods, ready: 2 } }, context)).toBe(false);
    expect(stateHolds({ pods: { ...pods, sameAsAtStart: true } }, context)).toBe(false);
  });

  it('wants each subset to select a ready pod', () => {
    const probe = { subsets: { host: 'reviews', namespace: 'default', names: ['v1', 'v2'] } };
    const subsets = ['v1', 'v2'].map((name) => ({ name, labels: { version: name } }));
    apply('DestinationRule', 'reviews', { host: 'reviews.default.svc.cluster.local', subsets }, 'kube-system');
    sandbox.addPod({ name: 'reviews-1', labels: { app: 'reviews', version: 'v1' } });
    expect(stateHolds(probe, context)).toBe(false);
    sandbox.addPod({ name: 'reviews-2', labels: { app: 'reviews', version: 'v2' } });
    expect(stateHolds(probe, context)).toBe(true);
  });

  it("reads a short host as the rule's own namespace", () => {
    apply('DestinationRule', 'reviews', { host: 'reviews', subsets: [{ name: 'v1', labels: {} }] }, 'kube-system');
    sandbox.addPod({ name: 'reviews-1', labels: { app: 'reviews' } });
    expect(stateHolds({ subsets: { host: 'reviews', namespace: 'default', names: ['v1'] } }, context)).toBe(false);
  });

  it('notices a route to a subset that nobody defines', () => {
    const probe = { undefinedSubset: { host: 'reviews', namespace: 'default' } };
    apply('VirtualService', 'reviews', route('v1'));
    expect(stateHolds(probe, context)).toBe(true);
    apply('DestinationRule', 'reviews', { host: 'reviews', subsets: [{ name: 'v1', labels: { version: 'v1' } }] });
    expect(stateHolds(probe, context)).toBe(false);
  });

  it('compares replicas, where none written means one', () => {
    const deployment = (name: string, replicas?: number) =>
      sandbox.store.create(
        {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata: { name },
          spec: {
            ...(replicas ? { replicas } : {}),
            selector: { matchLabels: { a: name } },
            template: { metadata: { labels: { a: name } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
          },
        },
        write,
      );
    deployment('many', 9);
    const probe = { replicaRatio: { many: 'many', few: 'few', atLeast: 3 } };
    expect(stateHolds(probe, context)).toBe(false);
    deployment('few');
    expect(stateHolds(probe, context)).toBe(true);
  });

  it('sees where the application of an injected pod listens', () => {
    const probe = { listens: { app: 'cart', ip: '0.0.0.0', port: 8080 } };
    sandbox.addPod({ name: 'a', labels: { app: 'cart' } });
    expect(stateHolds(probe, context)).toBe(false);
    sandbox.addPod({ name: 'b', labels: { app: 'cart' }, proxy: {} as never });
    expect(stateHolds(probe, context)).toBe(true);
  });

  it('knows whether istiod runs, and which rule waits for it', () => {
    const rule = apply('VirtualService', 'reviews', route('v1'));
    const waits = { ruleWaits: { kind: 'VirtualService' } };
    expect(stateHolds({ controlPlane: 'stopped' }, context)).toBe(true);
    expect(stateHolds(waits, context)).toBe(true);
    const pushed = new Map([['VirtualService/default/reviews', rule.metadata.resourceVersion ?? '']]);
    expect(stateHolds(waits, { ...context, pushedVersions: pushed })).toBe(false);
    sandbox.controlPlane = {} as never;
    expect(stateHolds({ controlPlane: 'running' }, context)).toBe(true);
    expect(stateHolds(waits, context)).toBe(false);
  });

  it('joins parts by all and finds the batches inside', () => {
    const batch = { traffic: 't', requests: 1, expect: [{ status: 200 }] };
    const probe = { all: [{ controlPlane: 'stopped' as const }, { batch }, { all: [{ batch }] }] };
    expect(stateHolds(probe, context)).toBe(true);
    expect(batchesOf(probe)).toEqual([batch, batch]);
  });
});

describe('the verdict on a batch', () => {
  const sent = (traceId: string, status = 200, headers = {}) => ({ traceId, status, headers, tookMs: 40 });
  const batch = (...expected: object[]) =>
    ({ traffic: 't', requests: 2, expect: expected }) as Parameters<typeof judgeBatch>[0];
  const judge = (spec: Parameters<typeof judgeBatch>[0], ...requests: ReturnType<typeof sent>[]) =>
    judgeBatch(spec, requests, { hops: sandbox.hops, moved: [] });

  it('counts answers by status and header', () => {
    const requests = [sent('a', 200, { 'x-cached': 'true' }), sent('b', 503), sent('c', 0)];
    expect(judge(batch({ status: 200, min: 1 }, { header: { 'x-cached': 'true' }, max: 1 }), ...requests)).toEqual({
      met: true,
      final: true,
      seen: '1 of 3 answered 200; 1 of 3 with x-cached: true.',
    });
    expect(judge(batch({ status: 200, min: 3 }, { status: 0, max: 0 }), ...requests)).toMatchObject({
      met: false,
      final: true,
      seen: '1 of 3 answered 200; 1 of 3 had no answer; 1 answered 503.',
    });
    sandbox.addHop(
      hop({ traceId: 'b', spanId: 's', direction: 'outbound', service: 'cart', status: 503, flags: ['UF'] }),
    );
    expect(judge(batch({ status: 200, min: 3 }), ...requests).seen).toBe(
      '1 of 3 answered 200; 1 answered 503 with flag UF; 1 had no answer.',
    );
  });

  it('counts calls by callee, version, status and flag', () => {
    const out = {
      traceId: 'a',
      spanId: 'o',
      direction: 'outbound',
      service: 'cart',
      cluster: 'outbound|8080|v2|inventory.default.svc.cluster.local',
    } as const;
    sandbox.addHop(hop({ ...out, flags: ['DI', 'DC'], status: 0 }));
    const calls = (call: object) => judge(batch({ call, min: 1 }), sent('a')).met;
    expect(calls({ from: 'cart', to: 'inventory', flag: 'DI' })).toBe(true);
    expect(calls({ to: 'inventory', anyFlag: true, status: 0 })).toBe(true);
    expect(calls({ to: 'inventory', flag: 'FI' })).toBe(false);
    expect(calls({ from: 'load', to: 'inventory' })).toBe(false);
    expect(calls({ to: 'inventory', version: 'v2' })).toBe(false);
    sandbox.addHop(
      hop({ traceId: 'a', spanId: 'i', parentSpanId: 'o', direction: 'inbound', service: 'inventory', version: 'v2' }),
    );
    expect(calls({ to: 'inventory', version: 'v2' })).toBe(true);
    expect(calls({ from: 'cart', to: 'inventory', reporter: 'destination' })).toBe(true);
    expect(calls({ to: 'cart', reporter: 'destination' })).toBe(false);
  });

  it('reads the whole wait of the client', () => {
    expect(judge(batch({ took: { minMs: 30, maxMs: 50 }, min: 1 }), sent('a')).met).toBe(true);
    expect(judge(batch({ took: { maxMs: 30 }, min: 1 }), sent('a'))).toMatchObject({
      met: false,
      seen: '0 of 1 in 0 to 30 ms.',
    });
  });

  it('counts calls instead of requests, tries included', () => {
    const out = { traceId: 'a', spanId: 's', direction: 'outbound', service: 'cart' } as const;
    sandbox.addHop(hop(out));
    for (const spanId of ['t1', 't2', 't3'])
      sandbox.addHop(hop({ traceId: 'a', spanId, parentSpanId: 's', direction: 'inbound', service: 'inventory' }));
    const call = { to: 'inventory', reporter: 'destination' };
    expect(judge(batch({ call, min: 1, max: 1 }), sent('a')).met).toBe(true);
    expect(judge(batch({ call, count: 'calls', min: 3, max: 3 }), sent('a'))).toMatchObject({
      met: true,
      seen: '3 calls for 1 requests reached inventory.',
    });
  });

  it('counts calls that began after the caller of another had given up', () => {
    const call = hop({ traceId: 'a', spanId: 's', direction: 'outbound', service: 'frontend', authority: 'cart:8080' });
    sandbox.addHop({ ...call, startMs: 0, durationMs: 500 });
    for (const startMs of [100, 400, 600]) {
      const served = { traceId: 'a', spanId: `t${startMs}`, direction: 'inbound', service: 'inventory' } as const;
      sandbox.addHop({ ...hop(served), startMs });
    }
    const late = (afterCallTo: string) =>
      judge(
        batch({ call: { to: 'inventory', reporter: 'destination', afterCallTo }, count: 'calls', min: 1, max: 1 }),
        sent('a'),
      ).met;
    expect(late('cart')).toBe(true);
    expect(late('nobody')).toBe(false);
  });

  it('tells a copy that ends after the caller has the answer of another version, whatever the clock says', () => {
    const call = (spanId: string, direction: 'inbound' | 'outbound', version: string, parentSpanId?: string) =>
      hop({
        traceId: 'a',
        spanId,
        direction,
        service: direction === 'outbound' ? 'frontend' : 'orders',
        version,
        ...(parentSpanId !== undefined && { parentSpanId }),
      });
    sandbox.addHop({ ...call('s1', 'outbound', 'v1'), durationMs: 700 });
    sandbox.addHop(call('t1', 'inbound', 'v1', 's1'));
    const outlives = (version: string) =>
      judge(
        batch({ call: { to: 'orders', version: 'v2', reporter: 'destination', outlives: { version } }, min: 1 }),
        sent('a'),
      ).met;
    sandbox.addHop({ ...call('s2', 'outbound', 'v1') });
    sandbox.addHop({ ...call('t2', 'inbound', 'v2', 's2'), startMs: 5, durationMs: 600 });
    expect(outlives('v1')).toBe(false);
    sandbox.addHop({ ...call('s3', 'outbound', 'v1') });
    sandbox.addHop({ ...call('t3', 'inbound', 'v2', 's3'), startMs: 150, durationMs: 600 });
    expect(outlives('v1')).toBe(true);
    expect(outlives('v3')).toBe(false);
  });

  it('tells calls apart by tries, log line, request header and length', () => {
    const call = { ...hop({ traceId: 'a', spanId: 's', direction: 'outbound', service: 'cart', authority: 'x:8080' }) };
    sandbox.addHop({
      ...call,
      attempts: 4,
      durationMs: 90,
      accessLog: '"GET /old"',
      request: { ...call.request, headers: [['x-envoy-attempt-count', '1']] },
    });
    const met = (more: object): boolean => judge(batch({ call: { to: 'x', ...more }, min: 1 }), sent('a')).met;
    expect(met({ attempts: 4, log: '/old', took: { minMs: 80, maxMs: 100 } })).toBe(true);
    expect(met({ header: { 'x-envoy-attempt-count': '1' } })).toBe(true);
    expect(met({ attempts: 1 })).toBe(false);
    expect(met({ path: '/' })).toBe(true);
    expect(met({ path: '/other' })).toBe(false);
    expect(met({ log: '/new' })).toBe(false);
    expect(met({ took: { maxMs: 80 } })).toBe(false);
    expect(met({ header: { 'x-envoy-attempt-count': '2' } })).toBe(false);
  });

  it('judges how far counters moved', () => {
    const stat = { namespace: 'default', labels: { app: 'load' }, name: 'rq_overflow$', min: 20, max: 20 };
    const spec = { ...batch(), stats: [stat] };
    const moved = (value: number) => judgeBatch(spec, [sent('a')], { hops: sandbox.hops, moved: [value] });
    expect(moved(20)).toEqual({ met: true, final: true, seen: 'rq_overflow$ moved by 20.' });
    expect(moved(19)).toMatchObject({ met: false, final: false });
    expect(moved(21)).toMatchObject({ met: false, final: true });
  });

  it('sums a counter over the chosen pods, from where it stood', () => {
    let value = 5;
    const proxy = { admin: { stats: () => new Map([['cluster.a.rq_overflow', value]]) } } as unknown as Proxy;
    sandbox.addPod({ name: 'load-1', labels: { app: 'load' }, proxy });
    sandbox.addPod({ name: 'load-2', labels: { app: 'load' }, proxy });
    sandbox.addPod({ name: 'other', labels: { app: 'other' }, proxy });
    const stats = [{ namespace: 'default', labels: { app: 'load' }, name: 'rq_overflow$' }];
    const counters = countersOf({ ...batch(), stats }, sandbox);
    expect(counters.moved()).toEqual([0]);
    value = 8;
    expect(counters.moved()).toEqual([6]);
  });

  it('names the host asked for when no cluster was chosen', () => {
    sandbox.addHop(
      hop({
        traceId: 'a',
        spanId: 'o',
        direction: 'outbound',
        service: 'cart',
        authority: 'reviews:8080',
        flags: ['NC'],
      }),
    );
    expect(judge(batch({ call: { to: 'reviews', flag: 'NC' }, max: 0 }), sent('a'))).toMatchObject({
      met: false,
      seen: '1 of 1 called reviews with flag NC.',
    });
  });

  it('is final unless hops to come could meet it', () => {
    expect(judge(batch({ call: { to: 'x' }, min: 1 }), sent('a'))).toMatchObject({ met: false, final: false });
    expect(judge(batch({ call: { to: 'x' }, min: 1 }, { status: 200, min: 2 }), sent('a'))).toMatchObject({
      met: false,
      final: true,
    });
  });
});
