import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox } from '#sandbox';
import { httpRoute, shop } from './gateway-api-shop.ts';
import { applyAndSettle, type RunningMesh, startMesh } from './sandbox-support.ts';

interface Echo {
  readonly path: string;
  readonly host: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly service: string;
}

describe('a Gateway and its HTTPRoutes', () => {
  let mesh: RunningMesh;
  let sandbox: Sandbox;

  beforeAll(async () => {
    mesh = await startMesh([shop], false);
    ({ sandbox } = mesh);
  });
  afterAll(() => mesh?.stop());

  const address = (port: number): string => sandbox.gateways['default/shop']?.[port] ?? 'nowhere:1';

  const call = async (
    host: string,
    path: string,
    init: { port?: number; headers?: Record<string, string>; method?: string } = {},
  ) => {
    const { port = 80, headers = {}, method = 'GET' } = init;
    const response = await sandbox.fetchFromOutside(`http://${address(port)}${path}`, {
      method,
      headers: { host, ...headers },
      timeoutMs: 10_000,
    });
    const echo =
      response.status === 200 && response.body.length > 0
        ? (JSON.parse(response.body.toString('utf8')) as Echo)
        : undefined;
    return { status: response.status, headers: response.headers, echo };
  };

  const served = async (host: string, path: string, init: Parameters<typeof call>[2] = {}): Promise<string> => {
    const { status, echo } = await call(host, path, init);
    return echo?.service ?? String(status);
  };

  const statusOf = (kind: string, name: string) =>
    sandbox.store.get(`${kind}.gateway.networking.k8s.io`, { namespace: 'default', name })?.status as {
      readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
      readonly addresses?: readonly { readonly value: string }[];
      readonly listeners?: readonly { readonly name: string; readonly attachedRoutes: number }[];
      readonly parents?: readonly {
        readonly conditions: readonly { readonly type: string; readonly reason: string }[];
      }[];
    };

  it('is programmed, and reports the address at which it listens', async () => {
    await sandbox.until(
      () =>
        statusOf('Gateway', 'shop')?.conditions?.some(
          ({ type, status }) => type === 'Programmed' && status === 'True',
        ) === true,
      5000,
      'the Gateway is programmed',
    );
    expect(statusOf('Gateway', 'shop').addresses?.map(({ value }) => value)).toEqual([address(80).split(':')[0]]);
    expect(sandbox.store.list('GatewayClass.gateway.networking.k8s.io').map(({ metadata }) => metadata.name)).toEqual([
      'istio',
      'istio-remote',
    ]);
  });

  it('answers 404 before it has a route', async () => {
    expect((await call('shop.example', '/')).status).toBe(404);
  });

  it('routes by path segments, exact paths, headers, methods and parameters, the most specific first', async () => {
    await applyAndSettle(
      sandbox,
      httpRoute(
        'matches',
        'match.example',
        `
    - backendRefs: [{ name: one, port: 80 }]
    - matches: [{ path: { type: PathPrefix, value: /two } }]
      backendRefs: [{ name: two, port: 80 }]
    - matches: [{ path: { type: Exact, value: /two/exact } }]
      backendRefs: [{ name: shadow, port: 80 }]
    - matches:
        - path: { type: PathPrefix, value: /two }
          headers: [{ name: version, value: one }]
        - path: { type: PathPrefix, value: /two }
          method: PUT
        - path: { type: PathPrefix, value: /two }
          queryParams: [{ name: version, value: one }]
      backendRefs: [{ name: one, port: 80 }]`,
      ),
    );
    const answers = await Promise.all(
      ['/', '/two', '/two/', '/two/more', '/twofold', '/two/exact', '/two?version=one', '/two?version=two'].map(
        (path) => served('match.example', path),
      ),
    );
    expect(answers).toEqual(['one', 'two', 'two', 'two', 'one', 'shadow', 'one', 'two']);
    expect(await served('match.example', '/two', { headers: { version: 'one' } })).toBe('one');
    expect(await served('match.example', '/two', { method: 'PUT' })).toBe('one');
    expect(await served('elsewhere.example', '/two')).toBe('404');
  });

  it('answers 500 for backends that are missing or forbidden, and for none', async () => {
    await applyAndSettle(
      sandbox,
      httpRoute(
        'broken',
        'broken.example',
        `
    - matches: [{ path: { type: PathPrefix, value: /missing } }]
      backendRefs: [{ name: nobody, port: 80 }]
    - matches: [{ path: { type: PathPrefix, value: /forbidden } }]
      backendRefs: [{ name: far, namespace: other, port: 80 }]
    - matches: [{ path: { type: PathPrefix, value: /zero } }]
      backendRefs: [{ name: one, port: 80, weight: 0 }]
    - matches: [{ path: { type: PathPrefix, value: /none } }]`,
      ),
    );
    const paths = ['/missing', '/forbidden', '/zero', '/none'];
    expect(await Promise.all(paths.map((path) => served('broken.example', path)))).toEqual([
      '500',
      '500',
      '500',
      '500',
    ]);
    await sandbox.until(
      () => statusOf('HTTPRoute', 'broken')?.parents?.[0] !== undefined,
      5000,
      'the route has a status',
    );
    const reasons = statusOf('HTTPRoute', 'broken').parents?.[0]?.conditions.map(({ reason }) => reason);
    expect(reasons).toEqual(['Accepted', 'RefNotPermitted']);
  });

  it('lets a ReferenceGrant open another namespace, at once', async () => {
    await applyAndSettle(sandbox, {
      file: 'grant.yaml',
      text: `
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: { name: shop, namespace: other }
spec:
  from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default }]
  to: [{ group: "", kind: Service, name: far }]
`,
    });
    expect(await served('broken.example', '/forbidden')).toBe('far');
  });

  it('spreads requests by weight, an invalid backend’s share answered with 500', async () => {
    await applyAndSettle(
      sandbox,
      httpRoute(
        'weights',
        'weights.example',
        `
    - backendRefs: [{ name: one, port: 80, weight: 70 }, { name: two, port: 80, weight: 20 }, { name: nobody, port: 80, weight: 10 }, { name: shadow, port: 80, weight: 0 }]`,
      ),
    );
    const seen: Record<string, number> = {};
    for (let round = 0; round < 40; round++) {
      for (const service of await Promise.all(Array.from({ length: 10 }, () => served('weights.example', '/')))) {
        seen[service] = (seen[service] ?? 0) + 1;
      }
    }
    expect(Object.keys(seen).sort()).toEqual(['500', 'one', 'two']);
    expect(seen['one']).toBeGreaterThan(220);
    expect(seen['two']).toBeGreaterThan(40);
    expect(seen['500']).toBeGreaterThan(15);
  });

  it('changes headers on the way in and out, for a rule and for a backend', async () => {
    await applyAndSettle(
      sandbox,
      httpRoute(
        'headers',
        'headers.example',
        `
    - filters:
        - type: RequestHeaderModifier
          requestHeaderModifier: { set: [{ name: X-Set, value: new }], add: [{ name: X-Add, value: more }], remove: [X-Gone] }
        - type: ResponseHeaderModifier
          responseHeaderModifier: { set: [{ name: X-Answer, value: "yes" }] }
      backendRefs:
        - name: one
          port: 80
          filters: [{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: X-Backend, value: one }] } }]`,
      ),
    );
    const { echo, headers } = await call('headers.example', '/', {
      headers: { 'x-set': 'old', 'x-add': 'first', 'x-gone': 'x' },
    });
    const received = Object.fromEntries(
      Object.entries(echo?.headers ?? {}).map(([name, values]) => [name.toLowerCase(), values.join(',')]),
    );
    expect(received).toMatchObject({ 'x-set': 'new', 'x-add': 'first,more', 'x-backend': 'one' });
    expect(received).not.toHaveProperty('x-gone');
    expect(headers['x-answer']).toBe('yes');
  });

  it('redirects and rewrites', async () => {
    await applyAndSettle(
      sandbox,
      httpRoute(
        'paths',
        'paths.example',
        `
    - matches: [{ path: { type: PathPrefix, value: /old } }]
      filters: [{ type: RequestRedirect, requestRedirect: { path: { type: ReplacePrefixMatch, replacePrefixMatch: /new } } }]
    - matches: [{ path: { type: PathPrefix, value: /secure } }]
      filters: [{ type: RequestRedirect, requestRedirect: { scheme: https, statusCode: 301 } }]
    - matches: [{ path: { type: PathPrefix, value: /host } }]
      filters: [{ type: RequestRedirect, requestRedirect: { hostname: b.example, port: 8443, statusCode: 302 } }]
    - matches: [{ path: { type: PathPrefix, value: /strip } }]
      filters: [{ type: URLRewrite, urlRewrite: { path: { type: ReplacePrefixMatch, replacePrefixMatch: / } } }]
      backendRefs: [{ name: one, port: 80 }]
    - matches: [{ path: { type: PathPrefix, value: /prefix } }]
      filters: [{ type: URLRewrite, urlRewrite: { hostname: inner.example, path: { type: ReplacePrefixMatch, replacePrefixMatch: /fresh } } }]
      backendRefs: [{ name: one, port: 80 }]
    - matches: [{ path: { type: PathPrefix, value: /full } }]
      filters: [{ type: URLRewrite, urlRewrite: { path: { type: ReplaceFullPath, replaceFullPath: /all } } }]
      backendRefs: [{ name: one, port: 80 }]`,
      ),
    );
    const location = async (path: string): Promise<string> => {
      const { status, headers } = await call('paths.example', path);
      return `${status} ${headers['location']}`;
    };
    expect(await location('/old/a?b=c')).toBe('302 http://paths.example/new/a?b=c');
    expect(await location('/secure/x')).toBe('301 https://paths.example/secure/x');
    expect(await location('/host')).toBe('302 http://b.example:8443/host');
    const received = async (path: string) => (await call('paths.example', path)).echo;
    expect((await received('/strip/a?b=c'))?.path).toBe('/a?b=c');
    expect((await received('/strip'))?.path).toBe('/');
    expect(await received('/prefix/a')).toMatchObject({ path: '/fresh/a', host: 'inner.example' });
    expect((await received('/full/a'))?.path).toBe('/all');
  });

  it('mirrors requests without waiting for the answer', async () => {
    await applyAndSettle(
      sandbox,
      httpRoute(
        'mirror',
        'mirror.example',
        `
    - filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: shadow, port: 80 } } }]
      backendRefs: [{ name: one, port: 80 }]`,
      ),
    );
    const log = (): readonly string[] =>
      sandbox.pods.find(({ labels }) => labels['app'] === 'shadow')?.logs('echo') ?? [];
    const before = log().length;
    expect(await served('mirror.example', '/copied')).toBe('one');
    await sandbox.until(() => log().length > before, 5000, 'the copy arrived');
    expect(log().slice(before).join('\n')).toContain('/copied');
  });

  it('answers preflights itself, for origins that it knows', async () => {
    await applyAndSettle(
      sandbox,
      httpRoute(
        'cors',
        'cors.example',
        `
    - filters: [{ type: CORS, cors: { allowOrigins: ["https://*.shop.example"], allowMethods: [GET, PUT], maxAge: 60 } }]
      backendRefs: [{ name: one, port: 80 }]`,
      ),
    );
    const preflight = (origin: string) =>
      call('cors.example', '/', { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'PUT' } });
    expect((await preflight('https://www.shop.example')).headers).toMatchObject({
      'access-control-allow-origin': 'https://www.shop.example',
      'access-control-allow-methods': 'GET,PUT',
      'access-control-max-age': '60',
    });
    expect((await preflight('https://evil.example')).headers).not.toHaveProperty('access-control-allow-origin');
  });

  it('keeps each listener to the hosts it has', async () => {
    await applyAndSettle(sandbox, httpRoute('alt', '*.alt.example', '    - backendRefs: [{ name: two, port: 80 }]'));
    expect(await served('a.alt.example', '/', { port: 8080 })).toBe('two');
    expect(await served('match.example', '/', { port: 8080 })).toBe('404');
    await sandbox.until(
      () => statusOf('Gateway', 'shop').listeners?.[1]?.attachedRoutes === 1,
      5000,
      'the route is counted',
    );
  });

  it('names the line of the HTTPRoute that decided', async () => {
    sandbox.hops.clear();
    expect(await served('match.example', '/two/more')).toBe('two');
    await sandbox.until(() => sandbox.hops.requests(10).length > 0, 5000, 'the call is recorded');
    const [request] = sandbox.hops.requests(10);
    const steps = sandbox.hops.trace(request?.traceId ?? '').flatMap(({ steps: each }) => each ?? []);
    const origins = steps.flatMap(({ origin }) =>
      origin === undefined ? [] : [`${origin.kind}/${origin.name} ${origin.path}`],
    );
    expect(origins).toContain('HTTPRoute/matches spec.rules[1].matches[0]');
  });

  it('writes statuses once: what does not concern them leaves them alone', async () => {
    const versions = () =>
      ['Gateway', 'HTTPRoute', 'GatewayClass'].flatMap((kind) =>
        sandbox.store.list(`${kind}.gateway.networking.k8s.io`).map(({ metadata }) => metadata.resourceVersion),
      );
    const before = versions();
    await applyAndSettle(sandbox, {
      file: 'unrelated.yaml',
      text: 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: unrelated }\ndata: { a: b }\n',
    });
    await served('match.example', '/');
    expect(versions()).toEqual(before);
  });

  it('forgets a route with its object', async () => {
    const changeId = sandbox.remove('HTTPRoute.gateway.networking.k8s.io', { namespace: 'default', name: 'cors' });
    await sandbox.settled(changeId, 5000);
    expect(await served('cors.example', '/')).toBe('404');
  });
});
