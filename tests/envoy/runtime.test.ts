import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differences } from './support/differences.ts';
import type { PairCase, PairRequest } from './support/pairs/case-file.ts';
import { compared } from './support/pairs/compared.ts';
import { startTwoProxies, type TwoProxies } from './support/pairs/two-proxies.ts';

type Values = Readonly<Record<string, string>>;
/** Values that both are told by `/runtime_modify`, and a request after that. */
type Step = readonly [values: Values, request: Omit<PairRequest, 'name'>];

const fault = (fields: object): object => ({ name: 'envoy.filters.http.fault', ...fields });
const none = { numerator: 0, denominator: 'HUNDRED' };
const to = (cluster: string, fields: object = {}, match: object = {}): object => ({
  match: { prefix: '/', ...match },
  route: { cluster, ...fields },
});
const clusters = { one: { hosts: ['one'] }, two: { hosts: ['two'] } };
const answer = (status: number, upstream = status === 200 ? 1 : 0): PairRequest['expect'] => ({ status, upstream });
const get = (status: number): Omit<PairRequest, 'name'> => ({ expect: answer(status) });

const LONG: Omit<PairRequest, 'name'> = {
  headers: { 'accept-encoding': 'gzip', 'x-echo-body': 'words and words and words and words' },
  expect: answer(200),
};

const WEIGHTS = {
  weighted_clusters: {
    clusters: [
      { name: 'one', weight: 100 },
      { name: 'two', weight: 0 },
    ],
    runtime_key_prefix: 'shift',
  },
};

