import type { Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HopRecord } from '#domain';
import { type Listener, typeUrls } from '#xds';
import { gatewayListener, router, staticCluster } from './data-plane-config.ts';
import {
  type Answer,
  createTestCa,
  type FetchOptions,
  listen,
  type Pod,
  sendFrom,
  startPod,
  until,
} from './data-plane-harness.ts';
import { NET } from './own-network.ts';

const EXT_AUTHZ = 'type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz';
const GATEWAY = `${NET}.1.1`;
const AUTHORIZER = `${NET}.2.1`;
const APPLICATION = `${NET}.2.2`;

const service = (fields: object = {}, cluster = 'authorizer'): object => ({
  http_service: { server_uri: { uri: 'http://authorizer', cluster, timeout: '2s' }, ...fields },
});

/** A listener for each way to ask. */
const CONFIGS = {
  headers: service({
    path_prefix: '/check',
    authorization_request: {
      allowed_headers: { patterns: [{ exact: 'x-user' }, { prefix: 'x-say-' }] },
      headers_to_add: [
        { key: 'x-from', value: 'mesh' },
        { key: 'x-method', value: '%REQ(:METHOD)% of 100%%' },
        { key: 'x-empty', value: '%REQ(x-none)%' },
      ],
    },
    authorization_response: {
      allowed_upstream_headers: { patterns: [{ exact: 'x-who' }] },
      allowed_upstream_headers_to_append: { patterns: [{ exact: 'x-roles' }] },
      allowed_client_headers: { patterns: [{ exact: 'x-reason' }] },
      allowed_client_headers_on_success: { patterns: [{ exact: 'set-cookie' }] },
    },
  }),
  closed: { ...service({}, 'nobody-there'), status_on_error: { code: 'ServiceUnavailable' } },
  open: { ...service({}, 'nobody-there'), failure_mode_allow: true, failure_mode_allow_header_add: true },
  part: { ...service(), with_request_body: { max_request_bytes: 4, allow_partial_message: true } },
  shadow: {
    ...service({ authorization_request: { allowed_headers: { patterns: [{ prefix: 'x-say-' }] } } }),
    shadow_mode: true,
  },
  whole: { ...service(), with_request_body: { max_request_bytes: 4 } },
} as const;

const ports = Object.fromEntries(Object.keys(CONFIGS).map((name, i) => [name, 9001 + i])) as Record<
  keyof typeof CONFIGS,
  number
>;

const listenerOf = ([name, config]: [string, object]): Listener =>
  gatewayListener(
    name,
    { ip: GATEWAY, port: ports[name as keyof typeof CONFIGS] },
    {
      http_filters: [{ name: 'envoy.filters.http.ext_authz', typed_config: { '@type': EXT_AUTHZ, ...config } }, router],
    },
  );

interface Asked {
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

describe('an authorizer that is asked by HTTP', () => {
  const servers: Server[] = [];
  const asked: Asked[] = [];
  const served: Asked[] = [];
  let pod: Pod;

  const call = (name: keyof typeof CONFIGS, options: FetchOptions): Promise<Answer> =>
    sendFrom(`${NET}.1.9`, { ip: GATEWAY, port: ports[name] }, { host: 'shop', ...options });
  const hopOf = async (path: string): Promise<HopRecord> => {
    const find = (): HopRecord | undefined => pod.hops.findLast((hop) => hop.request.path === path);
    await until(() => find() !== undefined, `a hop for ${path}`);
    return find()!;
  };
  const stat = (name: string): number => pod.proxy.admin.stats().get(name) ?? 0;

  beforeAll(async () => {
    await listen(servers, AUTHORIZER, 8000, (request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => {
        asked.push({ path: request.url ?? '', headers: request.headers, body });
        response.statusCode = Number(request.headers['x-say-status'] ?? 200);
        response.setHeader('x-who', 'ann');
        response.setHeader('x-roles', 'admin');
        response.setHeader('x-reason', 'no ticket');
        response.setHeader('x-hidden', 'secret');
        response.setHeader('set-cookie', 'seen=1');
        response.end('verdict');
      });
    });
    await listen(servers, APPLICATION, 8080, (request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => {
        served.push({ path: request.url ?? '', headers: request.headers, body });
        response.end('application');
      });
    });
    const refused: unknown[] = [];
    pod = await startPod({ ip: GATEWAY, name: 'gateway', role: 'router', signer: await createTestCa() }, (xds) => {
      refused.push(
        ...xds.push(typeUrls.cluster, [
          staticCluster('authorizer', [`${AUTHORIZER}:8000`]),
          staticCluster('nobody-there', [`${AUTHORIZER}:9`]),
          staticCluster('application', [`${APPLICATION}:8080`]),
        ]),
        ...xds.push(typeUrls.listener, Object.entries(CONFIGS).map(listenerOf)),
      );
    });
    expect(refused).toEqual([]);
  });

  afterAll(async () => {
    await pod?.stop();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  });

