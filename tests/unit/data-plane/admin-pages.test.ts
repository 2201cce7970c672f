import { describe, expect, it } from 'vitest';
import { type PageContext, renderPage } from '../../../server/data-plane/admin/admin-pages.ts';
import { LogLevels } from '../../../server/data-plane/admin/log-levels.ts';
import { IstioMetrics } from '../../../server/data-plane/stats/istio-metrics.ts';
import { Stats } from '../../../server/data-plane/stats/stats.ts';
import { createFakeClock } from './fake-clock.ts';

function context(): { readonly context: PageContext; readonly stats: Stats; drained: number } {
  const stats = new Stats();
  const state = { drained: 0 };
  const admin = {
    listeners: () => [],
    routes: () => [],
    clusters: () => [],
    endpoints: () => [],
    secrets: () => [],
    rotations: () => [],
    configDump: () => ({ configs: [] }),
    stats: () => stats.values(),
  };
  return {
    stats,
    get drained() {
      return state.drained;
    },
    context: {
      admin,
      clusters: () => [],
      stats,
      metrics: new IstioMetrics(),
      clock: createFakeClock(),
      startedAtMs: 0,
      ready: () => true,
      node: { id: 'sidecar~10.0.0.1~a.b~b.svc.cluster.local', cluster: 'a.b', metadata: { NAMESPACE: 'b' } },
      logging: new LogLevels(),
      drainListeners: () => {
        state.drained++;
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
    expect(ask(proxy, '/stats?usedonly&filter=cluster').body).toBe('cluster.a.upstream_rq_total: 3\n');
    expect(ask(proxy, '/stats?filter=(')).toMatchObject({ status: 400, body: 'Invalid re2 regex\n' });
    expect(ask(proxy, '/stats/prometheus').body).toContain('envoy_cluster_upstream_rq_total{cluster_name="a"} 3');
  });

  it('change log levels by POST, all or one, and name what is wrong', () => {
    const proxy = context();
    expect(ask(proxy, '/logging?level=debug').status).toBe(405);
    expect(ask(proxy, '/logging?rbac=debug', 'POST').body).toContain('  rbac: debug\n  router: warning\n');
    expect(ask(proxy, '/logging?paths=router:trace,http:info', 'POST').body).toContain('  router: trace\n');
    expect(ask(proxy, '/logging?level=loud', 'POST')).toMatchObject({
      status: 400,
      body: expect.stringContaining('unknown logger level loud'),
    });
    expect(ask(proxy, '/logging?nobody=info', 'POST').body).toContain('unknown logger name nobody');
    expect(ask(proxy, '/logging', 'POST').body).toContain('  router: trace\n');
  });

  it('drain listeners and reset counters by POST alone', () => {
    const proxy = context();
    proxy.stats.stat('x').value = 5;
    expect(ask(proxy, '/drain_listeners').status).toBe(405);
    expect(proxy.drained).toBe(0);
    expect(ask(proxy, '/drain_listeners', 'POST').body).toBe('OK\n');
    expect(proxy.drained).toBe(1);
    expect(ask(proxy, '/reset_counters', 'POST').body).toBe('OK\n');
    expect(proxy.stats.stat('x').value).toBe(0);
  });

  it('tell who the proxy is', () => {
    expect(JSON.parse(ask(context(), '/server_info').body)).toMatchObject({
      state: 'LIVE',
      node: { id: 'sidecar~10.0.0.1~a.b~b.svc.cluster.local', metadata: { NAMESPACE: 'b' } },
    });
  });

  it('list themselves for an unknown path', () => {
    const page = ask(context(), '/nothing');
    expect(page.status).toBe(404);
    expect(page.body).toContain('/drain_listeners (POST): drain listeners');
  });
});
