import { connect } from 'node:net';
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import type { RouteConfiguration } from '#xds';
import { readBootstrap } from '../../../server/sandbox/proxyless/bootstrap.ts';
import { clusterOf, clustersOf, routeFor } from '../../../server/sandbox/proxyless/route-choice.ts';
import { createXdsResolver } from '../../../server/sandbox/proxyless/xds-resolver.ts';
import { systemClock } from '../../../server/system.ts';
import { callUnary, connectionOver } from '../../../server/workloads/grpc/unary-call.ts';

const bootstrap = (uri: unknown, id: unknown = 'sidecar~127.8.1.9~client.default~default.svc.cluster.local'): string =>
  JSON.stringify({ xds_servers: [{ server_uri: uri }], node: { id, metadata: { GENERATOR: 'grpc' } } });

describe('a bootstrap', () => {
  it('names the control plane and the node', () => {
    expect(readBootstrap(bootstrap('istiod.istio-system.svc:15010'))).toEqual({
      host: 'istiod.istio-system.svc',
      port: 15010,
      node: {
        id: 'sidecar~127.8.1.9~client.default~default.svc.cluster.local',
        cluster: '',
        metadata: { GENERATOR: 'grpc' },
      },
    });
  });

  it.each([
    ['', 'GRPC_XDS_BOOTSTRAP_CONFIG is not set'],
    ['{', 'is not JSON'],
    ['[]', 'no xds_servers[0].server_uri'],
    [bootstrap(undefined), 'no xds_servers[0].server_uri'],
    [bootstrap('istiod'), 'server_uri is host:port'],
    [bootstrap('istiod:99999'), 'server_uri is host:port'],
    [bootstrap('istiod:15010', 7), 'no node.id'],
  ])('tells what is wrong with %s', (text, told) => {
    expect(() => readBootstrap(text)).toThrow(told);
  });
});

describe('the choice of a route', () => {
  const to = (cluster: string) => ({ cluster });
  const table = (virtual_hosts: NonNullable<RouteConfiguration['virtual_hosts']>): RouteConfiguration => ({
    name: 'table',
    virtual_hosts,
  });
  const head = { authority: 'greeter:7070', path: '/a.B/C', headers: { 'x-user': 'jason' } };

  it('prefers the exact domain, then the longest suffix, then the longest prefix, then any', () => {
    const chosen = (...domains: string[]): string | undefined =>
      routeFor(
        table(
          domains.map((domain) => ({ name: domain, domains: [domain], routes: [{ match: {}, route: to(domain) }] })),
        ),
        head,
      )?.route?.cluster;
    expect(chosen('*', 'greeter:*', '*:7070', 'greeter:7070')).toBe('greeter:7070');
    expect(chosen('*', 'greeter:*', '*70', '*:7070')).toBe('*:7070');
    expect(chosen('*', 'gree*', 'greeter:*')).toBe('greeter:*');
    expect(chosen('other:7070', '*')).toBe('*');
    expect(chosen('other:7070')).toBeUndefined();
  });

  it('takes the first route whose path and headers fit, and none that asks for what gRPC cannot see', () => {
    const routes = [
      { match: { path: '/a.B/D' }, route: to('other-path') },
      { match: { query_parameters: [{ name: 'q', present_match: true }] }, route: to('query') },
      { match: { headers: [{ name: 'x-user', string_match: { exact: 'anna' } }] }, route: to('other-header') },
      { match: { headers: [{ name: 'x-user', string_match: { safe_regex: { regex: 'jas' } } }] }, route: to('part') },
      { match: { headers: [{ name: 'x-user', present_match: true, invert_match: true }] }, route: to('absent') },
      {
        match: { prefix: '/A.b', case_sensitive: false, headers: [{ name: 'X-User', string_match: { prefix: 'ja' } }] },
        route: to('here'),
      },
      { match: { prefix: '/' }, route: to('rest') },
    ];
    const found = table([{ name: 'all', domains: ['*'], routes }]);
    expect(routeFor(found, head)?.route?.cluster).toBe('here');
    expect(routeFor(found, { ...head, headers: { 'x-user': 'ben' } })?.route?.cluster).toBe('rest');
    expect(clustersOf(found)).toContain('query');
  });

  it('draws a cluster by weight', () => {
    const route = {
      match: {},
      route: {
        weighted_clusters: {
          clusters: [
            { name: 'v1', weight: 90 },
            { name: 'v2', weight: 10 },
            { name: 'v3', weight: 0 },
          ],
        },
      },
    };
    expect([0, 0.899, 0.9, 0.999].map((draw) => clusterOf(route, draw))).toEqual(['v1', 'v1', 'v2', 'v2']);
    expect(clusterOf({ match: {}, direct_response: { status: 200 } }, 0)).toBeUndefined();
  });
});

