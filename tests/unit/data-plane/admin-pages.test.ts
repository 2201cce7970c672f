import { describe, expect, it } from 'vitest';
import { createClusterAuthority } from '#ca';
import { renderPage } from '../../../server/data-plane/admin/admin-pages.ts';
import { LogLevels } from '../../../server/data-plane/admin/log-levels.ts';
import type { DrainRequest, PageContext } from '../../../server/data-plane/admin/page.ts';
import { RuntimeLayers } from '../../../server/data-plane/admin/runtime-layers.ts';
import { runtimeFlags } from '../../../server/data-plane/agent/bootstrap-settings.ts';
import { RuntimeValues } from '../../../server/data-plane/runtime-values.ts';
import { IstioMetrics } from '../../../server/data-plane/stats/istio-metrics.ts';
import { Stats } from '../../../server/data-plane/stats/stats.ts';
import { PLAIN_FORM } from '../../../server/data-plane/stats/stats-form.ts';
import { systemClock } from '../../../server/system.ts';
import { createFakeClock } from './fake-clock.ts';

const CLUSTERS = {
  '@type': 'type.googleapis.com/envoy.admin.v3.ClustersConfigDump',
  version_info: 'v7',
  dynamic_active_clusters: ['a', 'ab'].map((name) => ({
    version_info: 'v7',
    cluster: { '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster', name, type: 'EDS' },
  })),
};
const ENDPOINTS = {
  '@type': 'type.googleapis.com/envoy.admin.v3.EndpointsConfigDump',
  dynamic_endpoint_configs: [{ endpoint_config: { cluster_name: 'a' } }],
};

interface Asked {
  readonly context: PageContext;
  readonly stats: Stats;
  /** What was drained, in order. */
  readonly drained: DrainRequest[];
  quits: number;
}

function context(): Asked {
  const stats = new Stats();
  const state = { drained: [] as DrainRequest[], quits: 0 };
  let failed = false;
  const admin = {
    listeners: () => [],
    routes: () => [],
    clusters: () => [],
    endpoints: () => [],
    secrets: () => [],
    rotations: () => [],
    configDump: () => ({ configs: [CLUSTERS, ENDPOINTS] }),
    stats: () => stats.values(),
  };
  return {
    stats,
    drained: state.drained,
    get quits() {
      return state.quits;
    },
    context: {
      admin,
      clusters: () => [],
      stats,
      includesStat: () => true,
      form: PLAIN_FORM,
      metrics: new IstioMetrics(),
      clock: createFakeClock(),
      startedAtMs: 0,
      ready: () => true,
      node: { id: 'sidecar~10.0.0.1~a.b~b.svc.cluster.local', cluster: 'a.b', metadata: { NAMESPACE: 'b' } },
      logging: new LogLevels(),
      runtime: new RuntimeLayers(runtimeFlags({ 'a.b': 'true' }), { stats, values: new RuntimeValues() }),
      health: {
        get failed() {
          return failed;
        },
        set: (value) => {
          failed = value;
        },
      },
      textReadouts: () => new Map([['cluster_manager.cds.version_text', 'v7']]),
      drainListeners: (which) => void state.drained.push(which),
      quit: () => {
        state.quits++;
      },
    },
  };
}

const ask = (from: { readonly context: PageContext }, path: string, method = 'GET') =>
  renderPage(from.context, method, new URL(path, 'http://admin'));

