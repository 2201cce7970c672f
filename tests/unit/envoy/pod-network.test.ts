import { describe, expect, it } from 'vitest';
import type { SocketAddress } from '#domain';
import type { Cluster, ClusterLoadAssignment, Listener } from '#xds';
import { ChainsInForce } from '../../../server/envoy/chains-in-force.ts';
import { podNetwork } from '../../../server/envoy/pod-network.ts';
import { StatsPlans } from '../../../server/envoy/stats-plans.ts';

const at = (address: string, port_value: number) => ({ socket_address: { address, port_value } });
const hosts = (...addresses: object[]) => ({
  endpoints: [{ lb_endpoints: addresses.map((address) => ({ endpoint: { address } })) }],
});

const inbound: number[][] = [];
const names: [string, number][] = [];
const reached: SocketAddress[] = [];
const plans = new StatsPlans();
const network = podNetwork({
  podIp: '127.9.1.7',
  passthrough: { ip: '127.9.1.7', port: 4711 },
  hostPort: (port) => (port < 1024 ? port + 20_000 : port),
  onName: (name, port) => void names.push([name, port]),
  reach: (address) => void reached.push(address),
  hopsFile: '/tmp/hops.log',
  plans,
  chains: new ChainsInForce(),
  nameServer: { ip: '127.9.1.7', port: 5300 },
  onInboundPorts: (ports) => void inbound.push([...ports]),
});