describe('the xDS client in a pod', () => {
  it('asks nobody whom the network of the pod does not reach', async () => {
    const log: string[] = [];
    const asked: string[] = [];
    const resolver = createXdsResolver({
      bootstrap: bootstrap('192.0.2.7:443'),
      target: 'greeter:7070',
      dial: (host, port) => {
        asked.push(`${host}:${port}`);
        return Promise.reject(new Error('connect ENETUNREACH'));
      },
      clock: systemClock(),
      random: seededRandom('proxyless'),
      log: (line) => log.push(line),
      signal: new AbortController().signal,
    });
    const call = { authority: 'greeter:7070', path: '/a.B/C', headers: {} };
    await expect(resolver.pick(call)).rejects.toThrow('connect ENETUNREACH');
    expect(asked).toEqual(['192.0.2.7:443']);
    expect(log).toEqual(['xDS: connect ENETUNREACH']);
  });
});

describe("one RPC to gRPC's own server", () => {
  const server = new Server();
  let port = 0;
  const raw = (bytes: Buffer): Buffer => bytes;
  const method = (path: string) => ({
    path,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: raw,
    requestDeserialize: raw,
    responseSerialize: raw,
    responseDeserialize: raw,
  });

  beforeAll(async () => {
    server.addService(
      { echo: method('/t.T/Echo'), deny: method('/t.T/Deny'), hang: method('/t.T/Hang') },
      {
        echo: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) =>
          reply(null, Buffer.concat([call.request, Buffer.from(String(call.metadata.get('x-user')[0]))])),
        deny: (_call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) =>
          reply({ code: status.PERMISSION_DENIED, details: 'nicht für dich' }),
        hang: () => undefined,
      },
    );
    port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
  });
  afterAll(() => server.forceShutdown());

  const ask = async (path: string, timeoutMs = 20_000) => {
    const socket = connect(port, '127.0.0.1');
    const session = connectionOver(socket, `127.0.0.1:${port}`);
    const outcome = await callUnary(
      session,
      { path, authority: 'greeter:7070', headers: { 'x-user': 'jason' }, message: Buffer.from('hello '), timeoutMs },
      systemClock(),
    );
    session.destroy();
    return outcome;
  };

  it('brings the message and the headers there and back', async () => {
    expect(await ask('/t.T/Echo')).toMatchObject({ status: status.OK, message: Buffer.from('hello jason') });
  });

  it('tells the status and the words of a refusal', async () => {
    expect(await ask('/t.T/Deny')).toMatchObject({ status: status.PERMISSION_DENIED, details: 'nicht für dich' });
    expect(await ask('/t.T/Nothing')).toMatchObject({ status: status.UNIMPLEMENTED });
  });

  it('ends at its deadline', async () => {
    expect(await ask('/t.T/Hang', 100)).toMatchObject({ status: status.DEADLINE_EXCEEDED });
  });

  it('is unavailable when the connection is lost', async () => {
    const session = connectionOver(connect(port, '127.0.0.1'), 'x');
    const outcome = callUnary(
      session,
      { path: '/t.T/Hang', authority: 'x', headers: {}, message: Buffer.alloc(0), timeoutMs: 20_000 },
      systemClock(),
    );
    session.destroy();
    expect(await outcome).toMatchObject({ status: status.UNAVAILABLE });
  });
});