const CASES: Readonly<Record<string, { given: Omit<PairCase, 'name' | 'requests'>; steps: readonly Step[] }>> = {
  faults: {
    given: {
      filters: [
        fault({
          abort: { http_status: 503, percentage: none },
          delay: { fixed_delay: '0.01s', percentage: none },
          max_active_faults: 5,
        }),
      ],
      routes: [to('one')],
      clusters,
    },
    steps: [
      [{}, get(200)],
      [{ 'fault.http.abort.abort_percent': '100' }, get(503)],
      [{ 'fault.http.abort.http_status': '429' }, get(429)],
      [{ 'fault.http.max_active_faults': '0' }, get(200)],
      [{ 'fault.http.max_active_faults': '', 'fault.http.delay.fixed_delay_percent': '100' }, get(429)],
      [{ 'fault.http.abort.abort_percent': '', 'fault.http.delay.fixed_duration_ms': '20' }, get(200)],
      [{ 'fault.http.delay.fixed_delay_percent': '', 'fault.http.shop.abort.abort_percent': '100' }, get(200)],
      [{}, { headers: { 'x-envoy-downstream-service-cluster': 'shop' }, expect: answer(503) }],
      [
        { 'fault.http.shop.abort.http_status': '418' },
        { headers: { 'x-envoy-downstream-service-cluster': 'shop' }, expect: answer(418) },
      ],
      [
        { 'fault.http.abort.abort_percent': '100', 'fault.http.shop.abort.abort_percent': '' },
        { headers: { 'x-envoy-downstream-service-cluster': 'shop' }, expect: answer(200) },
      ],
      [
        { 'fault.http.abort.abort_percent': '100', 'fault.http.shop.abort.abort_percent': '0' },
        { headers: { 'x-envoy-downstream-service-cluster': 'shop' }, expect: answer(200) },
      ],
      [
        {
          'fault.http.abort.abort_percent': '',
          'fault.http.shop.abort.abort_percent': '',
          'fault.http.shop.abort.http_status': '',
        },
        { headers: { 'x-envoy-downstream-service-cluster': 'shop' }, expect: answer(200) },
      ],
    ],
  },
  'faults-by-own-keys': {
    given: {
      filters: [
        fault({
          abort: { grpc_status: 5, percentage: none },
          abort_percent_runtime: 'own.abort',
          abort_grpc_status_runtime: 'own.grpc',
        }),
      ],
      routes: [to('one')],
      clusters,
    },
    steps: [
      [{ 'fault.http.abort.abort_percent': '100' }, get(200)],
      [
        { 'fault.http.abort.abort_percent': '', 'own.abort': '100' },
        { expect: { status: 200, details: 'fault_filter_abort' } },
      ],
      [{ 'own.grpc': '7' }, { expect: { status: 200, details: 'fault_filter_abort' } }],
      [{ 'own.abort': 'many' }, get(200)],
    ],
  },
  shares: {
    given: {
      routes: [
        to('two', {}, { runtime_fraction: { default_value: none, runtime_key: 'route.two' } }),
        to('one', {
          request_mirror_policies: [
            { cluster: 'two', runtime_fraction: { default_value: none, runtime_key: 'mirror.two' } },
          ],
        }),
      ],
      clusters,
    },
    steps: [
      [{}, get(200)],
      [{ 'route.two': '100' }, get(200)],
      [{ 'route.two': '0' }, get(200)],
      [{ 'route.two': '', 'mirror.two': '100' }, { expect: answer(200, 2) }],
    ],
  },
  weights: {
    given: { routes: [{ match: { prefix: '/' }, route: WEIGHTS }], clusters },
    steps: [
      [{}, get(200)],
      [{ 'shift.runtime-weights.one': '0', 'shift.runtime-weights.two': '100' }, get(200)],
      [{ 'shift.runtime-weights.one': '', 'shift.runtime-weights.two': '' }, get(200)],
    ],
  },
  limits: {
    given: {
      filters: [
        {
          name: 'envoy.filters.http.local_ratelimit',
          stat_prefix: 'runtime-limits',
          token_bucket: { max_tokens: 1, fill_interval: '3600s' },
          filter_enabled: { default_value: none, runtime_key: 'limit.enabled' },
          filter_enforced: { default_value: none, runtime_key: 'limit.enforced' },
        },
      ],
      routes: [to('one')],
      clusters,
    },
    steps: [
      [{}, get(200)],
      [{ 'limit.enabled': '100' }, get(200)],
      [{}, get(200)],
      [{ 'limit.enforced': '100' }, get(429)],
      [{ 'limit.enabled': '' }, get(200)],
    ],
  },
  switches: {
    given: {
      filters: [
        {
          name: 'envoy.filters.http.compressor',
          response_direction_config: {
            common_config: { min_content_length: 10, enabled: { default_value: false, runtime_key: 'zip.answers' } },
          },
          request_direction_config: {
            common_config: { min_content_length: 10, enabled: { default_value: true, runtime_key: 'zip.requests' } },
          },
          compressor_library: {
            name: 'text',
            typed_config: { '@type': 'type.googleapis.com/envoy.extensions.compression.gzip.compressor.v3.Gzip' },
          },
        },
        {
          name: 'envoy.filters.http.admission_control',
          typed_config: {
            '@type': 'type.googleapis.com/envoy.extensions.filters.http.admission_control.v3.AdmissionControl',
            enabled: { default_value: false, runtime_key: 'admission.on' },
            success_criteria: {},
          },
        },
      ],
      routes: [to('one')],
      clusters,
    },
    steps: [
      [{}, LONG],
      [{ 'zip.answers': 'true' }, LONG],
      [{ 'zip.requests': 'false' }, { ...LONG, method: 'POST', body: 'words and words and words' }],
      [{ 'zip.answers': 'false', 'admission.on': 'true' }, LONG],
      [{ 'zip.answers': 'perhaps' }, LONG],
    ],
  },
  breakers: {
    given: { routes: [to('one')], clusters },
    steps: [
      [{}, get(200)],
      [{ 'circuit_breakers.runtime-breakers.one.default.max_requests': '0' }, get(503)],
      [{ 'circuit_breakers.runtime-breakers.one.default.max_requests': '' }, get(200)],
    ],
  },
  maintenance: {
    given: { routes: [to('one')], clusters },
    steps: [
      [{ 'upstream.maintenance_mode.runtime-maintenance.one': '100' }, get(503)],
      [{ 'upstream.maintenance_mode.runtime-maintenance.one': '' }, get(200)],
    ],
  },
};

/** Moved by a sweep, which may come before the request's own time begins; compared when all is over. */
const SWEPT = /\.(outlier_detection\.ejections_|membership_|upstream_cx_(active|destroy))/;
/** The same text, compressed by another zlib. */
const OF_ZLIB = /^log\.0\.bytesSent$|\.total_compressed_bytes$/;

const HOSTS = ['one', 'two', 'three'] as const;
const failing = (path: string): Omit<PairRequest, 'name'> => ({
  path,
  headers: { 'x-echo-status': '500' },
  expect: answer(500, 1),
});
const at = (path: string, status: number): Omit<PairRequest, 'name'> => ({ path, expect: answer(status) });
const outlier = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [`outlier_detection.${key}`, value]));

