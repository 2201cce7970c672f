import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import { leaseSubnet } from '#sandbox/subnets';
import { typeUrls } from '#xds';
import { bootstrap } from '../../server/envoy/bootstrap.ts';
import type { EnvoyProcess } from '../../server/envoy/envoy-process.ts';
import { createTestCa, type Pod, startPod } from '../mesh/data-plane-harness.ts';
import { startEnvoy } from './support/envoy.ts';

const HTTP = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const PORT = 20_000;

/** What Istio's agent takes from a pod's annotations and its proxy's settings. */
const settings = {
  statsInclusion: { prefixes: ['cluster.outbound', 'http.{pod_ip}_'], suffixes: ['rq_total'], regexps: ['runtime.*'] },
  extraStatTags: ['zone'],
  histogramBounds: [{ prefix: 'cluster.outbound', bounds: [1, 1000, 100_000] }],
  runtimeValues: { 'a.flag': 'true', 're2.max_program_size.error_level': '' },
};

const clusterAt = (ip: string) => ({
  name: 'outbound|80||zone=.=eu;.;shop',
  alt_stat_name: 'outbound|80||zone=.=eu;.;shop;',
  type: 'STATIC' as const,
  connect_timeout: '1s',
  load_assignment: {
    cluster_name: 'shop',
    endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: ip, port_value: 15_000 } } } }] }],
  },
});

const listenerAt = (ip: string) => ({
  name: '0.0.0.0_80',
  address: { socket_address: { address: ip, port_value: PORT } },
  traffic_direction: 'OUTBOUND' as const,
  filter_chains: [
    {
      filters: [
        {
          name: 'envoy.filters.network.http_connection_manager',
          typed_config: {
            '@type': HTTP,
            stat_prefix: 'outbound_0.0.0.0_80;',
            route_config: {
              name: '80',
              virtual_hosts: [
                {
                  name: 'v',
                  domains: ['*'],
                  routes: [{ match: { prefix: '/' }, route: { cluster: clusterAt(ip).name } }],
                },
              ],
            },
            http_filters: [
              {
                name: 'envoy.filters.http.router',
                typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
              },
            ],
          },
        },
      ],
    },
  ],
});

/** Asked of both; `same`: the whole answer is compared. */
const PAGES: readonly (readonly [ask: string, same?: 'same'])[] = [
  ['GET /'],
  ['GET /help'],
  ['GET /nothing'],
  ['GET /stats/'],
  ['GET /certs'],
  ['GET /clusters'],
  ['GET /clusters?format=json'],
  ['GET /clusters?filter=(', 'same'],
  ['GET /config_dump'],
  ['GET /config_dump?include_eds'],
  ['GET /config_dump?resource=x', 'same'],
  ['GET /contention', 'same'],
  ['GET /drain_listeners', 'same'],
  ['GET /hot_restart_version', 'same'],
  ['GET /init_dump', 'same'],
  ['GET /init_dump?mask=listener', 'same'],
  ['GET /listeners'],
  ['GET /listeners?format=json'],
  ['GET /logging', 'same'],
  ['POST /logging', 'same'],
  ['POST /logging?level=loud', 'same'],
  ['GET /memory'],
  ['GET /memory/tcmalloc'],
  ['GET /ready', 'same'],
  ['PUT /ready', 'same'],
  ['POST /reopen_logs', 'same'],
  ['GET /runtime_modify?a=1', 'same'],
  ['POST /runtime_modify', 'same'],
  ['GET /server_info'],
  ['GET /stats?format=html'],
  ['GET /stats?format=active-html'],
  ['GET /stats?format=json'],
  ['GET /stats?format=loud', 'same'],
  ['GET /stats?type=loud', 'same'],
  ['GET /stats?hidden=loud', 'same'],
  ['GET /stats?hidden=only', 'same'],
  ['GET /stats?filter=(', 'same'],
  ['GET /stats?histogram_buckets=loud', 'same'],
  ['GET /stats?format='],
  ['GET /stats?histogram_buckets=none&filter=nothing', 'same'],
  ['GET /stats/prometheus?histogram_buckets=none&filter=nothing', 'same'],
  ['GET /stats/prometheus?type=loud', 'same'],
  ['POST /logging?paths=', 'same'],
  ['GET /stats?histogram_buckets=prometheusnative', 'same'],
  ['GET /stats?filter=rq_time&histogram_buckets=detailed'],
  ['GET /stats/prometheus'],
  ['GET /stats/prometheus?histogram_buckets=detailed', 'same'],
  ['GET /stats/prometheus?histogram_buckets=prometheusnative', 'same'],
  ['GET /stats/recentlookups'],
  ['GET /stats/recentlookups/enable', 'same'],
  ['POST /stats/recentlookups/enable', 'same'],
  ['POST /stats/recentlookups/clear', 'same'],
  ['POST /stats/recentlookups/disable', 'same'],
  ['GET /allocprofiler', 'same'],
  ['POST /allocprofiler', 'same'],
  ['GET /cpuprofiler', 'same'],
  ['POST /cpuprofiler?enable=loud', 'same'],
  ['POST /cpuprofiler?enable=y', 'same'],
  ['POST /cpuprofiler?enable=n', 'same'],
  ['GET /heapprofiler', 'same'],
  ['POST /heapprofiler?enable=y', 'same'],
  ['GET /tap'],
];

