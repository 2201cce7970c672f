import { once } from 'node:events';
import type { ClientHttp2Session } from 'node:http2';
import { connect, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import type { ReceivedRequest } from '../data-plane-h1/harness.ts';
import { exchange, listen, RawClient } from '../data-plane-h1/harness.ts';
import { ask, echo, framesOf, nodeClient, startHttp2Server, type TestServer } from './harness.ts';

let server: TestServer;
let client: ClientHttp2Session;
let answer: (request: ReceivedRequest) => void = echo;

beforeEach(async () => {
  answer = echo;
  server = await startHttp2Server((request) => answer(request), { extendedConnect: true });
  client = await nodeClient(server.port);
});

afterEach(async () => {
  client.destroy();
  await server.close();
});

const post = (path = '/'): Record<string, string> => ({ ':method': 'POST', ':path': path });

describe('an HTTP/2 server connection', () => {
  it('hands over head, body and trailers as they were sent', async () => {
    const reply = await ask(client, { ...post('/a?b=c'), 'x-one': '1', te: 'trailers' }, Buffer.from('body'), {
      'x-sum': '7',
    });
    const [request] = server.requests;
    expect(request!.stream.head).toMatchObject({
      method: 'POST',
      path: '/a?b=c',
      authority: `127.0.0.1:${server.port}`,
      scheme: 'http',
      protocol: 'HTTP/2',
    });
    expect(request!.stream.head.headers.get('x-one')).toBe('1');
    expect(request!.stream.head.headers.has('host')).toBe(false);
    expect(reply).toMatchObject({ status: 200, body: Buffer.from('body') });
    expect(reply.trailers['x-sum']).toBe('7');
  });

  it('joins the crumbs of a cookie', async () => {
    await ask(client, { ':path': '/', cookie: 'a=1; b=2' });
    expect(server.requests[0]!.stream.head.headers.get('cookie')).toBe('a=1; b=2');
  });

  it('answers HEAD, 204 and 304 without a body', async () => {
    answer = ({ stream }) => {
      const status = Number(stream.head.path.slice(1));
      stream.sendHead({ status, headers: Headers.of(status === 200 ? { 'content-length': '5' } : {}) }, true);
    };
    const head = await ask(client, { ':method': 'HEAD', ':path': '/200' });
    expect(head).toMatchObject({ status: 200, body: Buffer.alloc(0) });
    expect(head.headers['content-length']).toBe('5');
    for (const status of [204, 304]) expect((await ask(client, { ':path': `/${status}` })).status).toBe(status);
  });

  it('passes on 100-continue and other notes before the answer', async () => {
    answer = (request) => {
      request.stream.sendInformational({ status: 103, headers: Headers.of({ link: '</a>' }) });
      request.stream.sendInformational({ status: 100, headers: new Headers() });
      echo(request);
    };
    const stream = client.request({ ...post(), expect: '100-continue' });
    const notes: number[] = [];
    stream.on('headers', (fields) => notes.push(Number(fields[':status'])));
    await once(stream, 'continue');
    stream.end('late');
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(stream, 'end');
    expect(Buffer.concat(chunks).toString()).toBe('late');
    expect(notes).toContain(103);
  });

  it('serves many requests at a time, each with its own body', async () => {
    const bodies = Array.from({ length: 200 }, (_, i) => Buffer.alloc(i * 97, String.fromCharCode(97 + (i % 26))));
    const replies = await Promise.all(bodies.map((body) => ask(client, post(), body)));
    for (const [i, reply] of replies.entries()) expect(reply.body.equals(bodies[i]!)).toBe(true);
    expect(server.connections.length).toBe(1);
  });

  it('moves bodies that are many times larger than all windows', async () => {
    const body = Buffer.alloc(20 * 1024 * 1024, 'mesh');
    expect((await ask(client, post(), body)).body.equals(body)).toBe(true);
  });

  it('opens a tunnel for an extended CONNECT, which reads as an upgrade', async () => {
    answer = (request) => {
      expect(request.stream.head.method).toBe('GET');
      expect(request.stream.head.headers.get('upgrade')).toBe('websocket');
      request.stream.sendHead({ status: 101, headers: Headers.of({ upgrade: 'websocket' }) }, false);
      request.onData = (chunk) => request.stream.sendData(Buffer.from(`<${chunk}>`));
      request.onEnd = () => request.stream.sendEnd();
    };
    if (client.remoteSettings.enableConnectProtocol !== true) await once(client, 'remoteSettings');
    const stream = client.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat' });
    const [head] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(head[':status']).toBe(200);
    stream.write('ping');
    const [chunk] = (await once(stream, 'data')) as [Buffer];
    expect(chunk.toString()).toBe('<ping>');
    stream.end();
    await once(stream, 'end');
  });

  it('tells a request that its client gave it up', async () => {
    const told = new Promise<string>((resolve) => {
      answer = (request) => {
        request.onReset = () => resolve(request.resetReason!.reason);
      };
    });
    const stream = client.request({ ':path': '/' });
    stream.on('error', () => undefined);
    stream.close(8);
    expect(await told).toBe('remote_reset');
  });

  it('ends the upload of a request that was answered early, and keeps the connection', async () => {
    answer = ({ stream }) => stream.sendHead({ status: 403, headers: new Headers() }, true);
    const stream = client.request(post());
    stream.on('error', () => undefined);
    stream.write('beginning');
    const [head] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(head[':status']).toBe(403);
    stream.resume();
    if (!stream.closed) await once(stream, 'close');
    expect(stream.rstCode).toBe(0);
    answer = echo;
    expect((await ask(client, { ':path': '/next' })).status).toBe(200);
  });

  it('finishes what is under way when it drains, then ends the connection', async () => {
    let finish: (() => void) | undefined;
    answer = ({ stream }) => {
      finish = () => stream.sendHead({ status: 200, headers: new Headers() }, true);
    };
    const goaway = once(client, 'goaway');
    const reply = ask(client, { ':path': '/' });
    while (finish === undefined) await new Promise<void>((resolve) => setImmediate(resolve));
    server.connections[0]!.drain();
    expect((await goaway)[0]).toBe(0);
    finish();
    expect((await reply).status).toBe(200);
    if (!client.closed) await once(client, 'close');
  });

  it('serves HTTP/1.1 on the same port', async () => {
    const text = await exchange(server.port, 'GET /one HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
    expect(text).toContain('HTTP/1.1 200 OK');
    expect(text).toContain('x-path: /one');
  });

  it('answers the same whatever way its bytes are cut', async () => {
    const bytes = await recordedRequests(server.port);
    for (let cut = 1; cut < bytes.length; cut++) {
      const raw = new RawClient(server.port);
      raw.write(bytes.subarray(0, cut));
      await new Promise<void>((resolve) => setImmediate(resolve));
      raw.write(bytes.subarray(cut));
      await raw.until((received) => endedStreams(received) === 3);
      expect(endedStreams(raw.received)).toBe(3);
      raw.socket.destroy();
    }
  });
});

const endedStreams = (received: string): number =>
  framesOf(Buffer.from(received, 'latin1')).filter(({ type, flags }) => type <= 1 && (flags & 1) === 1).length;

/** What Node's client sends for three requests, one of them with a body, one with trailers. */
async function recordedRequests(port: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const recorder = await startRecorder(port, chunks);
  const recorded = await nodeClient(recorder.port);
  await Promise.all([
    ask(recorded, { ':path': '/first', 'x-header': 'v'.repeat(300) }),
    ask(recorded, post('/second'), Buffer.alloc(40, 'b')),
    ask(recorded, post('/third'), Buffer.from('c'), { 'x-sum': '1' }),
  ]);
  recorded.destroy();
  recorder.close();
  return Buffer.concat(chunks);
}

async function startRecorder(target: number, chunks: Buffer[]): Promise<{ port: number; close: () => void }> {
  const recorder = createServer((socket) => {
    const onward = connect(target, '127.0.0.1');
    socket.on('data', (chunk) => {
      chunks.push(Buffer.from(chunk));
      onward.write(chunk);
    });
    onward.on('data', (chunk) => socket.write(chunk));
    for (const side of [socket, onward]) side.on('error', () => undefined);
    socket.on('close', () => onward.destroy());
  });
  return { port: await listen(recorder), close: () => recorder.close() };
}
