import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CARRIAGE } from '../../../server/data-plane/http/carriage.ts';
import type { DownstreamConnection } from '../../../server/data-plane/http/codec.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { serveHttp } from '../../../server/data-plane/http/server-codec.ts';
import {
  createClientTransport,
  createServerTransport,
  SecureContexts,
  type TlsCredentials,
} from '../../../server/data-plane/tls/index.ts';
import type { BreakerLimits } from '../../../server/data-plane/upstream/pool-breakers.ts';
import type { HostPoolOptions } from '../../../server/data-plane/upstream/pool-options.ts';
import { systemClock } from '../../../server/system.ts';
import { listen, ReceivedRequest } from '../data-plane-h1/harness.ts';
import { Call, request, startPool, type TestPool } from '../data-plane-h1/pool-harness.ts';
import { createTestCa } from '../data-plane-tls/certificates.ts';
import { echo } from './harness.ts';

const contexts = new SecureContexts();
let credentials: TlsCredentials;
let requests: ReceivedRequest[];
let connections: DownstreamConnection[];
let counted: string[];
let sockets: Socket[];
let answer: (request: ReceivedRequest) => void;
let alpn: readonly string[];
let port: number;
let cleanup: (() => void)[];

beforeEach(async () => {
  const ca = await createTestCa();
  credentials = { certificate: await ca.issue({ uris: ['spiffe://mesh/ns/a/sa/b'] }), rootsPem: ca.rootsPem };
  requests = [];
  connections = [];
  counted = [];
  sockets = [];
  answer = echo;
  alpn = [CARRIAGE, 'h2', 'http/1.1'];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    const transport = createServerTransport({
      contexts,
      credentials: () => credentials,
      alpn,
      requireClientCertificate: true,
      clock: systemClock(),
    });
    const secured = ({ socket: inner, tls }: { socket: Socket; tls: DownstreamConnection['tls'] }): void => {
      const onRequest = (stream: ReceivedRequest['stream'], on: DownstreamConnection): void => {
        const received = new ReceivedRequest(stream, on);
        requests.push(received);
        answer(received);
      };
      const http2Counter = { count: (name: string) => counted.push(name), streams: () => undefined };
      connections.push(serveHttp(inner, 'AUTO', { clock: systemClock(), tls, onRequest, http2Counter }));
    };
    transport.handshake(
      socket,
      { secured, failed: () => undefined },
      {
        takesTickets: true,
        alpn: [CARRIAGE, 'istio-http/1.1', 'istio', 'http/1.1'],
      },
    );
  });
  port = await listen(server);
  cleanup = [() => server.close(), () => sockets.forEach((socket) => void socket.destroy())];
});

afterEach(() => {
  for (const close of cleanup.reverse()) close();
});