describe('the network of a pod with a real Envoy', () => {
  it('brings captured connections to ports of its own, with a header that tells where they meant to go', () => {
    const listener = {
      name: 'virtualInbound',
      address: at('0.0.0.0', 15006),
      listener_filters: [{ name: 'envoy.filters.listener.tls_inspector' }],
      filter_chains: [
        { filter_chain_match: { destination_port: 80 } },
        { filter_chain_match: { destination_port: 80 } },
        { filter_chain_match: { destination_port: 9090 } },
        {},
      ],
    } as unknown as Listener;
    const changed = network.listener(listener) as unknown as { listener_filters: { name: string }[]; address: object };
    expect(changed.address).toEqual(at('127.9.1.7', 15106));
    expect(changed.listener_filters.map(({ name }) => name)).toEqual([
      'envoy.filters.listener.proxy_protocol',
      'envoy.filters.listener.tls_inspector',
    ]);
    expect(inbound).toEqual([[80, 9090]]);
  });

  it('binds what a gateway listens on to the pod, and leaves listeners alone that bind nothing', () => {
    const gateway = { name: '0.0.0.0_443', address: at('0.0.0.0', 443) } as Listener;
    expect(network.listener(gateway).address).toEqual(at('127.9.1.7', 20_443));
    const unbound = { name: '0.0.0.0_80', address: at('0.0.0.0', 80), bind_to_port: false } as Listener;
    expect(network.listener(unbound).address).toEqual(unbound.address);
  });

  it('lets somebody else make connections to where the client meant to go', async () => {
    const cluster = {
      name: 'PassthroughCluster',
      type: 'ORIGINAL_DST',
      lb_policy: 'CLUSTER_PROVIDED',
    } as unknown as Cluster;
    expect(await network.cluster(cluster)).toMatchObject({
      type: 'STATIC',
      load_assignment: hosts(at('127.9.1.7', 4711)),
      transport_socket: { name: 'envoy.transport_sockets.upstream_proxy_protocol' },
    });
  });

  it('leads its own connections to the application by the address that they come from', async () => {
    const bind = { upstream_bind_config: { source_address: { address: '127.0.0.6', port_value: 0 } } };
    const original = { name: 'inbound|80||', type: 'ORIGINAL_DST', ...bind } as unknown as Cluster;
    expect(await network.cluster(original)).toBe(original);
    const own = {
      name: 'inbound|9000||',
      type: 'STATIC',
      ...bind,
      load_assignment: hosts(at('127.0.0.1', 9001)),
    } as unknown as Cluster;
    expect(await network.cluster(own)).toMatchObject({ load_assignment: hosts(at('127.9.1.7', 9001)) });
    const { upstream_bind_config: _from, ...loopback } = own as unknown as Record<string, unknown>;
    expect(await network.cluster(loopback as unknown as Cluster)).toMatchObject({
      ...bind,
      load_assignment: hosts(at('127.9.1.7', 9001)),
    });
  });

  it('leaves names to its resolver, and reaches nothing outside of the sandbox', async () => {
    const cluster = {
      name: 'outbound|80||db.shop',
      type: 'STRICT_DNS',
      dns_refresh_rate: '60s',
      typed_dns_resolver_config: { name: 'cares', typed_config: { udp_max_queries: 100 } },
      load_assignment: hosts(at('db.shop', 80), at('127.9.1.30', 80), at('203.0.113.5', 80)),
    } as unknown as Cluster;
    expect(await network.cluster(cluster)).toEqual({
      ...cluster,
      typed_dns_resolver_config: {
        name: 'envoy.network.dns_resolver.cares',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig',
          udp_max_queries: 100,
          resolvers: [at('127.9.1.7', 5300)],
          dns_resolver_options: { no_default_search_domain: true },
        },
      },
      load_assignment: hosts(at('db.shop', 20_080), at('127.9.1.30', 20_080)),
    });
    expect(names).toEqual([['db.shop', 80]]);
    expect(reached).toContainEqual({ ip: '127.9.1.30', port: 80 });
    expect(reached).not.toContainEqual({ ip: '203.0.113.5', port: 80 });
    const assignment = hosts(at('127.9.1.31', 8080), at('8.8.8.8', 53)) as unknown as ClusterLoadAssignment;
    expect(network.endpoints?.(assignment)).toEqual(hosts(at('127.9.1.31', 8080)));
  });

  it('asks every filter that ends a chain to write down its hops, beside the logs of the mesh', () => {
    const type = 'type.googleapis.com/envoy.extensions.filters.network';
    const http = {
      '@type': `${type}.http_connection_manager.v3.HttpConnectionManager`,
      access_log: [{ name: 'mesh' }],
    };
    const tcp = { '@type': `${type}.tcp_proxy.v3.TcpProxy` };
    const rbac = { '@type': `${type}.rbac.v3.RBAC` };
    const given = {
      name: 'virtualOutbound',
      address: at('0.0.0.0', 15001),
      filter_chains: [{ filters: [{ typed_config: rbac }, { typed_config: { ...http, tracing: { provider: {} } } }] }],
      default_filter_chain: { filters: [{ typed_config: tcp }] },
    } as unknown as Listener;
    const { filter_chains = [], default_filter_chain } = network.listener(given) as unknown as Record<string, never> & {
      filter_chains: { filters: { typed_config: { access_log?: Log[] } }[] }[];
      default_filter_chain: { filters: { typed_config: { access_log?: Log[] } }[] };
    };
    interface Log {
      readonly name: string;
      readonly typed_config?: { readonly path: string; readonly log_format: { readonly json_format: object } };
    }
    const [first, second] = filter_chains[0]!.filters.map(({ typed_config }) => typed_config.access_log);
    expect(first).toBe(undefined);
    expect(second?.map(({ name }) => name)).toEqual(['mesh', 'meshwork.hops']);
    expect(second?.[1]?.typed_config?.path).toBe('/tmp/hops.log');
    const known = { direction: 'outbound', traces: 'yes', kind: 'http' };
    expect(second?.[1]?.typed_config?.log_format.json_format).toMatchObject(known);
    const [only] = default_filter_chain.filters[0]!.typed_config.access_log ?? [];
    expect(only?.typed_config?.log_format.json_format).toMatchObject({ ...known, traces: 'no', kind: 'tcp' });
  });

  it('asks a listener to write down connections that none of its chains takes', () => {
    const given = { name: 'virtualInbound', address: at('0.0.0.0', 15006), access_log: [{ name: 'mesh' }] };
    const { access_log } = network.listener(given as unknown as Listener) as unknown as {
      access_log: { name: string; filter?: object; typed_config?: { log_format: { json_format: object } } }[];
    };
    expect(access_log.map(({ name }) => name)).toEqual(['mesh', 'meshwork.hops']);
    expect(access_log[1]?.filter).toEqual({ response_flag_filter: { flags: ['NR'] } });
    expect(access_log[1]?.typed_config?.log_format.json_format).toMatchObject({ direction: 'inbound', kind: 'tcp' });
  });

  it('takes the filters out that only Istio’s Envoy can count with, and notes in its hops how they would count', () => {
    const stats = (changes: object) => ({
      name: 'istio.stats',
      typed_config: { '@type': 'type.googleapis.com/stats.PluginConfig', ...changes },
    });
    const type = 'type.googleapis.com/envoy.extensions.filters.network';
    const given = {
      name: 'virtualInbound',
      address: at('0.0.0.0', 15006),
      filter_chains: [
        {
          filters: [
            {
              name: 'http',
              typed_config: {
                '@type': `${type}.http_connection_manager.v3.HttpConnectionManager`,
                http_filters: [{ name: 'cors' }, stats({}), { name: 'router' }],
              },
            },
          ],
        },
        {
          filters: [
            stats({ metrics: [{ name: 'tcp_sent_bytes_total', drop: true }] }),
            { name: 'tcp', typed_config: { '@type': `${type}.tcp_proxy.v3.TcpProxy` } },
          ],
        },
      ],
    } as unknown as Listener;
    const changed = network.listener(given) as unknown as {
      filter_chains: {
        filters: {
          name: string;
          typed_config: {
            http_filters?: { name: string }[];
            access_log: { typed_config: { log_format: { json_format: { plans: string } } } }[];
          };
        }[];
      }[];
    };
    const [http, tcp] = changed.filter_chains.map(({ filters }) => filters);
    expect(http?.[0]?.typed_config.http_filters?.map(({ name }) => name)).toEqual(['cors', 'router']);
    expect(tcp?.map(({ name }) => name)).toEqual(['tcp']);
    const [ofHttp, ofTcp] = [http, tcp].map(
      (chain) => chain?.[0]?.typed_config.access_log.at(-1)?.typed_config.log_format.json_format.plans ?? '',
    );
    expect(plans.of(ofHttp!).map(({ dropped }) => [...dropped])).toEqual([[]]);
    expect(plans.of(ofTcp!).map(({ dropped }) => [...dropped])).toEqual([['tcp_sent_bytes_total']]);
    expect(plans.of('')).toEqual([]);
  });
});
