import { describe, expect, it } from 'vitest';
import { shownNames } from '../../../server/data-plane/stats/shown-names.ts';
import { extractTags } from '../../../server/data-plane/stats/tags.ts';

describe('labels in names of statistics', () => {
  it.each([
    [
      'cluster.outbound|80|v1|a.b.svc.cluster.local;.upstream_rq_200',
      'envoy_cluster_upstream_rq',
      { cluster_name: 'outbound|80|v1|a.b.svc.cluster.local', response_code: '200' },
    ],
    [
      'cluster.inbound|80||;.external.upstream_rq_2xx',
      'envoy_cluster_external_upstream_rq',
      { cluster_name: 'inbound|80||', response_code_class: '2xx' },
    ],
    ['cluster.plain.name.upstream_cx_total', 'envoy_cluster_upstream_cx_total', { cluster_name: 'plain.name' }],
    [
      'http.outbound_0.0.0.0_80;.downstream_rq_5xx',
      'envoy_http_downstream_rq',
      { http_conn_manager_prefix: 'outbound_0.0.0.0_80', response_code_class: '5xx' },
    ],
    [
      'http.inbound_0.0.0.0_80;.rbac.denied',
      'envoy_http_rbac',
      { http_conn_manager_prefix: 'inbound_0.0.0.0_80', authz_enforce_result: 'denied' },
    ],
    [
      'http.inbound_0.0.0.0_80;.rbac.istio_dry_run_deny_.shadow_denied',
      'envoy_http_rbac',
      { http_conn_manager_prefix: 'inbound_0.0.0.0_80', authz_dry_run_action: 'deny', authz_dry_run_result: 'denied' },
    ],
    ['tcp.outbound|80||a;.downstream_cx_total', 'envoy_tcp_downstream_cx_total', { tcp_prefix: 'outbound|80||a;' }],
    [
      'listener.0.0.0.0_15006.downstream_cx_total',
      'envoy_listener_downstream_cx_total',
      { listener_address: '0.0.0.0_15006' },
    ],
    [
      'listener.0.0.0.0_80.http.outbound_0.0.0.0_80;.downstream_rq_2xx',
      'envoy_listener_http_outbound_0_0_0_0_80__downstream_rq',
      { listener_address: '0.0.0.0_80', response_code_class: '2xx' },
    ],
    ['server.live', 'envoy_server_live', {}],
  ])('of %s', (dotted, name, labels) => {
    expect(extractTags(dotted)).toEqual({ name, labels });
  });
});

describe('names that admin pages show', () => {
  const shown = shownNames([
    { name: 'outbound|80||a.b', resource: { alt_stat_name: 'outbound|80||a.b;' } },
    { name: 'plain', resource: {} },
  ]);

  it.each([
    ['cluster.outbound|80||a.b.upstream_rq_total', 'cluster.outbound|80||a.b;.upstream_rq_total'],
    ['cluster.plain.upstream_rq_total', 'cluster.plain.upstream_rq_total'],
    ['cluster.gone.upstream_rq_total', 'cluster.gone.upstream_rq_total'],
    ['http.x;.rq_total', 'http.x;.rq_total'],
  ])('have the name of the cluster’s statistics: %s', (own, name) => expect(shown(own)).toBe(name));
});