function start(limits: Partial<BreakerLimits> = {}, options: Partial<HostPoolOptions> = {}): TestPool {
  const started = startPool(port, limits, {
    connect: () => connect(port, '127.0.0.1'),
    offersCarriage: true,
    transport: createClientTransport({
      contexts,
      credentials: () => credentials,
      sni: 'app',
      alpn: [CARRIAGE, 'istio-http/1.1', 'istio', 'http/1.1'],
    }),
    ...options,
  });
  cleanup.push(() => started.pool.close());
  return started;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function eventually(test: () => boolean): Promise<void> {
  while (!test()) await turn();
}

const hold = (received: ReceivedRequest): void => {
  received.onEnd = () => undefined;
};

function release(received: ReceivedRequest): void {
  received.stream.sendHead({ status: 200, headers: new Headers() }, true);
}

describe('HTTP/1.1 between two proxies of the project', () => {
  it('shares one socket and still reads as HTTP/1.1', async () => {
    const { pool, breakers, stats } = start();
    const calls = Array.from({ length: 30 }, (_, i) => new Call(pool, request('GET', `/${i}`)));
    for (const [i, call] of calls.entries()) {
      await call.response.settled();
      expect(call.response.response?.headers.get('x-path')).toBe(`/${i}`);
    }
    expect(sockets.length).toBe(1);
    expect(requests[0]!.stream.head.protocol).toBe('HTTP/1.1');
    expect(connections[0]!.tls?.alpn).toBe(CARRIAGE);
    expect(calls[0]!.stream!.tls?.alpn).toBe(CARRIAGE);
    expect(breakers).toMatchObject({ connections: 30, requests: 0, pendingRequests: 0 });
    expect(stats.filter((stat) => stat === 'upstream_cx_total').length).toBe(30);
  });

  it('limits connections as if each had a socket of its own', async () => {
    answer = hold;
    const { pool, breakers, stats } = start({ maxConnections: 1, maxPendingRequests: 1 });
    const first = new Call(pool);
    await eventually(() => requests.length === 1);
    const second = new Call(pool);
    const third = new Call(pool);
    expect(third.failure?.reason).toBe('overflow');
    expect(breakers).toMatchObject({ connections: 1, requests: 1, pendingRequests: 1 });
    expect(stats).toContain('upstream_cx_overflow');
    release(requests[0]!);
    await first.response.settled();
    await eventually(() => requests.length === 2);
    expect(second.stream?.reused).toBe(true);
    release(requests[1]!);
    await second.response.settled();
  });

  it('answers what HTTP/1.1 would refuse as HTTP/1.1 does, and nothing else on the socket is lost', async () => {
    answer = hold;
    const { pool } = start();
    const other = new Call(pool);
    await eventually(() => requests.length === 1);
    for (const path of ['no-slash', 'ftp://app/']) {
      const { response } = await new Call(pool, request('GET', path)).response.settled();
      expect([path, response?.status]).toEqual([path, 400]);
    }
    const elsewhere = { ...request('GET', '/'), authority: 'a"b' };
    expect((await new Call(pool, elsewhere).response.settled()).response?.status).toBe(400);
    const named = new Call(pool, request('GET', 'http://other/here', { te: 'gzip' }));
    await eventually(() => requests.length === 2);
    const { head } = requests[1]!.stream;
    expect([head.authority, head.path, head.headers.get('te')]).toEqual(['other', '/here', undefined]);
    expect(connections.map(({ protocol }) => protocol)).toEqual(['HTTP/1.1']);
    expect(counted).not.toContain('tx_reset');
    for (const received of requests) release(received);
    for (const call of [other, named]) expect((await call.response.settled()).response?.status).toBe(200);
    expect(sockets.length).toBe(1);
  });

  it('retires a lane after the requests that a connection may carry', async () => {
    const { pool, stats } = start({}, { maxRequestsPerConnection: 1 });
    for (let i = 0; i < 3; i++) {
      const call = new Call(pool);
      await call.response.settled();
      expect(call.stream?.reused).toBe(false);
    }
    expect(stats.filter((stat) => stat === 'upstream_cx_destroy').length).toBe(3);
    expect(pool.activeConnections).toBe(0);
  });

  it('tells a lost stream as a lost connection, and only that one', async () => {
    answer = hold;
    const { pool } = start();
    const lost = new Call(pool);
    const other = new Call(pool);
    await eventually(() => requests.length === 2);
    requests[0]!.stream.reset('local_reset');
    expect((await lost.response.settled()).resetReason?.reason).toBe('connection_termination');
    release(requests[1]!);
    expect((await other.response.settled()).response?.status).toBe(200);
    expect(pool.activeConnections).toBe(1);
  });

  it('takes another socket when the first is lost, and when the peer goes away', async () => {
    const { pool, breakers } = start();
    await new Call(pool).response.settled();
    sockets[0]!.destroy();
    await eventually(() => pool.activeConnections === 0);
    expect(breakers.connections).toBe(0);
    await new Call(pool).response.settled();
    connections[1]!.drain();
    await eventually(() => pool.activeConnections === 0);
    await new Call(pool).response.settled();
    expect(sockets.length).toBe(3);
  });

  it('passes an upgrade on, and bytes both ways', async () => {
    answer = (received) => {
      received.stream.sendHead({ status: 101, headers: Headers.of({ upgrade: 'websocket' }) }, false);
      received.onData = (chunk) => received.stream.sendData(chunk);
      received.onEnd = () => received.stream.sendEnd();
    };
    const { pool } = start();
    const call = await new Call(pool, null).decided();
    call.stream!.sendHead(request('GET', '/chat', { upgrade: 'websocket' }), false);
    call.stream!.sendData(Buffer.from('ping'));
    await call.response.until(() => call.response.body === 'ping');
    expect(call.response.response?.status).toBe(101);
    expect(requests[0]!.stream.head.headers.get('upgrade')).toBe('websocket');
    call.stream!.sendEnd();
    await call.response.settled();
    expect(call.response.ended).toBe(true);
  });

  it('tells an answer without a body from one whose body is empty', async () => {
    answer = ({ stream }) => {
      const bodyless = stream.head.path === '/none';
      stream.sendHead({ status: 200, headers: new Headers() }, bodyless);
      if (!bodyless) stream.sendEnd();
    };
    const { pool } = start();
    const endings = new Map<string, boolean>();
    for (const path of ['/none', '/empty']) {
      const call = new Call(pool, request('GET', path));
      const { response } = call;
      const told = response.head.bind(response);
      response.head = (head, endStream) => {
        endings.set(path, endStream);
        told(head, endStream);
      };
      await response.settled();
      expect(response.ended).toBe(true);
    }
    expect([...endings]).toEqual([
      ['/none', true],
      ['/empty', false],
    ]);
  });

  it('is plain HTTP/1.1 with a proxy that does not know the offer', async () => {
    alpn = ['h2', 'http/1.1'];
    answer = hold;
    const { pool } = start();
    const calls = [new Call(pool), new Call(pool), new Call(pool)];
    await eventually(() => requests.length === 3);
    expect(sockets.length).toBe(3);
    expect(connections[0]!.protocol).toBe('HTTP/1.1');
    for (const received of requests) release(received);
    for (const call of calls) expect((await call.response.settled()).response?.status).toBe(200);
  });

  it('fails everything that waits when the handshake fails', async () => {
    const { pool } = start({}, { connect: () => connect(1, '127.0.0.1') });
    const calls = [new Call(pool), new Call(pool)];
    for (const call of calls) expect((await call.decided()).failure?.reason).toBe('remote_connection_failure');
  });

  it('ends every lane when the pool closes', async () => {
    answer = hold;
    const { pool, breakers } = start();
    const call = new Call(pool);
    await eventually(() => requests.length === 1);
    pool.close();
    expect(call.response.resetReason?.reason).toBe('connection_termination');
    expect(breakers).toMatchObject({ connections: 0, requests: 0 });
    if (!sockets[0]!.destroyed) await once(sockets[0]!, 'close');
  });
});
