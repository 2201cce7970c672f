import { describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import type { Cluster } from '#xds';
import { compileCluster } from '../../../server/data-plane/config/cluster-config.ts';
import { readBalancing } from '../../../server/data-plane/config/lb-config.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { Stats } from '../../../server/data-plane/stats/stats.ts';
import { UpstreamCluster } from '../../../server/data-plane/upstream/cluster.ts';
import { readLoadReport } from '../../../server/data-plane/upstream/load-report.ts';
import { createFakeClock } from './fake-clock.ts';

const POLICIES = 'type.googleapis.com/envoy.extensions.load_balancing_policies';
const listed = (type: string, fields: object = {}) => ({
  policies: [{ typed_extension_config: { name: 'p', typed_config: { '@type': `${POLICIES}.${type}`, ...fields } } }],
});
const WEIGHTED = 'client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin';
const BY_LOCALITY = 'wrr_locality.v3.WrrLocality';

const headers = (text: string): Headers => Headers.of({ 'endpoint-load-metrics': text });

function start(fields: object = {}, ips: readonly string[] = ['1.0.0.1', '1.0.0.2', '1.0.0.3']) {
  const clock = createFakeClock();
  const config = compileCluster(
    {
      name: 'c',
      type: 'STATIC',
      load_balancing_policy: listed(WEIGHTED, fields),
      load_assignment: {
        cluster_name: 'c',
        endpoints: [
          {
            lb_endpoints: ips.map((address) => ({
              load_balancing_weight: 7,
              endpoint: { address: { socket_address: { address, port_value: 80 } } },
            })),
          },
        ],
      },
    } as unknown as Cluster,
    'v',
  );
  const never = (): never => {
    throw new Error('nothing is sent');
  };
  const cluster = new UpstreamCluster({
    config,
    clock,
    random: seededRandom(1),
    stats: new Stats(),
    createPool: never,
    createProbe: never,
    resolve: never,
    onLog: () => undefined,
  });
  cluster.setEndpoints(config.endpoints);
  cluster.start();
  const [one, two, three] = cluster.hosts;
  const tell = (host: typeof one, text: string): boolean | undefined =>
    cluster.reports?.read(host!, headers(`TEXT ${text}`));
  const weights = (): number[] => cluster.hosts.map(({ weight }) => weight);
  return { clock, cluster, one, two, three, tell, weights };
}

describe('weights by what hosts say of their load', () => {
  it('are requests a second by utilization, once a host has told them for the time of its blackout', () => {
    const { clock, one, two, tell, weights } = start({ blackout_period: '3s' });
    tell(one, 'rps_fractional=100,cpu_utilization=0.5');
    tell(two, 'rps_fractional=100,cpu_utilization=0.25');
    clock.advance(1000);
    expect(weights()).toEqual([1, 1, 1]);
    clock.advance(2000);
    // Who says nothing has the median of the others.
    expect(weights()).toEqual([200, 400, 300]);
  });

  it('are forgotten when a host has been silent for long, and then its blackout begins anew', () => {
    const { clock, one, two, tell, weights } = start({ blackout_period: '2s', weight_expiration_period: '5s' });
    const both = (): void => {
      tell(one, 'rps_fractional=100,cpu_utilization=1');
      tell(two, 'rps_fractional=300,cpu_utilization=1');
    };
    both();
    clock.advance(2000);
    expect(weights()).toEqual([100, 300, 200]);
    clock.advance(4000);
    expect(weights()).toEqual([1, 1, 1]);
    both();
    clock.advance(1000);
    expect(weights()).toEqual([1, 1, 1]);
    clock.advance(1000);
    expect(weights()).toEqual([100, 300, 200]);
  });

  it('decide which host is chosen, and the reason says so', () => {
    const { clock, cluster, one, two, three, tell } = start({ blackout_period: '0s' });
    for (const [host, rps] of [
      [one, 60],
      [two, 30],
      [three, 10],
    ] as const)
      tell(host, `rps_fractional=${rps},cpu_utilization=1`);
    clock.advance(1000);
    const picks = Array.from({ length: 100 }, () =>
      cluster.pick({ originalDestination: undefined, hash: () => undefined }),
    );
    const count = (ip: string): number => picks.filter((pick) => pick?.host.address.ip === ip).length;
    expect([count('1.0.0.1'), count('1.0.0.2'), count('1.0.0.3')]).toEqual([60, 30, 10]);
    expect(picks[0]?.why()).toMatch(/^round robin by weight: .* has weight \d+, by what hosts say of their load$/);
  });

  it('count errors as load where the configuration says so, and named metrics first', () => {
    const { clock, one, two, three, tell, weights } = start({
      blackout_period: '0s',
      error_utilization_penalty: 1,
      metric_names_for_computing_utilization: ['named_metrics.queue'],
    });
    tell(one, 'rps_fractional=100,cpu_utilization=0.5,eps=50');
    tell(two, 'rps_fractional=100,cpu_utilization=0.5,application_utilization=0.2');
    tell(three, 'rps_fractional=100,application_utilization=0.2,named_metrics.queue=4');
    clock.advance(1000);
    expect(weights()).toEqual([100, 500, 25]);
  });

  it('stay as they are where a report says no rate or no load', () => {
    const { clock, one, tell, weights } = start({ blackout_period: '0s' });
    expect(tell(one, 'cpu_utilization=0.5')).toBe(true);
    expect(tell(one, 'rps_fractional=5')).toBe(true);
    expect(tell(one, 'nonsense')).toBe(false);
    clock.advance(1000);
    expect(weights()).toEqual([1, 1, 1]);
  });

  it('are those of the assignment until the first interval is over', () => {
    const { clock, weights } = start({ weight_update_period: '10s' });
    clock.advance(9000);
    expect(weights()).toEqual([7, 7, 7]);
    clock.advance(1000);
    expect(weights()).toEqual([1, 1, 1]);
  });

  it('are made anew at once when hosts come or go', () => {
    const { clock, cluster, one, tell } = start({ blackout_period: '0s', weight_update_period: '10s' });
    tell(one, 'rps_fractional=50,cpu_utilization=1');
    clock.advance(1000);
    cluster.setEndpoints(cluster.hosts.slice(0, 2).map(({ endpoint }) => endpoint));
    expect(cluster.hosts.map(({ weight }) => weight)).toEqual([50, 50]);
  });
});

describe('a report of load', () => {
  it.each([
    ['TEXT cpu_utilization=0.5,rps_fractional=3', [0.5, 3]],
    ['TEXT cpu_utilization:0.5, rps_fractional:3', [0.5, 3]],
    ['JSON {"cpuUtilization":0.5,"rps_fractional":3}', [0.5, 3]],
    ['BIN CQAAAAAAAOA/MQAAAAAAAAhA', [0.5, 3]],
    ['TEXT cpu_utilization=0.5,cpu_utilization=0.6', undefined],
    ['TEXT cpu_utilization=', undefined],
    ['TEXT cpu_utilization=nan', undefined],
    ['TEXT whatever=1', undefined],
    ['TEXT named_metrics.=1', undefined],
    ['JSON [', undefined],
    ['BIN !', undefined],
    ['cpu_utilization=0.5', undefined],
  ])('%s is read as Envoy reads it', (text, expected) => {
    const report = readLoadReport(headers(text));
    expect(report && [report.cpuUtilization, report.rpsFractional]).toEqual(expected);
  });
});

describe('reports on a stream of their own', () => {
  it('are refused with the reason', () => {
    const cluster = { name: 'c', load_balancing_policy: listed(WEIGHTED, { enable_oob_load_report: true }) };
    expect(() => readBalancing(cluster as unknown as Cluster)).toThrow(/opens no streams for reports/);
  });
});

describe('wrr_locality', () => {
  const within = (child: object | undefined): Cluster =>
    ({
      name: 'c',
      load_balancing_policy: listed(BY_LOCALITY, { endpoint_picking_policy: child }),
    }) as unknown as Cluster;

  it('weighs localities, and hosts by what they say of their load', () => {
    const { byLocality, policy } = readBalancing(within(listed(WEIGHTED)));
    expect([byLocality, policy]).toEqual([true, 'CLIENT_SIDE_WEIGHTED_ROUND_ROBIN']);
  });

  it('takes no other balancer, as Envoy', () => {
    expect(() => readBalancing(within(listed('round_robin.v3.RoundRobin')))).toThrow(
      /only supports ClientSideWeighted/,
    );
    expect(() => readBalancing(within(listed('other.v3.Other')))).toThrow(/No supported endpoint picking policy/);
    expect(() => readBalancing(within(undefined))).toThrow(/endpoint_picking_policy: value is required/);
  });
});