/** Figures of Envoy's own threads and pages, as in the last case of the pairs; what its agent needs to drain it; what comes by xDS only here. */
const OF_ENVOY_ITSELF =
  /downstream_(cx|rq)_active$|^(cluster_manager\.cds|listener_manager\.lds)\.|^(filesystem|overload|(http|listener)\.admin|http\.async-client)|\.version$|server\.(stats_recent|version)/;

describe('the admin port of our proxy beside that of an Envoy with the same bootstrap', () => {
  let envoy: EnvoyProcess;
  let ours: Pod;
  let ips: { readonly envoy: string; readonly ours: string };
  let release: () => Promise<void>;

  beforeAll(async () => {
    const lease = await leaseSubnet(seededRandom(`admin/${process.pid}/${performance.now()}`));
    release = () => lease.release();
    ips = { envoy: `127.${lease.subnet}.1.1`, ours: `127.${lease.subnet}.1.2` };
    const node = { id: 'router~1.1.1.1~a.b~b.svc.cluster.local', cluster: 'a.b', metadata: {} };
    const wires = { podIp: ips.envoy, variant: 'delta', adsPort: 1, sdsPort: 1 } as const;
    const { dynamic_resources: _, ...written } = bootstrap({ node, ...wires, settings }) as Record<string, unknown>;
    const resources = { listeners: [listenerAt(ips.envoy)], clusters: [clusterAt(ips.envoy)] };
    envoy = await startEnvoy({ ...written, static_resources: resources }, ips.envoy);
    const pod = {
      ip: ips.ours,
      name: 'admin',
      role: 'router',
      signer: await createTestCa(),
      bootstrap: settings,
    } as const;
    ours = await startPod(pod, (xds) => {
      xds.push(typeUrls.cluster, [clusterAt(ips.ours)]);
      xds.push(typeUrls.listener, [listenerAt(ips.ours)]);
    });
    for (const ip of [ips.envoy, ips.ours]) await fetch(`http://${ip}:${PORT}/ready`);
  });
  afterAll(async () => {
    await envoy?.stop();
    await ours?.stop();
    await release?.();
  });

  const ask = async (ip: string, path: string, method = 'GET') => {
    const answer = await fetch(`http://${ip}:15000${path}`, { method });
    return { status: answer.status, type: answer.headers.get('content-type'), body: await answer.text() };
  };

  it.each(PAGES)('answers %s with the same status and type', async (asked, same) => {
    const [method = '', path = ''] = String(asked).split(' ');
    const { body, ...head } = await ask(ips.envoy, path, method);
    expect(await ask(ips.ours, path, method)).toMatchObject(same === undefined ? head : { ...head, body });
  });

  it('shows the same runtime, before and after a change', async () => {
    const shown = async (ip: string) => JSON.parse((await ask(ip, '/runtime')).body);
    expect(await shown(ips.ours)).toEqual(await shown(ips.envoy));
    for (const ip of [ips.envoy, ips.ours])
      expect((await ask(ip, '/runtime_modify?a.flag=false&b=1', 'POST')).body).toBe('OK\n');
    const changed = await shown(ips.ours);
    expect(changed).toEqual(await shown(ips.envoy));
    expect(changed.entries['a.flag']).toEqual({ final_value: 'false', layer_values: ['true', 'false'] });
    const figures = async (ip: string) => (await ask(ip, '/stats?filter=runtime')).body;
    expect(await figures(ips.ours)).toBe(await figures(ips.envoy));
  });

  it('lists the figures that the settings include, and no others', async () => {
    const names = async (ip: string) =>
      (await ask(ip, '/stats')).body
        .split('\n')
        .map((line) => line.split(': ')[0]!.replace(ip, 'ip'))
        .filter((name) => name !== '' && !OF_ENVOY_ITSELF.test(name));
    const expected = await names(ips.envoy);
    const shown = new Set(await names(ips.ours));
    expect(expected.filter((name) => !shown.has(name))).toEqual([]);
    expect([...shown].filter((name) => !expected.includes(name))).toEqual([]);
  });

  it('tells by which name the figures of a cluster go, and lists of its configuration what is there', async () => {
    const named = async (ip: string) =>
      (await ask(ip, '/clusters')).body.match(/^.*::observability_name::.*$/gm)?.sort();
    expect((await named(ips.envoy))?.join()).toContain('::observability_name::outbound|80||zone=.=eu;.;shop;');
    expect(await named(ips.ours)).toEqual(
      expect.arrayContaining((await named(ips.envoy))!.filter((line) => /shop/.test(line))),
    );
    expect((await ask(ips.ours, '/config_dump?include_eds')).body).not.toContain('[]');
  });

  it('gives names in the form of Prometheus the same labels, and histograms the same buckets', async () => {
    const lines = async (ip: string) =>
      (await ask(ip, '/stats/prometheus?filter=^(cluster|http)[.]outbound')).body
        .split('\n')
        .filter((line) => !/^#|^$|_version\{|downstream_(cx|rq)_active/.test(line))
        .map((line) => line.slice(0, line.lastIndexOf(' ')).replace(ip, 'ip'))
        .sort();
    const expected = await lines(ips.envoy);
    expect(expected).toContainEqual(expect.stringContaining('zone="eu"'));
    expect(expected).toContainEqual(expect.stringContaining('le="100000"'));
    expect(await lines(ips.ours)).toEqual(expected);
  });
});
