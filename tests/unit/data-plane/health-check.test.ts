import { beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import type { Cluster } from '#xds';
import { compileCluster } from '../../../server/data-plane/config/cluster-config.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { Stats } from '../../../server/data-plane/stats/stats.ts';
import { UpstreamCluster } from '../../../server/data-plane/upstream/cluster.ts';
import { readServing } from '../../../server/data-plane/upstream/health-check/grpc-health.ts';
import type { HealthProbe, ProbeResult } from '../../../server/data-plane/upstream/health-check/probe.ts';
import type { Host } from '../../../server/data-plane/upstream/host.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';

/** Answers checks as the test says; a check without a result waits. */
class ScriptedProbe implements HealthProbe {
  checks = 0;
  abandoned = 0;
  result: ProbeResult | undefined = { healthy: true, degraded: false };

  run(done: (result: ProbeResult) => void): void {
    this.checks++;
    if (this.result !== undefined) done(this.result);
  }

  abandon(): void {
    this.abandoned++;
  }

  close(): void {
    // Nothing is open.
  }
}

const NETWORK: ProbeResult = { healthy: false, type: 'NETWORK', retriable: false };
const ACTIVE: ProbeResult = { healthy: false, type: 'ACTIVE', retriable: false };
const RETRIABLE: ProbeResult = { healthy: false, type: 'ACTIVE', retriable: true };
const HEALTHY: ProbeResult = { healthy: true, degraded: false };

const POLICY = {
  timeout: '1s',
  interval: '5s',
  unhealthy_threshold: 3,
  healthy_threshold: 2,
  event_log_path: '/dev/stdout',
  http_health_check: { path: '/healthz' },
};

const endpoint = (port: number, fields: object = {}) => ({
  endpoint: { address: { socket_address: { address: '10.0.0.1', port_value: port } }, ...fields },
});

let clock: FakeClock;
let stats: Stats;
let probes: Map<number, ScriptedProbe>;
let events: Record<string, unknown>[];

const clusterOf = (policy: object = {}, fields: Partial<Cluster> = {}, ports = [1]): UpstreamCluster => {
  const config = compileCluster(
    {
      name: 'a',
      type: 'STATIC',
      health_checks: [{ ...POLICY, ...policy }],
      load_assignment: { cluster_name: 'a', endpoints: [{ lb_endpoints: ports.map((port) => endpoint(port)) }] },
      ...fields,
    },
    'v',
  );
  const cluster = new UpstreamCluster({
    config,
    clock,
    random: seededRandom(1),
    stats,
    createPool: () => {
      throw new Error('nothing is sent');
    },
    createProbe: (_cluster, host) => {
      const probe = probes.get(host.address.port) ?? new ScriptedProbe();
      probes.set(host.address.port, probe);
      return probe;
    },
    resolve: () => Promise.reject(new Error('nothing is resolved')),
    onLog: (line) => events.push(JSON.parse(line) as Record<string, unknown>),
  });
  cluster.setEndpoints(config.endpoints);
  cluster.start();
  return cluster;
};

const probe = (port = 1): ScriptedProbe => {
  const found = probes.get(port) ?? new ScriptedProbe();
  probes.set(port, found);
  return found;
};
const only = (cluster: UpstreamCluster): Host => cluster.hosts[0]!;
const count = (name: string): number | undefined => stats.complete().get(`cluster.a.${name}`);
const makeTraffic = (): void => {
  stats.stat('cluster.a.upstream_cx_total').value++;
};
const pickable = (cluster: UpstreamCluster): boolean =>
  cluster.pick({ originalDestination: undefined, hash: () => undefined }) !== undefined;

beforeEach(() => {
  clock = createFakeClock();
  stats = new Stats();
  probes = new Map();
  events = [];
});

describe('an active health check', () => {
  it('begins at once, and its first success counts without a threshold', () => {
    probe().result = undefined;
    const cluster = clusterOf();
    expect([probe().checks, only(cluster).healthy]).toEqual([1, false]);
    clock.advance(1000);
    expect([probe().abandoned, only(cluster).checkTimedOut]).toEqual([1, true]);
    const second = clusterOf({}, {}, [2]);
    expect(only(second).healthy).toBe(true);
    expect(events.at(-1)).toMatchObject({ cluster_name: 'a', add_healthy_event: { first_check: true } });
  });

  it.each([true, false])('that fails ends the connections of TCP clients, where the cluster says so: %s', (says) => {
    const cluster = clusterOf({}, { close_connections_on_host_health_failure: says } as Partial<Cluster>);
    let ended = 0;
    only(cluster).joined.add(() => {
      ended++;
    });
    probe().result = ACTIVE;
    clock.advance(60_000);
    expect([only(cluster).healthy, ended]).toEqual([false, says ? 1 : 0]);
  });

  it('fails a host that answers badly at once, and one that does not answer after the threshold', () => {
    const cluster = clusterOf();
    makeTraffic();
    clock.advance(60_000);
    probe().result = NETWORK;
    clock.advance(5000);
    clock.advance(5000);
    expect(only(cluster).healthy).toBe(true);
    clock.advance(5000);
    expect(only(cluster).healthy).toBe(false);
    expect(events.at(-1)).toMatchObject({
      health_checker_type: 'HTTP',
      host: { socket_address: { protocol: 'TCP', address: '10.0.0.1', port_value: 1 } },
      eject_unhealthy_event: { failure_type: 'NETWORK' },
    });
    probe().result = HEALTHY;
    clock.advance(5000);
    expect(only(cluster).healthy).toBe(false);
    clock.advance(5000);
    expect(only(cluster).healthy).toBe(true);
    probe().result = ACTIVE;
    clock.advance(5000);
    expect(only(cluster).healthy).toBe(false);
  });

  it('counts a retriable status towards the threshold', () => {
    const cluster = clusterOf({ unhealthy_threshold: 2 });
    makeTraffic();
    clock.advance(60_000);
    probe().result = RETRIABLE;
    clock.advance(5000);
    expect(only(cluster).healthy).toBe(true);
    clock.advance(5000);
    expect(only(cluster).healthy).toBe(false);
  });

  it('is slow without traffic, and has its own pace at the edges', () => {
    const edges = { unhealthy_interval: '2s', unhealthy_edge_interval: '1s', healthy_edge_interval: '500ms' };
    const cluster = clusterOf({ ...edges, no_traffic_interval: '30s', no_traffic_healthy_interval: '40s' });
    expect(probe().checks).toBe(1);
    clock.advance(39_999);
    expect(probe().checks).toBe(1);
    makeTraffic();
    clock.advance(1);
    expect(probe().checks).toBe(2);
    probe().result = NETWORK;
    clock.advance(5000);
    expect(probe().checks).toBe(3);
    clock.advance(1000);
    clock.advance(1000);
    expect([probe().checks, only(cluster).healthy]).toEqual([5, false]);
    probe().result = HEALTHY;
    clock.advance(2000);
    expect([probe().checks, only(cluster).healthy]).toEqual([6, false]);
    clock.advance(500);
    expect([probe().checks, only(cluster).healthy]).toEqual([7, true]);
    clock.advance(4999);
    expect(probe().checks).toBe(7);
  });

  it('adds jitter below what is asked for', () => {
    clusterOf({ interval_jitter: '1s', interval_jitter_percent: 20, no_traffic_interval: '10s' });
    clock.advance(9999);
    expect(probe().checks).toBe(1);
    clock.advance(3001);
    expect(probe().checks).toBe(2);
  });

  it('counts attempts, successes and failures by their kind', () => {
    clusterOf({ no_traffic_interval: '5s' });
    probe().result = NETWORK;
    clock.advance(5000);
    probe().result = ACTIVE;
    clock.advance(5000);
    const names = ['attempt', 'success', 'failure', 'network_failure', 'passive_failure', 'healthy'];
    expect(names.map((name) => count(`health_check.${name}`))).toEqual([3, 1, 2, 1, 0, 0]);
    expect(['membership_total', 'membership_healthy'].map(count)).toEqual([1, 0]);
  });

  it('leaves a cluster without a host that may be used when all fail and panic is off', () => {
    const cluster = clusterOf({}, { common_lb_config: { healthy_panic_threshold: { value: 0 } } });
    expect(pickable(cluster)).toBe(true);
    probe().result = ACTIVE;
    makeTraffic();
    clock.advance(60_000);
    expect(pickable(cluster)).toBe(false);
    const panicking = clusterOf({}, {}, [1]);
    expect([only(panicking).healthy, pickable(panicking)]).toEqual([false, true]);
  });

  it('keeps a host that the control plane removed as long as it passes', () => {
    const cluster = clusterOf({ no_traffic_interval: '5s' }, {}, [1, 2]);
    cluster.setEndpoints(cluster.config.endpoints.slice(0, 1));
    expect(cluster.hosts.map(({ pendingRemoval }) => pendingRemoval)).toEqual([false, true]);
    probe(2).result = ACTIVE;
    clock.advance(5000);
    expect(cluster.hosts.map(({ key }) => key)).toEqual(['10.0.0.1:1']);
    expect(probe(2).checks).toBe(2);
  });

  it('lets go of a removed host at once where the cluster ignores its health', () => {
    const cluster = clusterOf({}, { ignore_health_on_host_removal: true }, [1, 2]);
    cluster.setEndpoints(cluster.config.endpoints.slice(0, 1));
    expect(cluster.hosts).toHaveLength(1);
  });

  it('ends an ejection when the ejected host passes', () => {
    const outlier_detection = { consecutive_5xx: 1, max_ejection_percent: 100, base_ejection_time: '300s' };
    const cluster = clusterOf({ no_traffic_interval: '5s' }, { outlier_detection });
    cluster.report(only(cluster), { status: 500 });
    expect([only(cluster).ejected, count('outlier_detection.ejections_active')]).toEqual([true, 1]);
    clock.advance(5000);
    expect([only(cluster).ejected, count('outlier_detection.ejections_active')]).toEqual([false, 0]);
  });

  it('uses degraded hosts only as far as healthy ones are too few', () => {
    probe(1).result = { healthy: true, degraded: true };
    const cluster = clusterOf({ no_traffic_interval: '5s' }, {}, [1, 2]);
    const pick = (): string | undefined =>
      cluster.pick({ originalDestination: undefined, hash: () => undefined })?.host.key;
    const seen = Array.from({ length: 400 }, pick);
    // One of two hosts is healthy: 70 % of the traffic, the degraded one takes the rest.
    const share = seen.filter((key) => key === '10.0.0.1:1').length / seen.length;
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.4);
    expect(['membership_healthy', 'membership_degraded', 'health_check.degraded'].map(count)).toEqual([1, 1, 1]);
    expect(events).toContainEqual(expect.objectContaining({ degraded_healthy_host: {} }));
  });

  it('leaves a new host out of the share of healthy ones until its first check, where asked', () => {
    probe(1).result = undefined;
    const cluster = clusterOf({}, { common_lb_config: { ignore_new_hosts_until_first_hc: true } }, [1, 2]);
    expect([count('membership_excluded'), count('membership_healthy')]).toEqual([1, 1]);
    clock.advance(1000);
    expect(count('membership_excluded')).toBe(0);
    expect(only(cluster).failedCheck).toBe(true);
  });

  it('is refused where its answer could never be read to the end', () => {
    const receive = [{ text: '77656c6c' }, { text: '49' }];
    const check = (bytes: number) =>
      clusterOf({ http_health_check: { path: '/', receive, response_buffer_size: String(bytes) } });
    expect(() => check(4)).toThrow(
      "The expected response length '5' is over than http health response buffer size '4'",
    );
    expect(() => [check(5), check(0)]).not.toThrow();
  });

  it('makes a host count in no share of healthy ones from when balancing next looks at it', () => {
    probe().result = NETWORK;
    const cluster = clusterOf();
    probe().result = { ...ACTIVE, excluded: true } as ProbeResult;
    clock.advance(60_000);
    expect([only(cluster).excluded, count('membership_excluded')]).toEqual([true, 0]);
    cluster.setEndpoints(cluster.hosts.map(({ endpoint }) => endpoint));
    expect(count('membership_excluded')).toBe(1);
  });

  it('does not check a host that is exempt', () => {
    const exempt = { health_check_config: { disable_active_health_check: true } };
    const load_assignment = { cluster_name: 'a', endpoints: [{ lb_endpoints: [endpoint(1, exempt)] }] };
    const cluster = clusterOf({}, { load_assignment });
    expect([probes.size, only(cluster).healthy]).toEqual([0, true]);
  });

  it.each<[object, string]>([
    [{ timeout: undefined }, 'health_checks[0].timeout: value is required'],
    [{ http_health_check: {} }, 'health_checks[0].http_health_check.path: value length must be at least 1'],
    [
      { http_health_check: { path: '/', expected_statuses: [{ start: 200, end: 200 }] } },
      'Invalid http expected status range: expecting start < end, but found start=200 and end=200',
    ],
    [{ http_health_check: undefined, grpc_health_check: {} }, 'a cluster must support HTTP/2 for gRPC healthchecking'],
    [{ http_health_check: undefined }, 'has none of http_health_check, tcp_health_check, grpc_health_check'],
    [{ http_health_check: undefined, tcp_health_check: { send: { text: 'xyz' } } }, "invalid hex string 'xyz'"],
  ])('refuses %j', (policy, message) => {
    expect(() => clusterOf(policy)).toThrow(message);
  });
});

