import { rootCertificates } from 'node:tls';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Cluster, extensionTypes, type HttpConnectionManager, type Listener, type TypeUrl, typeUrls } from '#xds';
import { ConfigStore } from '../../../server/data-plane/config/config-store.ts';
import { createTestCa } from '../data-plane-tls/certificates.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';

const [rootPem = ''] = rootCertificates;
const ROUTER = { name: 'envoy.filters.http.router', typed_config: { '@type': extensionTypes.router } };

const managing = (rds: string): HttpConnectionManager => ({
  '@type': extensionTypes.httpConnectionManager,
  stat_prefix: rds,
  rds: { config_source: { ads: {} }, route_config_name: rds },
  http_filters: [ROUTER],
});

const listener = (name: string, rds: string): Listener => ({
  name,
  address: { socket_address: { address: '0.0.0.0', port_value: 80 } },
  filter_chains: [{ filters: [{ name: 'hcm', typed_config: managing(rds) }] }],
});
const eds = (name: string, fields: Partial<Cluster> = {}): Cluster => ({
  name,
  type: 'EDS',
  eds_cluster_config: { eds_config: { ads: {} } },
  ...fields,
});

const HTTP = 'type.googleapis.com/envoy.extensions.filters.http';
const denying = { '@type': `${HTTP}.rbac.v3.RBAC`, rules: {} };

/** A listener whose first filter is configured so. */
function guarded(name: string, typed_config: object): Listener {
  const guard = { name: 'guard', typed_config: typed_config as { '@type': string } };
  const manager = { ...managing('r'), http_filters: [guard, ROUTER] };
  return { ...listener(name, 'r'), filter_chains: [{ filters: [{ name: 'hcm', typed_config: manager }] }] };
}

const at = (port_value: number, given: Listener): Listener => ({
  ...given,
  address: { socket_address: { address: '0.0.0.0', port_value } },
});

/** As Istio's guide to rate limits writes a filter. */
const struct = (type: string, value: object, kind = 'udpa.type.v1') => ({
  '@type': `type.googleapis.com/${kind}.TypedStruct`,
  type_url: `${HTTP}.${type}`,
  value,
});

/** A listener whose first filter asks for its configuration. */
function discovering(name: string, type_urls: string[] = []): Listener {
  const manager = {
    ...managing('r'),
    http_filters: [{ name: 'guard', config_discovery: { config_source: { ads: {} }, type_urls } }, ROUTER],
  };
  return { ...listener(name, 'r'), filter_chains: [{ filters: [{ name: 'hcm', typed_config: manager }] }] };
}

const plansOf = (name: string): readonly string[] => {
  const filter = store.listeners.get(name)?.chains[0]?.filter;
  return filter?.kind === 'http' ? filter.filters.map(({ kind }) => kind) : [];
};

let events: string[];
let subscriptions: Record<string, readonly string[]>;
let store: ConfigStore;
let clock: FakeClock;

const push = (typeUrl: TypeUrl, resources: readonly object[], removed: readonly string[] = []) =>
  store.update({
    typeUrl,
    versionInfo: 'v1',
    removed,
    upserted: resources.map((resource) => {
      const { name, cluster_name } = resource as { name?: string; cluster_name?: string };
      return { name: name ?? cluster_name ?? '', version: 'v1', resource: resource as never };
    }),
  });

beforeEach(() => {
  events = [];
  subscriptions = {};
  clock = createFakeClock();
  store = new ConfigStore({
    clock,
    subscribe: (typeUrl, names) => {
      subscriptions[typeUrl] = names;
    },
    sink: {
      setListener: ({ name }) => events.push(`listener ${name}`),
      removeListener: (name) => events.push(`no listener ${name}`),
      setCluster: ({ name }, endpoints) => events.push(`cluster ${name} ${endpoints.length}`),
      removeCluster: (name) => events.push(`no cluster ${name}`),
      setSecret: (name, secret) => events.push(`${secret === undefined ? 'no ' : ''}secret ${name}`),
      warmed: () => events.push('warm'),
    },
  });
});

