import { connect, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { HostPool } from '../../../server/data-plane/http/codec.ts';
import { Stats } from '../../../server/data-plane/stats/stats.ts';
import { registerBreakers } from '../../../server/data-plane/upstream/pool-breakers.ts';
import { listen, ManualClock } from './harness.ts';
import { Call, request, ScriptedServer, startPool } from './pool-harness.ts';

let server: ScriptedServer;

afterEach(() => server.close());

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** Answers each request head at once. */
function answering(text = OK): Promise<ScriptedServer> {
  return ScriptedServer.start((socket) => socket.write(text));
}

const silent = (): Promise<ScriptedServer> => ScriptedServer.start(() => undefined);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function eventually(test: () => boolean): Promise<void> {
  while (!test()) await turn();
}

describe('a host pool', () => {
  it('uses one connection for one request after another', async () => {
    server = await answering();
    const { pool, breakers } = startPool(server.port);
    for (let i = 0; i < 3; i++) {
      const call = new Call(pool);
      await call.response.settled();
      expect(call.response.body).toBe('ok');
      expect(call.stream?.reused).toBe(i > 0);
    }
    expect(server.sockets.length).toBe(1);
    expect(pool).toMatchObject({ activeConnections: 1, activeStreams: 0, pendingStreams: 0 });
    expect(breakers).toMatchObject({ connections: 1, requests: 0, pendingRequests: 0 });
    pool.close();
    expect(breakers.connections).toBe(0);
  });

  it('takes the connection that was used last', async () => {
    server = await answering();
    const { pool } = startPool(server.port);
    const first = new Call(pool);
    const second = new Call(pool);
    await Promise.all([first.response.settled(), second.response.settled()]);
    const third = new Call(pool, null);
    const lastUsed = third.stream!.localAddress;
    third.stream!.sendHead(request(), true);
    await third.response.settled();
    const fourth = new Call(pool);
    expect(fourth.stream!.localAddress).toBe(lastUsed);
    await fourth.response.settled();
    expect(server.sockets.length).toBe(2);
    pool.close();
  });

  it('fails everything that waits when the host refuses connections, in Envoy’s words', async () => {
    server = await silent();
    const closed = createServer();
    const port = await listen(closed);
    closed.close();
    const { pool, breakers, stats } = startPool(port);
    const calls = [new Call(pool), new Call(pool)];
    for (const call of calls) {
      await call.decided();
      expect(call.failure).toEqual({
        reason: 'remote_connection_failure',
        detail: 'delayed connect error: Connection refused',
      });
    }
    await eventually(() => breakers.connections === 0);
    expect(breakers.pendingRequests).toBe(0);
    expect(stats).toContain('upstream_cx_connect_fail');
  });

  it('gives up on a handshake that takes too long', async () => {
    server = await silent();
    const clock = new ManualClock();
    const { pool, stats } = startPool(
      server.port,
      {},
      { clock, connectTimeoutMs: 100, transport: { handshake: () => undefined } },
    );
    const call = new Call(pool);
    await eventually(() => server.sockets.length === 1);
    clock.advance(101);
    await call.decided();
    expect(call.failure).toEqual({ reason: 'connection_timeout', detail: '' });
    expect(stats).toContain('upstream_cx_connect_timeout');
  });

  it('opens no more connections than the breaker allows; the rest waits its turn', async () => {
    server = await answering();
    const { pool, breakers, stats } = startPool(server.port, { maxConnections: 1 });
    const calls = [new Call(pool), new Call(pool), new Call(pool)];
    expect(breakers.pendingRequests).toBe(3);
    for (const call of calls) await call.response.settled();
    expect(server.sockets.length).toBe(1);
    expect(stats).toContain('upstream_cx_overflow');
    pool.close();
  });

  it('counts an overflow for each request that begins to wait, and each time that one waits on', async () => {
    server = await answering();
    const { pool, stats } = startPool(server.port, { maxConnections: 1 });
    const calls = [new Call(pool), new Call(pool), new Call(pool), new Call(pool)];
    for (const call of calls) await call.response.settled();
    // Three find the limit; the first answers, each of them and the one before, leave 3, 2 and 1 waiting.
    expect(stats.filter((stat) => stat === 'upstream_cx_overflow').length).toBe(6);
    pool.close();
  });

  it('opens no more connections than the host may have by itself', async () => {
    server = await answering();
    let pool: HostPool | undefined;
    const started = startPool(server.port, {}, { hostIsFull: () => (pool?.activeConnections ?? 0) >= 2 });
    pool = started.pool;
    const calls = Array.from({ length: 4 }, () => new Call(started.pool));
    for (const call of calls) await call.response.settled();
    expect(server.sockets.length).toBe(2);
    pool.close();
  });

  it('connects ahead of the streams that there are', async () => {
    server = await silent();
    const { pool, breakers } = startPool(server.port, {}, { preconnectRatio: 1.5 });
    const calls = [new Call(pool), new Call(pool)];
    for (const call of calls) await call.decided();
    expect(breakers.connections).toBe(3);
    const third = new Call(pool);
    await third.decided();
    expect(breakers.connections).toBe(5);
    pool.close();
    expect(breakers.connections).toBe(0);
  });

  it('goes to a further address of the host where the first refuses', async () => {
    server = await answering();
    const closed = createServer();
    const port = await listen(closed);
    closed.close();
    const further = [() => connect(port, '127.0.0.1'), () => connect(server.port, '127.0.0.1')];
    const { pool, stats, breakers } = startPool(port, {}, { further });
    const call = new Call(pool);
    await call.response.settled();
    expect(call.response.body).toBe('ok');
    expect(stats.filter((stat) => stat === 'upstream_cx_total').length).toBe(3);
    expect(stats).not.toContain('upstream_cx_connect_fail');
    pool.close();
    expect(breakers.connections).toBe(0);
  });

  it('does not wait long for an address that says nothing, and fails with the last of them', async () => {
    server = await silent();
    const clock = new ManualClock();
    const closed = createServer();
    const port = await listen(closed);
    closed.close();
    // Its name is looked up for ever.
    const never = () => connect({ host: 'never', port, lookup: () => undefined });
    const { pool } = startPool(port, {}, { clock, connect: never, further: [() => connect(port, '127.0.0.1')] });
    const call = new Call(pool);
    clock.advance(300);
    await turn();
    expect(call.failure).toBeUndefined();
    clock.advance(5000);
    await call.decided();
    expect(call.failure).toEqual({ reason: 'connection_timeout', detail: '' });
  });

  it('refuses with overflow when too much waits', async () => {
    server = await silent();
    const { pool, stats } = startPool(server.port, { maxConnections: 1, maxPendingRequests: 1 });
    const waiting = new Call(pool);
    const refused = new Call(pool);
    expect(refused.failure).toEqual({ reason: 'overflow', detail: 'no more requests may wait for a connection' });
    expect(stats).toContain('upstream_rq_pending_overflow');
    await waiting.decided();
    expect(waiting.stream).toBeDefined();
    pool.close();
  });

  it('refuses with overflow when the cluster has its number of requests, counted over all hosts', async () => {
    server = await silent();
    const { pool, breakers } = startPool(server.port, { maxRequests: 1 });
    breakers.requests = 1;
    const call = new Call(pool);
    await call.decided();
    expect(call.failure?.reason).toBe('overflow');
    breakers.requests = 0;
    const next = new Call(pool);
    await next.decided();
    expect(next.stream).toBeDefined();
    expect(new Call(pool).failure ?? 'waits').toBe('waits');
    pool.close();
  });

  it('forgets a request that gave up waiting', async () => {
    server = await answering();
    const { pool, breakers } = startPool(server.port);
    const call = new Call(pool);
    call.cancel();
    call.cancel();
    expect(breakers.pendingRequests).toBe(0);
    await eventually(() => server.sockets.length === 1);
    expect(call.stream).toBeUndefined();
    pool.close();
  });

  it('closes a connection after its number of requests', async () => {
    server = await answering();
    const { pool, stats } = startPool(server.port, {}, { maxRequestsPerConnection: 2 });
    for (let i = 0; i < 4; i++) await new Call(pool).response.settled();
    expect(server.sockets.length).toBe(2);
    expect(stats.filter((stat) => stat === 'upstream_cx_max_requests').length).toBe(2);
    pool.close();
  });

  it('counts that a connection has had its requests when the last of them begins', async () => {
    server = await silent();
    const { pool, stats } = startPool(server.port, {}, { maxRequestsPerConnection: 1 });
    await new Call(pool).decided();
    expect(stats).toContain('upstream_cx_max_requests');
    pool.close();
  });

  it('opens one connection beyond the limit for a host that has none, counts that once, and keeps the breaker open when it has gone', async () => {
    server = await silent();
    const { pool, breakers, stats } = startPool(server.port, { maxConnections: 0 });
    const overflows = (): number => stats.filter((stat) => stat === 'upstream_cx_overflow').length;
    const figures = new Stats();
    registerBreakers(figures, '', { breakers, trackRemaining: false, pools: () => 0 });
    expect(figures.values().get('cx_open')).toBe(0);
    const active = await new Call(pool).decided();
    const waiting = [new Call(pool), new Call(pool)];
    expect([overflows(), pool.activeConnections]).toEqual([3, 1]);
    active.stream!.reset('local_reset');
    expect([overflows(), pool.activeConnections]).toEqual([4, 1]);
    for (const call of waiting) call.cancel();
    pool.close();
    expect([pool.activeConnections, figures.values().get('cx_open')]).toEqual([0, 1]);
  });

  it('closes an idle connection after the idle timeout, not one in use', async () => {
    server = await answering();
    const clock = new ManualClock();
    const { pool } = startPool(server.port, {}, { clock, idleTimeoutMs: 1000 });
    await new Call(pool).response.settled();
    clock.advance(900);
    const busy = new Call(pool, null);
    clock.advance(5000);
    busy.stream!.sendHead(request(), true);
    await busy.response.settled();
    expect(server.sockets.length).toBe(1);
    clock.advance(1001);
    expect(pool.activeConnections).toBe(0);
  });

  it('ends a connection that has lived its time, once it is free', async () => {
    server = await answering();
    const clock = new ManualClock();
    const { pool, stats } = startPool(server.port, {}, { clock, maxConnectionDurationMs: 1000 });
    await new Call(pool).response.settled();
    const busy = new Call(pool, null);
    clock.advance(1001);
    expect(stats).toContain('upstream_cx_max_duration_reached');
    expect(pool.activeConnections).toBe(1);
    busy.stream!.sendHead(request(), true);
    await busy.response.settled();
    await eventually(() => pool.activeConnections === 0);
    await new Call(pool).response.settled();
    expect(server.sockets.length).toBe(2);
    clock.advance(1001);
    expect(pool.activeConnections).toBe(0);
  });

  it('tells a request that a reused connection lost before any byte of its response', async () => {
    server = await ScriptedServer.start((socket, _text, connection) => {
      if (server.received[connection]!.split('\r\n\r\n').length === 2) socket.write(OK);
      else socket.destroy();
    });
    const { pool } = startPool(server.port);
    await new Call(pool).response.settled();
    const call = new Call(pool);
    await call.response.settled();
    expect(call.response.resetReason).toEqual({ reason: 'connection_termination', detail: '' });
    expect(call.stream).toMatchObject({ reused: true, requestStarted: true, responseBytes: 0 });
    expect(pool.activeConnections).toBe(0);
  });

  it('drops a connection on which the server speaks unasked or leaves, and opens another', async () => {
    server = await answering();
    const { pool, stats } = startPool(server.port);
    await new Call(pool).response.settled();
    server.sockets[0]!.write('HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n');
    await eventually(() => pool.activeConnections === 0);
    await new Call(pool).response.settled();
    server.sockets[1]!.end();
    await eventually(() => pool.activeConnections === 0);
    expect(stats).not.toContain('upstream_cx_protocol_error');
    await new Call(pool).response.settled();
    server.sockets[2]!.write(OK);
    await eventually(() => pool.activeConnections === 0);
    expect(stats.filter((stat) => stat === 'upstream_cx_protocol_error').length).toBe(1);
    await new Call(pool).response.settled();
    expect(server.sockets.length).toBe(4);
    pool.close();
  });

  it('lets current streams end when it drains, then keeps nothing', async () => {
    server = await silent();
    const { pool } = startPool(server.port);
    const call = await new Call(pool).decided();
    await eventually(() => server.sockets.length === 1);
    pool.drain();
    expect(new Call(pool).failure?.reason).toBe('local_reset');
    server.sockets[0]!.write(OK);
    await call.response.settled();
    expect(call.response.body).toBe('ok');
    await eventually(() => pool.activeConnections === 0);
  });

  it('resets streams and refuses waiters when it closes', async () => {
    server = await silent();
    const { pool, breakers } = startPool(server.port);
    const active = await new Call(pool).decided();
    const waiting = new Call(pool);
    pool.close();
    expect(active.response.resetReason?.reason).toBe('connection_termination');
    expect(waiting.failure?.reason).toBe('local_reset');
    expect(breakers).toMatchObject({ connections: 0, requests: 0, pendingRequests: 0 });
  });

  it('closes the connection of a stream that is reset', async () => {
    server = await silent();
    const { pool } = startPool(server.port);
    const call = await new Call(pool).decided();
    await eventually(() => server.received[0]?.endsWith('\r\n\r\n') === true);
    call.stream!.reset('local_reset');
    expect(pool.activeConnections).toBe(0);
    expect(call.response.resetReason).toBeUndefined();
    await new Promise<void>((resolve) => server.sockets[0]!.once('close', () => resolve()));
  });

  it('reports a connect function that throws as an immediate failure', async () => {
    server = await silent();
    const { pool } = startPool(
      server.port,
      {},
      {
        connect: () => {
          throw Object.assign(new Error('no'), { code: 'EADDRNOTAVAIL' });
        },
      },
    );
    const call = await new Call(pool).decided();
    expect(call.failure?.detail).toBe('immediate connect error: Cannot assign requested address');
  });

  it('works on sockets that are connected already', async () => {
    server = await answering();
    const socket = connect(server.port, '127.0.0.1');
    await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
    const { pool } = startPool(server.port, {}, { connect: () => socket });
    const call = new Call(pool);
    await call.response.settled();
    expect(call.response.body).toBe('ok');
    pool.close();
  });
});