describe('an answer to a gRPC health check', () => {
  const serving = (message: readonly number[], fields: Record<string, string> = {}): boolean =>
    readServing({
      head: { status: 200, headers: Headers.of({ 'content-type': 'application/grpc', 'grpc-status': '0', ...fields }) },
      body: Buffer.from([0, 0, 0, 0, message.length, ...message]),
      trailers: undefined,
    });

  it.each([
    ['SERVING', [8, 1], true],
    ['NOT_SERVING', [8, 2], false],
    ['nothing', [], false],
    ['the last of two statuses', [8, 2, 8, 1], true],
    ['a text that nobody knows, then SERVING', [0x1a, 2, 8, 2, 8, 1], true],
    [
      'numbers of each size that nobody knows',
      [0x18, 0x80, 1, 0x21, 1, 2, 3, 4, 5, 6, 7, 8, 0x2d, 1, 2, 3, 4, 8, 1],
      true,
    ],
    ['a field with a large number', [0xc2, 0x3e, 1, 65, 8, 1], true],
    ['a status of two bytes', [8, 0x81, 1], false],
    ['a status that is cut off', [8], false],
    ['a text that is cut off', [8, 1, 0x1a, 5, 65], false],
    ['a group', [8, 1, 0x1b, 0x1c], false],
  ] as const)('%s', (_what, message, wanted) => {
    expect(serving(message)).toBe(wanted);
  });

  it.each(['application/grpc', 'application/grpc+proto'])('of type %s counts', (type) => {
    expect(serving([8, 1], { 'content-type': type })).toBe(true);
  });

  it.each(['application/grpcx', 'text/plain'])('of type %s is none', (type) => {
    expect(serving([8, 1], { 'content-type': type })).toBe(false);
  });
});