const OUTLIERS: (typeof CASES)[string] = {
  given: {
    routes: HOSTS.map((v) =>
      to('c', { metadata_match: { filter_metadata: { 'envoy.lb': { v } } } }, { prefix: `/${v}` }),
    ),
    clusters: {
      c: {
        hosts: HOSTS.map((host) => ({ host, labels: { v: host } })),
        outlier_detection: {
          interval: '0.5s',
          base_ejection_time: '1000s',
          max_ejection_time: '1000s',
          max_ejection_percent: 100,
        },
        common_lb_config: { healthy_panic_threshold: { value: 0 }, update_merge_window: '0s' },
        lb_subset_config: { fallback_policy: 'NO_FALLBACK', subset_selectors: [{ keys: ['v'] }] },
      },
    },
  },
  steps: [
    [{}, failing('/one')],
    [outlier({ consecutive_5xx: '2' }), failing('/one')],
    [{}, at('/one', 503)],
    [outlier({ consecutive_5xx: '1', enforcing_consecutive_5xx: '0' }), failing('/two')],
    [{}, at('/two', 200)],
    [outlier({ enforcing_consecutive_5xx: '', max_ejection_percent: '40' }), failing('/two')],
    [{}, at('/two', 200)],
    [outlier({ max_ejection_percent: '', consecutive_5xx: '' }), at('/one', 503)],
    [outlier({ base_ejection_time_ms: '1', max_ejection_time_ms: '1' }), { ...at('/one', 200), pauseMs: 1200 }],
    [
      outlier({
        base_ejection_time_ms: '',
        max_ejection_time_ms: '',
        failure_percentage_minimum_hosts: '1',
        failure_percentage_request_volume: '1',
        failure_percentage_threshold: '100',
        enforcing_failure_percentage: '100',
      }),
      failing('/three'),
    ],
    [{}, { ...at('/three', 503), pauseMs: 1200 }],
    [
      outlier({
        consecutive_gateway_failure: '1',
        enforcing_consecutive_gateway_failure: '100',
        failure_percentage_minimum_hosts: '',
        failure_percentage_request_volume: '',
        failure_percentage_threshold: '',
        enforcing_failure_percentage: '',
      }),
      { path: '/two', headers: { 'x-echo-status': '502' }, expect: answer(502, 1) },
    ],
    [outlier({ consecutive_gateway_failure: '', enforcing_consecutive_gateway_failure: '' }), at('/two', 503)],
  ],
};

const ALL = { ...CASES, outliers: OUTLIERS };

const cases: readonly PairCase[] = Object.entries(ALL).map(([name, { given }]) => ({
  ...given,
  name: `runtime-${name}`,
  requests: [],
}));

describe('what /runtime_modify says is obeyed as by Envoy', () => {
  let proxies: TwoProxies;
  beforeAll(async () => {
    proxies = await startTwoProxies(cases);
  });
  afterAll(() => proxies?.stop());

  it.each(Object.entries(ALL))('%s', async (name, { steps }) => {
    const given = cases.find((each) => each.name === `runtime-${name}`)!;
    for (const [i, [values, asked]] of steps.entries()) {
      for (const { ip } of [proxies.envoy, proxies.ours]) {
        if (Object.keys(values).length === 0) continue;
        const told = await fetch(`http://${ip}:15000/runtime_modify?${new URLSearchParams(values)}`, {
          method: 'POST',
        });
        expect(told.status).toBe(200);
      }
      const request = { name: `step-${i}`, ...asked };
      const envoy = await proxies.observe(proxies.envoy, given, request);
      const ours = await proxies.observe(proxies.ours, given, request);
      expect({ i, status: envoy.answer.status, upstream: envoy.upstream.length }).toEqual({
        i,
        status: asked.expect.status,
        upstream: asked.expect.upstream ?? 0,
      });
      const isOther = ({ at }: { readonly at: string }): boolean =>
        !OF_ZLIB.test(at) && !(asked.pauseMs !== undefined && SWEPT.test(at));
      const apart = differences(compared(envoy), compared(ours)).filter(isOther);
      expect({ i, apart }).toEqual({ i, apart: [] });
    }
    const own = new RegExp(`^cluster\\.runtime-${name}\\..*${SWEPT.source}`);
    const [envoy, ours] = await Promise.all([proxies.envoy.figures(own), proxies.ours.figures(own)]);
    const moved = (figures: ReadonlyMap<string, number>): object =>
      Object.fromEntries([...figures].filter(([, value]) => value !== 0));
    expect(moved(ours)).toEqual(moved(envoy));
  });
});
