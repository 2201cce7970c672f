import { describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import type { Cluster } from '#xds';
import { compileCluster } from '../../../server/data-plane/config/cluster-config.ts';
import { Stats } from '../../../server/data-plane/stats/stats.ts';
import { extractTags } from '../../../server/data-plane/stats/tags.ts';
import { UpstreamCluster } from '../../../server/data-plane/upstream/cluster.ts';
import { createFakeClock } from './fake-clock.ts';

function start(fields: Partial<Cluster>) {
  const stats = new Stats();
  const endpoint = (address: string) => ({ endpoint: { address: { socket_address: { address, port_value: 80 } } } });
  const given = {
    name: 'c',
    type: 'STATIC',
    load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints: [endpoint('1.0.0.1'), endpoint('1.0.0.2')] }] },
    ...fields,
  } as Cluster;
  const config = compileCluster(given, 'v');
  const never = (): never => {
    throw new Error('nothing is sent');
  };
  const cluster = new UpstreamCluster({
    config,
    clock: createFakeClock(),
    random: seededRandom(1),
    stats,
    createPool: never,
    createProbe: never,
    resolve: never,
    onLog: () => undefined,
  });
  cluster.setEndpoints(config.endpoints);
  const shown = (): string[] => [...stats.complete().keys()].filter((name) => name.includes('.endpoint.'));
  return { cluster, shown, stats };
}

describe('figures of single hosts', () => {
  it('stand among all others where the cluster wishes so, for as long as they are its hosts', () => {
    const { cluster, shown, stats } = start({ track_cluster_stats: { per_endpoint_stats: true } } as Partial<Cluster>);
    expect(shown()).toHaveLength(20);
    cluster.hosts[0]!.answered(503);
    expect(stats.complete().get('cluster.c.endpoint.1.0.0.1_80.rq_error')).toBe(1);
    expect(stats.complete().get('cluster.c.endpoint.1.0.0.2_80.healthy')).toBe(1);
    cluster.setEndpoints([cluster.hosts[1]!.endpoint]);
    expect(shown()).toHaveLength(10);
  });

  it('stand nowhere else', () => {
    expect(start({}).shown()).toEqual([]);
  });

  it('tell the name of a host that has one, for as long as it is there', () => {
    const endpoints = ['1.0.0.1', '1.0.0.2'].map((address, i) => ({
      endpoint: {
        address: { socket_address: { address, port_value: 80 } },
        ...(i === 0 && { hostname: 'shop.example' }),
      },
    }));
    const { cluster, stats } = start({
      track_cluster_stats: { per_endpoint_stats: true },
      load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints: endpoints }] },
    } as Partial<Cluster>);
    const named = 'cluster.c.endpoint.1.0.0.1_80.rq_total';
    expect(stats.labelsOf(named)).toEqual({ envoy_endpoint_hostname: 'shop.example' });
    expect(stats.labelsOf('cluster.c.endpoint.1.0.0.2_80.rq_total')).toBeUndefined();
    cluster.setEndpoints([cluster.hosts[1]!.endpoint]);
    expect(stats.labelsOf(named)).toBeUndefined();
  });

  it('have the labels of Envoy for Prometheus', () => {
    expect(extractTags('cluster.outbound|80||shop.endpoint.10.0.0.7_8080.rq_total')).toEqual({
      name: 'envoy_cluster_endpoint_rq_total',
      labels: { envoy_cluster_name: 'outbound|80||shop', envoy_endpoint_address: '10.0.0.7:8080' },
    });
  });
});