describe('configuration from xDS', () => {
  it('keeps a listener warming until its routes are here, and a cluster until its endpoints are', () => {
    push(typeUrls.cluster, [eds('a')]);
    push(typeUrls.listener, [listener('l', '80')]);
    expect(events).toEqual([]);
    expect(subscriptions).toEqual({ [typeUrls.endpoint]: ['a'], [typeUrls.route]: ['80'] });
    push(typeUrls.endpoint, [{ cluster_name: 'a' }]);
    push(typeUrls.route, [{ name: '80' }]);
    expect(events).toEqual(['cluster a 0', 'listener l', 'warm']);
  });

  it('keeps the cluster that is in force when it is sent once more while another form of it warms', () => {
    const former = eds('a');
    const wrong = eds('a', { eds_cluster_config: { eds_config: { ads: {} }, service_name: 'late' } });
    push(typeUrls.cluster, [former]);
    push(typeUrls.endpoint, [{ cluster_name: 'a' }]);
    push(typeUrls.cluster, [wrong]);
    expect([store.clusters.get('a')?.resource, store.warmingClusters.get('a')?.resource]).toEqual([former, wrong]);
    push(typeUrls.cluster, [former]);
    expect(store.warmingClusters.size).toBe(0);
    push(typeUrls.endpoint, [{ cluster_name: 'late' }]);
    expect(store.clusters.get('a')?.resource).toEqual(former);
  });

  it('asks for the configurations that filters name, and serves the listener when they are here', () => {
    push(typeUrls.route, []);
    push(typeUrls.listener, [discovering('a')]);
    push(typeUrls.route, [{ name: 'r', virtual_hosts: [] }]);
    expect(subscriptions[typeUrls.extension]).toEqual(['guard']);
    expect(events).toEqual([]);
    push(typeUrls.extension, [{ name: 'guard', typed_config: denying }]);
    expect(events).toEqual(['listener a']);
    expect(plansOf('a')).toEqual(['rbac', 'router']);
  });

  it('reads a TypedStruct as a message of the type that it names, in filters, extensions and routes; a dump shows it as it came', () => {
    const limit = { statPrefix: 'x', token_bucket: { max_tokens: 4, fillInterval: '60s' } };
    const listeners = [
      guarded('udpa', struct('local_ratelimit.v3.LocalRateLimit', limit)),
      guarded('xds', struct('fault.v3.HTTPFault', {}, 'xds.type.v3')),
      discovering('asks'),
    ];
    expect(
      push(
        typeUrls.listener,
        listeners.map((each, i) => at(81 + i, each)),
      ),
    ).toEqual([]);
    push(typeUrls.extension, [{ name: 'guard', typed_config: struct('rbac.v3.RBAC', { rules: {} }) }]);
    const cors = struct('cors.v3.CorsPolicy', { maxAge: '5' });
    const routed = push(typeUrls.route, [
      {
        name: 'r',
        virtual_hosts: [
          {
            name: 'h',
            domains: ['*'],
            routes: [
              {
                match: { prefix: '/' },
                direct_response: { status: 200 },
                typed_per_filter_config: { 'envoy.filters.http.cors': cors },
              },
            ],
          },
        ],
      },
    ]);
    expect(routed).toEqual([]);
    expect(['udpa', 'xds', 'asks'].map(plansOf)).toEqual([
      ['local_ratelimit', 'router'],
      ['fault', 'router'],
      ['rbac', 'router'],
    ]);
    expect(store.routes.get('r')?.fallback?.routes[0]?.cors).toMatchObject({ maxAge: '5' });
    expect(JSON.stringify(store.listeners.get('udpa')?.resource)).toContain('udpa.type.v1.TypedStruct');
    const refused = push(typeUrls.listener, [guarded('bad', struct('fault.v3.HTTPFault', { nonsense: 1 }))]);
    expect(refused[0]?.message).toContain(
      'typed_config: Unable to parse JSON as proto (envoy.extensions.filters.http.fault.v3.HTTPFault)',
    );
    const unheard = push(typeUrls.listener, [guarded('odd', struct('unheard.v3.Of', {}))]);
    expect(unheard[0]?.message).toContain("Didn't find a registered implementation for 'guard'");
  });

  it('puts a new configuration into the listeners that name it, and keeps the former one of those that cannot be read', () => {
    push(typeUrls.listener, [discovering('a')]);
    push(typeUrls.route, [{ name: 'r', virtual_hosts: [] }]);
    push(typeUrls.extension, [{ name: 'guard', typed_config: { '@type': `${HTTP}.cors.v3.Cors` } }]);
    expect(plansOf('a')).toEqual(['cors', 'router']);
    const refused = push(typeUrls.extension, [{ name: 'guard', typed_config: { '@type': `${HTTP}.unheard.v3.Of` } }]);
    expect(refused).toEqual([
      {
        name: 'guard',
        message:
          "filter_chains[0].http_filters[0].name: Didn't find a registered implementation for 'guard' with type URL: 'envoy.extensions.filters.http.unheard.v3.Of'",
      },
    ]);
    expect(plansOf('a')).toEqual(['cors', 'router']);
    push(typeUrls.extension, [{ name: 'guard', typed_config: denying }]);
    expect(plansOf('a')).toEqual(['rbac', 'router']);
    push(typeUrls.listener, [discovering('a', [`${HTTP}.fault.v3.HTTPFault`])]);
    expect(plansOf('a')).toEqual(['rbac', 'router']);
    expect(push(typeUrls.extension, [{ name: 'guard', typed_config: denying }])).toEqual([
      { name: 'guard', message: `typed_config: no filter that asks for it takes ${HTTP}.rbac.v3.RBAC` },
    ]);
    push(typeUrls.extension, [{ name: 'guard', typed_config: { '@type': `${HTTP}.fault.v3.HTTPFault` } }]);
    expect(plansOf('a')).toEqual(['fault', 'router']);
    push(typeUrls.listener, [listener('a', 'r')]);
    expect(subscriptions[typeUrls.extension]).toEqual([]);
    expect(store.extensions.size).toBe(0);
  });

  it('serves the former listener while its successor waits for routes', () => {
    push(typeUrls.listener, [listener('l', '80')]);
    push(typeUrls.route, [{ name: '80' }]);
    push(typeUrls.listener, [listener('l', '81')]);
    expect(store.listeners.get('l')?.awaits.map(({ name }) => name)).toEqual(['80']);
    expect(subscriptions[typeUrls.route]).toEqual(['80', '81']);
    push(typeUrls.route, [{ name: '81' }]);
    expect(store.listeners.get('l')?.awaits.map(({ name }) => name)).toEqual(['81']);
    expect(subscriptions[typeUrls.route]).toEqual(['81']);
  });

  it('rejects what it cannot serve by field and reason, and keeps the last good one and the rest of the update', () => {
    push(typeUrls.cluster, [eds('a', { connect_timeout: '3s' })]);
    push(typeUrls.endpoint, [{ cluster_name: 'a' }]);
    const rejections = push(typeUrls.cluster, [
      eds('a', { lb_policy: 'MAGLEV', maglev_lb_config: { table_size: '4' } }),
      { name: 'b', type: 'STATIC' },
    ]);
    expect(rejections).toEqual([
      { name: 'a', message: 'maglev_lb_config.table_size: The table size of maglev must be prime number' },
    ]);
    expect(store.clusters.get('a')?.connectTimeoutMs).toBe(3000);
    expect(events.at(-1)).toBe('cluster b 0');
  });

  it('serves a table that is removed while a listener asks for it', () => {
    push(typeUrls.listener, [listener('l', '80')]);
    push(typeUrls.route, [{ name: '80' }]);
    push(typeUrls.route, [], ['80']);
    expect(store.routes.has('80')).toBe(true);
    push(typeUrls.listener, [], ['l']);
    expect(store.routes.size).toBe(0);
  });

  it('rejects a second listener at an address, unless the update removes the first', () => {
    push(typeUrls.listener, [listener('l', '80')]);
    const message = "address: error adding listener: 'm' has duplicate address '0.0.0.0:80' as existing listener";
    expect(push(typeUrls.listener, [listener('m', '80')])).toEqual([{ name: 'm', message }]);
    expect(push(typeUrls.listener, [listener('m', '80')], ['l'])).toEqual([]);
  });

  it('rejects filter chains that fit the same connections', () => {
    const { filter_chains: [chain] = [], ...rest } = listener('l', '80');
    expect(push(typeUrls.listener, [{ ...rest, filter_chains: [chain!, chain!] }])).toMatchObject([
      { message: expect.stringContaining("filter chain '' has the same matching rules defined as ''") },
    ]);
  });

  it('rejects routes to clusters that it does not know, where the table asks for it', () => {
    push(typeUrls.cluster, [{ name: 'known', type: 'STATIC' }]);
    const table = (cluster: string, fields: object = {}) => ({
      name: '80',
      virtual_hosts: [{ name: 'v', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster } }] }],
      ...fields,
    });
    expect(push(typeUrls.route, [table('nobody')])).toEqual([]);
    expect(push(typeUrls.route, [table('known', { validate_clusters: true })])).toEqual([]);
    expect(push(typeUrls.route, [table('nobody', { validate_clusters: true })])).toEqual([
      { name: '80', message: "route: unknown cluster 'nobody'" },
    ]);
  });

  it('rejects endpoints with a weight of 0 or a port beyond 65535, and EDS clusters that do not say where it is', () => {
    push(typeUrls.cluster, [eds('a')]);
    const assignment = (port_value: number, fields: object = {}) => {
      const endpoint = { address: { socket_address: { address: '127.0.0.1', port_value } } };
      return { cluster_name: 'a', endpoints: [{ lb_endpoints: [{ endpoint, ...fields }] }] };
    };
    const [port] = push(typeUrls.endpoint, [assignment(65_536)]);
    expect(port?.message).toContain('port_value: value must be less than or equal to 65535');
    const [weight] = push(typeUrls.endpoint, [assignment(80, { load_balancing_weight: 0 })]);
    expect(weight?.message).toContain('load_balancing_weight: value must be greater than or equal to 1');
    const [cluster] = push(typeUrls.cluster, [{ name: 'b', type: 'EDS' }]);
    expect(cluster?.message).toBe('eds_cluster_config: cannot create an EDS cluster without an EDS config');
  });

  it('reads balancing policies that are extensions, the first that it knows', () => {
    const type = 'type.googleapis.com/envoy.extensions.load_balancing_policies';
    const policies = [
      { typed_extension_config: { name: 'new', typed_config: { '@type': 'type.googleapis.com/of.next.Year' } } },
      {
        typed_extension_config: {
          name: 'least',
          typed_config: { '@type': `${type}.least_request.v3.LeastRequest`, choice_count: 5 },
        },
      },
    ];
    const withPolicies = (list: object[]) =>
      ({ name: 'a', type: 'STATIC', load_balancing_policy: { policies: list } }) as unknown as Cluster;
    expect(push(typeUrls.cluster, [withPolicies(policies)])).toEqual([]);
    expect(store.clusters.get('a')?.balancing).toMatchObject({ policy: 'LEAST_REQUEST', choiceCount: 5 });
    const [refused] = push(typeUrls.cluster, [withPolicies(policies.slice(0, 1))]);
    expect(refused?.message).toBe(
      "cluster: didn't find a registered load balancer factory implementation for cluster: 'a' with names from [new]",
    );
  });

  it('refuses a listener where the proxy itself listens', () => {
    const [refused] = push(typeUrls.listener, [at(15_021, listener('l', '80'))]);
    expect(refused?.message).toBe("address: cannot bind '0.0.0.0:15021': Address already in use");
  });

  it('forgets what is removed and what nobody names any more', () => {
    push(typeUrls.cluster, [eds('a')]);
    push(typeUrls.endpoint, [{ cluster_name: 'a' }]);
    push(typeUrls.cluster, [], ['a']);
    expect(events.at(-1)).toBe('no cluster a');
    expect(store.endpoints.size).toBe(0);
    expect(subscriptions[typeUrls.endpoint]).toEqual([]);
  });

  describe('waits for what is named as long as initial_fetch_timeout says', () => {
    const within = (initial_fetch_timeout: string) => ({ ads: {}, initial_fetch_timeout });

    it('then a cluster is used without endpoints, and a listener without its table', () => {
      push(typeUrls.cluster, [eds('a', { eds_cluster_config: { eds_config: within('2s') } })]);
      push(typeUrls.listener, [listener('l', '80')]);
      clock.advance(1999);
      expect(events).toEqual([]);
      clock.advance(1);
      expect(events).toEqual(['cluster a 0']);
      clock.advance(12_999);
      expect([...store.warmingListeners.keys()]).toEqual(['l']);
      clock.advance(1);
      expect(events).toEqual(['cluster a 0', 'listener l', 'warm']);
      expect([...store.timeouts.values()]).toEqual([1, 1]);
      push(typeUrls.endpoint, [{ cluster_name: 'a' }]);
      expect(events.at(-1)).toBe('cluster a 0');
      expect(clock.pending).toBe(0);
    });

    it('without end for 0, and no longer once it has come or nothing names it', () => {
      push(typeUrls.cluster, [
        eds('never', { eds_cluster_config: { eds_config: within('0s') } }),
        eds('comes'),
        eds('goes'),
      ]);
      expect(clock.pending).toBe(2);
      push(typeUrls.endpoint, [{ cluster_name: 'comes' }]);
      push(typeUrls.cluster, [], ['goes']);
      expect(clock.pending).toBe(0);
      clock.advance(60_000);
      expect([...store.warmingClusters.keys()]).toEqual(['never']);
      expect(store.timeouts.size).toBe(0);
    });

    it('a listener that replaces another waits for its secrets; the one before serves on', async () => {
      const { chainPem, keyPem } = await (await createTestCa()).issue({ dns: ['shop.example'] });
      const certificate = { certificate_chain: { inline_string: chainPem }, private_key: { inline_string: keyPem } };
      const secured = (sds: string): Listener => ({
        ...listener('l', '80'),
        filter_chains: [
          {
            ...listener('l', '80').filter_chains?.[0],
            filters: listener('l', '80').filter_chains?.[0]?.filters ?? [],
            transport_socket: {
              name: 'tls',
              typed_config: {
                '@type': extensionTypes.downstreamTls,
                common_tls_context: { tls_certificate_sds_secret_configs: [{ name: sds, sds_config: { ads: {} } }] },
              },
            },
          },
        ],
      });
      push(typeUrls.listener, [secured('first')]);
      push(typeUrls.route, [{ name: '80', virtual_hosts: [] }]);
      expect(events).toEqual(['listener l']);
      expect(subscriptions[typeUrls.secret]).toEqual(['first']);
      push(typeUrls.listener, [secured('second')]);
      expect(events).toEqual(['listener l']);
      expect(subscriptions[typeUrls.secret]).toEqual(['first', 'second']);
      push(typeUrls.secret, [{ name: 'second', validation_context: { trusted_ca: { inline_string: 'garbage' } } }]);
      expect(events).toEqual(['listener l', 'listener l']);
      expect(subscriptions[typeUrls.secret]).toEqual(['second']);
      push(typeUrls.listener, [secured('third')]);
      const roots = { name: 'third', validation_context: { trusted_ca: { inline_string: rootPem } } };
      expect(push(typeUrls.secret, [roots])).toEqual([
        { name: 'third', message: 'type: it is a validation_context; what asks for it needs a tls_certificate' },
      ]);
      push(typeUrls.listener, [secured('fourth')]);
      push(typeUrls.secret, [{ name: 'fourth', tls_certificate: certificate }]);
      expect(events.slice(2)).toEqual(['listener l', 'secret fourth', 'listener l']);
      push(typeUrls.secret, [], ['fourth']);
      expect(events.slice(5)).toEqual([]);
      push(typeUrls.listener, [], ['l']);
      expect(events.slice(5)).toEqual(['no listener l', 'no secret fourth']);
    });

    it('and no longer than until one comes that is refused', () => {
      push(typeUrls.cluster, [eds('a', { eds_cluster_config: { eds_config: within('0s') } })]);
      push(typeUrls.listener, [listener('l', '80')]);
      push(typeUrls.endpoint, [{ cluster_name: 'a', endpoints: [{ lb_endpoints: [{}] }] }]);
      push(typeUrls.route, [{ name: '80', virtual_hosts: [{ name: 'a', domains: [] }] }]);
      expect(events).toEqual(['cluster a 0', 'listener l', 'warm']);
    });
  });

  it('compiles a frozen resource once, and shows each push under its own version', () => {
    const table = Object.freeze({ name: '80', virtual_hosts: [{ name: 'v', domains: ['*'] }] });
    const put = (versionInfo: string) => {
      store.update({
        typeUrl: typeUrls.route,
        versionInfo,
        removed: [],
        upserted: [{ name: '80', version: 'a', resource: table }],
      });
      return store.routes.get('80');
    };
    const [first, second] = [put('1'), put('2')];
    expect(second?.virtualHosts).toBe(first?.virtualHosts);
    expect([first?.versionInfo, second?.versionInfo]).toEqual(['1', '2']);
  });
});