describe('the admin pages', () => {
  it('filter statistics by an RE2 expression and leave out what was never counted', () => {
    const proxy = context();
    proxy.stats.stat('cluster.a.upstream_rq_total').value = 3;
    proxy.stats.stat('cluster.a.upstream_rq_503');
    expect(ask(proxy, '/stats?filter=upstream_rq_(total|503)').body).toBe(
      'cluster.a.upstream_rq_503: 0\ncluster.a.upstream_rq_total: 3\n',
    );
    expect(ask(proxy, '/stats?usedonly&filter=cluster.a').body).toBe('cluster.a.upstream_rq_total: 3\n');
    expect(ask(proxy, '/stats?filter=[')).toMatchObject({
      status: 400,
      body: expect.stringMatching(/^Invalid re2 regex: missing \]: \[$/),
    });
    expect(ask(proxy, '/stats/prometheus').body).toContain('envoy_cluster_upstream_rq_total{cluster_name="a"} 3');
  });

  it('change log levels by POST, all or one, and name what is wrong', () => {
    const proxy = context();
    expect(ask(proxy, '/logging?level=debug').status).toBe(405);
    expect(ask(proxy, '/logging?rbac=debug', 'POST').body).toContain('  rbac: debug\n  rds: warning\n');
    expect(ask(proxy, '/logging?paths=router:trace,http:info', 'POST').body).toContain('  router: trace\n');
    expect(ask(proxy, '/logging?level=loud', 'POST')).toMatchObject({
      status: 400,
      body: expect.stringMatching(/^error: unknown logger level\n\nusage: /),
    });
    expect(ask(proxy, '/logging?nobody=info', 'POST').body).toMatch(/^error: unknown logger name\n/);
    for (const [query, problem] of [
      ['http=debug&router=info', 'invalid number of parameters'],
      ['paths=http', 'empty logger name or empty logger level'],
      ['paths=http:debug,nobody:info', 'unknown logger name'],
      ['group=http:debug', 'group parameter requires fine-grain logging to be enabled'],
    ]) {
      const page = ask(proxy, `/logging?${query}`, 'POST');
      expect(page.status, query).toBe(400);
      expect(page.body.split('\n')[0]).toBe(`error: ${problem}`);
    }
    expect(ask(proxy, '/logging?paths=', 'POST').status).toBe(200);
    // Nothing of it was taken over.
    expect(ask(proxy, '/logging', 'POST').body).toContain('  http: info\n');
    expect(ask(proxy, '/logging', 'POST').body).toContain('  router: trace\n');
  });

  it('drain listeners and reset counters by POST alone', () => {
    const proxy = context();
    proxy.stats.stat('x').value = 5;
    expect(ask(proxy, '/drain_listeners').status).toBe(405);
    expect(proxy.drained).toEqual([]);
    expect(ask(proxy, '/drain_listeners', 'POST').body).toBe('OK\n');
    ask(proxy, '/drain_listeners?inboundonly&graceful', 'POST');
    ask(proxy, '/drain_listeners?skip_exit', 'POST');
    expect(proxy.drained).toEqual([
      { inboundOnly: false, graceful: false, skipExit: false },
      { inboundOnly: true, graceful: true, skipExit: false },
      { inboundOnly: false, graceful: false, skipExit: true },
    ]);
    expect(ask(proxy, '/reset_counters', 'POST').body).toBe('OK\n');
    expect(proxy.stats.stat('x').value).toBe(0);
    let sent = 7;
    proxy.stats.sum('tx_bytes_total', () => sent);
    ask(proxy, '/reset_counters', 'POST');
    sent = 9;
    expect(proxy.stats.values().get('tx_bytes_total')).toBe(2);
  });

  it('tell who the proxy is', () => {
    expect(JSON.parse(ask(context(), '/server_info').body)).toMatchObject({
      state: 'LIVE',
      node: { id: 'sidecar~10.0.0.1~a.b~b.svc.cluster.local', metadata: { NAMESPACE: 'b' } },
    });
  });

  it('tell each certificate with the names in it, those of one kind after those of another', () => {
    const asked = context();
    const { certPem: pem } = createClusterAuthority({ clock: systemClock() }).issue(['shop.example']);
    const of = { state: 'ACTIVE', serialNumber: '0a', spiffeId: '', pem } as const;
    const times = { notBefore: '1970-01-01T00:00:00.000Z', notAfter: '1970-01-03T12:00:00.500Z' };
    const secrets = [
      { name: 'kubernetes://shop', type: 'Cert Chain', ...of, ...times },
      { name: 'kubernetes://shop-cacert', type: 'CA', ...of, ...times },
    ] as const;
    const admin = { ...asked.context.admin, secrets: () => secrets };
    const { certificates } = JSON.parse(ask({ context: { ...asked.context, admin } }, '/certs').body) as {
      certificates: object[];
    };
    const shown = {
      path: '<inline>',
      serial_number: '0a',
      subject_alt_names: [{ dns: 'shop.example' }],
      days_until_expiration: '2',
      valid_from: '1970-01-01T00:00:00Z',
      expiration_time: '1970-01-03T12:00:00Z',
    };
    expect(certificates).toEqual([
      { ca_cert: [], cert_chain: [] },
      { ca_cert: [], cert_chain: [shown] },
      { ca_cert: [shown], cert_chain: [] },
    ]);
  });

  it('show one resource, some fields, or what has a name', () => {
    const proxy = context();
    const names = (path: string) =>
      (JSON.parse(ask(proxy, path).body) as { configs?: { cluster?: { name: string } }[] }).configs?.map(
        ({ cluster }) => cluster?.name,
      );
    expect(JSON.parse(ask(proxy, '/config_dump').body)).toEqual({ configs: [CLUSTERS] });
    expect(JSON.parse(ask(proxy, '/config_dump?include_eds').body)).toEqual({ configs: [CLUSTERS, ENDPOINTS] });
    expect(names('/config_dump?resource=dynamic_active_clusters')).toEqual(['a', 'ab']);
    expect(names('/config_dump?resource=dynamic_active_clusters&name_regex=a')).toEqual(['a']);
    expect(names('/config_dump?resource=dynamic_active_clusters&name_regex=b')).toBeUndefined();
    expect(names('/config_dump?resource=dynamic_warming_clusters')).toBeUndefined();
    expect(JSON.parse(ask(proxy, '/config_dump?resource=dynamic_active_clusters&mask=cluster.name').body)).toEqual({
      configs: ['a', 'ab'].map((name) => ({
        '@type': 'type.googleapis.com/envoy.admin.v3.ClustersConfigDump.DynamicCluster',
        cluster: { '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster', name },
      })),
    });
    expect(JSON.parse(ask(proxy, '/config_dump?mask=version_info').body)).toEqual({
      configs: [{ '@type': CLUSTERS['@type'], version_info: 'v7' }],
    });
  });

  it('say what cannot be shown of a config dump', () => {
    for (const [query, status, body] of [
      ['resource=nope', 404, 'nope not found in config dump'],
      ['resource=dynamic_endpoint_configs', 404, 'dynamic_endpoint_configs not found in config dump'],
      [
        'resource=version_info',
        400,
        'version_info is not a repeated field. Use ?mask=version_info to get only this field',
      ],
      [
        'resource=dynamic_active_clusters&mask=nope',
        400,
        'FieldMask paths: "nope"\n could not be successfully used.\n',
      ],
      ['mask=nope', 400, 'FieldMask nope could not be successfully applied to any configs.'],
      ['mask=dynamic_active_clusters.cluster', 400, expect.stringContaining('could not be successfully applied')],
      [
        'name_regex=[',
        400,
        expect.stringMatching(/^INVALID_ARGUMENT: Error while parsing name_regex from \[: missing/),
      ],
    ] as const) {
      expect(ask(context(), `/config_dump?${query}`), query).toMatchObject({ status, body });
    }
  });

  it('tell statistics by type, by what does not match, and in the form that is asked for', () => {
    const proxy = context();
    proxy.stats.stat('http.a.downstream_rq_total').value = 3;
    proxy.stats.level('http.a.downstream_rq_active').value = 1;
    proxy.stats.histogram('http.a.downstream_rq_time').record(7);
    const lines = (query: string) => ask(proxy, `/stats?filter=http.a&${query}`).body.split('\n').slice(0, -1);
    expect(lines('type=Counters')).toEqual(['http.a.downstream_rq_total: 3']);
    expect(lines('type=Gauges')).toEqual(['http.a.downstream_rq_active: 1']);
    expect(lines('type=Histograms&histogram_buckets=cumulative')).toEqual([
      expect.stringMatching(
        /^http\.a\.downstream_rq_time: B0\.5\(0,0\) B1\(0,0\) B5\(0,0\) B10\(0,1\) .* B3\.6e\+06\(0,1\)$/,
      ),
    ]);
    expect(ask(proxy, '/stats?type=TextReadouts').body).toBe('cluster_manager.cds.version_text: "v7"\n');
    expect(ask(proxy, '/stats?filter=http.a|cluster|runtime&invert_filter').body).toBe('');
    expect(JSON.parse(ask(proxy, '/stats?format=json&filter=rq_t').body)).toEqual({
      stats: [
        { name: 'http.a.downstream_rq_total', value: 3 },
        {
          histograms: {
            supported_quantiles: [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100],
            computed_quantiles: [{ name: 'http.a.downstream_rq_time', values: expect.any(Array) }],
          },
        },
      ],
    });
    for (const [query, body] of [
      ['format=nope', /^usage: \/stats\?format=/],
      ['type=nope', /^invalid &type= param/],
      ['histogram_buckets=nope', /^usage: \/stats\?histogram_buckets=/],
    ] as const) {
      expect(ask(proxy, `/stats?${query}`)).toMatchObject({ status: 400, body: expect.stringMatching(body) });
    }
    expect(lines('format=&type=Histograms&histogram_buckets=none')).toEqual(lines('type=Histograms'));
    expect(ask(proxy, '/stats/prometheus?type=loud')).toMatchObject({ status: 400, body: 'invalid &type= param' });
    expect(ask(proxy, '/stats/prometheus?type=Gauges&histogram_buckets=none').body).toContain('quantile="0.5"');
  });

  it('know what is a gauge before it has moved, and which ones were moved and came back', () => {
    const proxy = context();
    const gauges = ['http2.pending_send_bytes', 'upstream_queue_overloaded', 'warming_state', 'membership_excluded'];
    proxy.stats.declare('cluster.a.', [...gauges, 'upstream_cx_active', 'membership_change', 'upstream_cx_total']);
    proxy.stats.level('cluster.a.membership_excluded');
    proxy.stats.declare('http.a.', ['fault.active_faults', 'stateful_session.failed_open']);
    const asked = (query: string): string[] =>
      ask(proxy, `/stats?filter=^(cluster|http)[.]a&${query}`).body.replaceAll(': 0', '').split('\n').slice(0, -1);
    expect(asked('type=Gauges')).toEqual(
      [...gauges, 'upstream_cx_active']
        .map((name) => `cluster.a.${name}`)
        .sort()
        .concat('http.a.fault.active_faults'),
    );
    expect(asked('usedonly')).toEqual(['cluster.a.warming_state']);
    proxy.stats.stat('cluster.a.membership_change').value = 1;
    proxy.stats.stat('cluster.a.upstream_cx_total').value = 1;
    expect(asked('usedonly&type=Gauges')).toEqual([
      'cluster.a.membership_excluded',
      'cluster.a.upstream_cx_active',
      'cluster.a.warming_state',
    ]);
  });

  it('ask for figures by a form that keeps what was asked for', () => {
    const proxy = context();
    proxy.stats.stat('http.a<b.downstream_rq_total').value = 3;
    const page = ask(proxy, '/stats?format=html&type=Counters&filter=a%3Cb%22&usedonly');
    expect(page).toMatchObject({ status: 200, type: 'text/html; charset=UTF-8' });
    expect(page.body).toContain('<option selected>Counters</option>');
    expect(page.body).toContain('<input name="filter" value="a&lt;b&quot;">');
    expect(page.body).toContain('<input type="checkbox" name="usedonly" checked>');
    expect(page.body).toContain('<p>0 shown.</p>');
    const active = ask(proxy, '/stats?format=active-html&filter=a%3Cb').body;
    expect(active).toContain('<meta http-equiv="refresh" content="5">');
    expect(active).toContain('\nhttp.a&lt;b.downstream_rq_total: 3\n</pre>');
  });

  it('add up the figures of clusters that share a name', () => {
    const proxy = context();
    const clusters = ['Inbound', 'Outbound'].map((name) => ({ name, resource: { alt_stat_name: 'Passthrough;' } }));
    for (const { name } of clusters) {
      proxy.stats.stat(`cluster.${name}.upstream_cx_total`).value = 2;
      proxy.stats.histogram(`cluster.${name}.upstream_rq_time`).record(7);
    }
    const shared = { ...proxy.context, clusters: () => clusters.map((config) => ({ config })) as never };
    const { body } = renderPage(shared, 'GET', new URL('http://admin/stats/prometheus?filter=cluster'));
    expect(body.match(/^envoy_cluster_upstream_cx_total.*$/gm)).toEqual([
      'envoy_cluster_upstream_cx_total{cluster_name="Passthrough"} 4',
    ]);
    expect(body.match(/^envoy_cluster_upstream_rq_time_count.*$/gm)).toEqual([
      'envoy_cluster_upstream_rq_time_count{cluster_name="Passthrough"} 2',
    ]);
  });

  it('fail the readiness of a proxy that is told so, until it is told otherwise', () => {
    const proxy = context();
    const state = () => [ask(proxy, '/ready').status, JSON.parse(ask(proxy, '/server_info').body).state];
    expect(ask(proxy, '/healthcheck/fail').status).toBe(405);
    expect(ask(proxy, '/healthcheck/fail', 'POST').body).toBe('OK\n');
    expect(state()).toEqual([503, 'DRAINING']);
    ask(proxy, '/healthcheck/ok', 'POST');
    expect(state()).toEqual([200, 'LIVE']);
  });

  it('end the proxy by POST alone', () => {
    const proxy = context();
    expect(ask(proxy, '/quitquitquit').status).toBe(405);
    expect(proxy.quits).toBe(0);
    expect(ask(proxy, '/quitquitquit', 'POST').body).toBe('OK\n');
    expect(proxy.quits).toBe(1);
  });

  it('answer what Envoy answers where there is nothing to tell', () => {
    for (const [path, method, status, body] of [
      ['/contention', 'GET', 200, /^Mutex contention tracing is not enabled/],
      ['/allocprofiler?enable=z', 'POST', 400, /^\?enable=<y\|n>\n$/],
      ['/cpuprofiler?enable=y', 'POST', 500, /^failure to start the profiler$/],
      ['/heapprofiler?enable=y', 'POST', 501, /^The current build does not support heap profiler$/],
      ['/memory/tcmalloc', 'GET', 200, /^old_space +\d+ +\d+$/m],
      ['/runtime_modify', 'POST', 400, /^usage: /],
      ['/init_dump', 'GET', 200, /^\{\}\n$/],
      ['/reopen_logs', 'POST', 200, /^OK\n$/],
      ['/memory', 'GET', 200, /"allocated": "\d+"/],
      ['/hot_restart_version', 'GET', 200, /^disabled$/],
      ['/', 'GET', 200, /<a href="config_dump">/],
    ] as const) {
      expect(ask(context(), path, method), path).toMatchObject({ status, body: expect.stringMatching(body) });
    }
  });

  it("show the values of Istio's bootstrap and those that somebody put over them", () => {
    const proxy = context();
    const figure = (name: string) => ask(proxy, `/stats?filter=^runtime.${name}$`).body;
    expect(ask(proxy, '/runtime_modify?a.b=7&c=1', 'POST').body).toBe('OK\n');
    const shown = JSON.parse(ask(proxy, '/runtime').body);
    expect(shown.layers).toEqual(['global config', 'admin']);
    expect(shown.entries['a.b']).toEqual({ final_value: '7', layer_values: ['true', '7'] });
    expect(shown.entries['re2.max_program_size.error_level'].layer_values).toEqual(['32768', '']);
    expect(figure('num_keys')).toBe('runtime.num_keys: 7\n');
    expect(figure('admin_overrides_active')).toBe('runtime.admin_overrides_active: 1\n');
    expect(ask(proxy, '/runtime_modify?a.b=&c=', 'POST').status).toBe(200);
    expect(JSON.parse(ask(proxy, '/runtime').body).entries['a.b'].final_value).toBe('true');
    expect(figure('admin_overrides_active')).toBe('runtime.admin_overrides_active: 0\n');
  });

  it('list the names that were looked up since somebody wanted to know', () => {
    const proxy = context();
    const post = (what: string) => ask(proxy, `/stats/recentlookups/${what}`, 'POST').body;
    proxy.stats.stat('before');
    expect(ask(proxy, '/stats/recentlookups').body).toMatch(/^Lookup tracking is not enabled\..*\n\ntotal: 0\n$/);
    expect(post('enable')).toBe('OK\n');
    for (const name of ['b', 'a', 'b']) proxy.stats.stat(name);
    expect(ask(proxy, '/stats/recentlookups').body).toBe('   Count Lookup\n       2 b\n       1 a\n\ntotal: 3\n');
    expect(post('clear')).toBe('OK\n');
    expect(ask(proxy, '/stats/recentlookups').body).toBe('   Count Lookup\n\ntotal: 0\n');
  });

  it('list themselves for an unknown path', () => {
    const page = ask(context(), '/nothing');
    expect(page.status).toBe(404);
    expect(page.body).toContain('/drain_listeners (POST): drain listeners');
  });
});