  it('is told the path behind its prefix, and of the headers what is allowed', async () => {
    await call('headers', {
      path: '/orders?id=1',
      method: 'POST',
      body: 'not told',
      headers: { 'x-user': 'ann', 'x-other': 'o', authorization: 'token' },
    });
    const { path, headers, body } = asked.at(-1)!;
    expect([path, body, headers['content-length']]).toEqual(['/check/orders?id=1', '', '0']);
    expect(headers).toMatchObject({ 'x-user': 'ann', authorization: 'token', 'x-from': 'mesh', host: 'shop' });
    expect(headers['x-method']).toBe('POST of 100%');
    expect(headers).not.toHaveProperty('x-empty');
    expect(headers).not.toHaveProperty('x-other');
    expect(served.at(-1)).toMatchObject({ path: '/orders?id=1', body: 'not told' });
  });

  it('gives headers to the application and to the client when it allows', async () => {
    const answer = await call('headers', { path: '/allowed', headers: { 'x-who': 'mallory', 'x-roles': 'user' } });
    expect([answer.status, answer.body]).toEqual([200, 'application']);
    expect(answer.headers['set-cookie']).toEqual(['seen=1']);
    expect(answer.headers).not.toHaveProperty('x-reason');
    expect(served.at(-1)?.headers).toMatchObject({ 'x-who': 'ann', 'x-roles': 'user, admin' });
    expect(served.at(-1)?.headers).not.toHaveProperty('x-hidden');
  });

  it('refuses with its own status, body and allowed headers; nothing reaches the application', async () => {
    const before = { denied: stat('http.headers.ext_authz.denied'), served: served.length };
    const answer = await call('headers', { path: '/denied', headers: { 'x-say-status': '402' } });
    expect([answer.status, answer.body, answer.headers['x-reason']]).toEqual([402, 'verdict', 'no ticket']);
    expect(answer.headers).not.toHaveProperty('x-hidden');
    const hop = await hopOf('/denied');
    expect(hop.response).toMatchObject({ status: 402, flags: ['UAEX'], details: 'ext_authz_denied' });
    const step = hop.steps.find(({ name }) => name === 'envoy.filters.http.ext_authz');
    expect(step).toMatchObject({ outcome: 'stopped', detail: 'authorizer was asked and refuses it with 402' });
    expect(stat('http.headers.ext_authz.denied') - before.denied).toBe(1);
    expect(stat('cluster.authorizer.internal.upstream_rq_402')).toBe(1);
    expect(stat('cluster.application.internal.upstream_rq_402')).toBe(1);
    expect(served).toHaveLength(before.served);
  });

  it('only watches where its filter is a shadow: what it would have done stands in the figures', async () => {
    const answer = await call('shadow', { path: '/watched', headers: { 'x-say-status': '402' } });
    expect([answer.status, answer.body]).toEqual([200, 'application']);
    const step = (await hopOf('/watched')).steps.find(({ name }) => name === 'envoy.filters.http.ext_authz');
    expect(step).toMatchObject({ outcome: 'applied', detail: expect.stringMatching(/402, but only in its shadow$/) });
    await call('shadow', { path: '/unsure', headers: { 'x-say-status': '500' } });
    const names = ['denied', 'error', 'shadow_denied', 'shadow_error'];
    expect(names.map((name) => stat(`http.shadow.ext_authz.${name}`))).toEqual([1, 1, 1, 1]);
  });

  it('counts as not asked when it answers 5xx', async () => {
    const answer = await call('headers', { path: '/broken', headers: { 'x-say-status': '500' } });
    expect([answer.status, answer.body]).toEqual([403, '']);
    expect((await hopOf('/broken')).response).toMatchObject({ flags: ['UAEX'], details: 'ext_authz_error' });
    expect(stat('http.headers.ext_authz.error')).toBe(1);
  });

  it('answers the status of the configuration when it cannot be reached', async () => {
    expect((await call('closed', { path: '/closed' })).status).toBe(503);
    const hop = await hopOf('/closed');
    expect(hop.response).toMatchObject({ status: 503, flags: ['UAEX'], details: 'ext_authz_error' });
    expect(stat('cluster.nobody-there.upstream_rq_503')).toBe(1);
  });

  it('lets requests pass and marks them where it fails open', async () => {
    const answer = await call('open', { path: '/open' });
    expect([answer.status, answer.body]).toEqual([200, 'application']);
    expect(served.at(-1)?.headers['x-envoy-auth-failure-mode-allowed']).toBe('true');
    expect(stat('http.open.ext_authz.failure_mode_allowed')).toBe(1);
  });

  it.each([
    ['whole', '1234', 'false', '1234'],
    ['part', '123456', 'true', '1234'],
  ] as const)('is told a body as far as %s of it may be', async (name, body, partial, told) => {
    const answer = await call(name, { path: `/${name}`, method: 'POST', body });
    expect([answer.status, answer.body]).toEqual([200, 'application']);
    expect(asked.at(-1)).toMatchObject({ body: told, headers: { 'x-envoy-auth-partial-body': partial } });
    expect(served.at(-1)?.body).toBe(body);
  });

  it('is not asked about a body that is too long', async () => {
    const before = asked.length;
    const answer = await call('whole', { path: '/long', method: 'POST', body: '123456' });
    expect([answer.status, answer.body]).toEqual([413, 'Payload Too Large']);
    expect((await hopOf('/long')).response.details).toBe('request_payload_too_large');
    expect(asked).toHaveLength(before);
    expect(stat('http.whole.downstream_rq_too_large')).toBe(1);
  });
});
