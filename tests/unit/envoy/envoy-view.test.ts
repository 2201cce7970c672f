import { expect, it } from 'vitest';
import { EnvoyView } from '../../../server/envoy/envoy-view.ts';

const cluster = { '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster', name: 'outbound|80||shop' };
const dump = {
  configs: [
    { '@type': 'type.googleapis.com/envoy.admin.v3.BootstrapConfigDump', bootstrap: {} },
    { dynamic_active_clusters: [{ version_info: '1', cluster }], static_clusters: [{ cluster: { name: 'agent' } }] },
    {
      dynamic_listeners: [{ name: 'a', active_state: { listener: { '@type': 'x', name: 'a' } } }, { name: 'warming' }],
    },
    { dynamic_route_configs: [{ route_config: { '@type': 'x', name: '80' } }] },
  ],
};
const host = (address: string, health_status: object, active: string) => ({
  address: { socket_address: { address, port_value: 8080 } },
  health_status,
  stats: [
    { name: 'rq_total', value: '9' },
    { name: 'rq_active', value: active },
  ],
});
const hosts = {
  cluster_statuses: [
    {
      name: 'outbound|80||shop',
      host_statuses: [
        host('127.9.1.2', { eds_health_status: 'HEALTHY' }, '0'),
        host('127.9.1.3', { eds_health_status: 'HEALTHY', failed_outlier_check: true }, '2'),
        host('127.9.1.4', { eds_health_status: 'DRAINING' }, '0'),
      ],
    },
    { name: 'PassthroughCluster' },
  ],
};

function viewOf(pages: Record<string, string>) {
  const asked: string[] = [];
  let now = 1000;
  const ask = async (path: string): Promise<string> => {
    asked.push(path);
    if (pages[path] === undefined) throw new Error('no answer');
    return pages[path];
  };
  const pass = (ms: number): void => {
    now += ms;
  };
  const view = new EnvoyView(ask, { monotonic: () => now });
  return { view, asked, pass };
}

it('shows what Envoy tells on its admin pages in the shapes of our own proxies', async () => {
  const { view } = viewOf({
    '/config_dump': JSON.stringify(dump),
    '/clusters?format=json': JSON.stringify(hosts),
    '/stats':
      'cluster.outbound|80||shop;.upstream_rq_total: 7\nserver.live: 1\ncluster.x.time: P0(nan,1.0) P50(nan,1.0)\n',
  });
  expect([view.clusters(), view.endpoints(), view.stats().size]).toEqual([[], [], 0]);
  await view.refresh();
  expect(view.clusters()).toEqual([{ name: 'outbound|80||shop' }]);
  expect(view.listeners()).toEqual([{ name: 'a' }]);
  expect(view.routes()).toEqual([{ name: '80' }]);
  expect(
    view
      .endpoints()
      .map(({ address, healthy, ejected, activeRequests }) => [address.ip, healthy, ejected, activeRequests]),
  ).toEqual([
    ['127.9.1.2', true, false, 0],
    ['127.9.1.3', false, true, 2],
    ['127.9.1.4', false, false, 0],
  ]);
  expect([...view.stats()]).toEqual([
    ['cluster.outbound|80||shop.upstream_rq_total', 7],
    ['server.live', 1],
  ]);
});

it('asks again for whoever looks at something old, and keeps what it has when Envoy does not answer', async () => {
  const pages: Record<string, string> = { '/stats': 'a: 1' };
  const { view, asked, pass } = viewOf(pages);
  await view.refresh();
  expect(view.stats().get('a')).toBe(1);
  asked.length = 0;
  pages['/stats'] = 'a: 2';
  view.stats();
  expect(asked).toEqual([]);
  pass(101);
  expect(view.stats().get('a')).toBe(1);
  expect(asked).toEqual(['/stats']);
  await view.refresh();
  expect(view.stats().get('a')).toBe(2);
  delete pages['/stats'];
  await view.refresh();
  expect(view.stats().get('a')).toBe(2);
});
