import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import WebSocket from 'ws';
import type { Clock } from '#domain';
import { secured } from '../../http-client.ts';
import { hostAndPort } from './address.ts';
import { bodyLines, type Forwarded, tlsInit } from './lines.ts';
import type { EchoRequest, EchoWorld } from './request.ts';

const SERVER_FIRST = 'server-first-protocol\n';
const MAX_ANSWER = 1_048_576;

/** `tcp://`: sends the message with a line's end, reads until it has come back. */
export async function forwardTcp(request: EchoRequest, world: EchoWorld): Promise<Forwarded> {
  const { host, port } = hostAndPort(request.url);
  const raw = await world.dial(host, port);
  const socket = request.tls.cert === undefined ? raw : await secured(raw, host, tlsInit(request.tls, request.host));
  const head = [`SourceIP=${raw.localAddress ?? ''}`, `Url=${request.url}`, `Echo=${request.message}`];
  try {
    const answer = readAnswer(socket, { request, clock: world.clock });
    if (!request.serverFirst) socket.write(`${request.message}\n`);
    const lines = [...head, ...bodyLines(await answer)];
    const expected = request.expected ?? 'StatusCode=200';
    if (!lines.some((line) => line.includes(expected)))
      throw new Error(`expect to recv message with ${expected}, got ${lines.length - head.length} lines without it`);
    return lines;
  } finally {
    socket.destroy();
  }
}

/** Until the message or the end; a server that speaks first is heard before the message is sent. */
function readAnswer(
  socket: Socket,
  { request, clock }: { readonly request: EchoRequest; readonly clock: Clock },
): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    let waits = request.serverFirst;
    const timer = clock.after(request.timeoutMs, () => end(() => reject(new Error(`read tcp: i/o timeout`))));
    const end = (act: () => void): void => {
      timer.cancel();
      act();
    };
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('utf8');
      if (waits && text.includes('\n')) {
        if (!text.startsWith(SERVER_FIRST))
          end(() => reject(new Error(`did not receive magic string. Want ${JSON.stringify(SERVER_FIRST)}`)));
        waits = false;
        text = text.slice(SERVER_FIRST.length);
        socket.write(`${request.message}\n`);
      }
      if (text.includes(request.message) || text.length > MAX_ANSWER) end(() => resolve(text));
    });
    socket.once('error', (error) => end(() => reject(error)));
    socket.once('close', () => end(() => resolve(text)));
    socket.once('end', () => end(() => resolve(text)));
  });
}

/** `tls://`: a handshake, what was agreed on, and the certificates that the server showed. */
export async function forwardTls(request: EchoRequest, world: EchoWorld): Promise<Forwarded> {
  const { host, port } = hostAndPort(request.url);
  const startedMs = world.clock.monotonic();
  const raw = await world.dial(host, port);
  const socket = (await secured(raw, host, { alpn: [], ...tlsInit(request.tls, undefined) })) as TLSSocket;
  try {
    const shown = socket.getPeerX509Certificate();
    const pems = shown === undefined ? [] : [shown.toString()];
    return [
      `Url=${request.url}`,
      `Latency=${(world.clock.monotonic() - startedMs).toFixed(3)}ms`,
      `Cipher=${socket.getCipher().standardName}`,
      `Version=${(socket.getProtocol() ?? '').replace('TLSv', '').replace(/^1$/, '1.0')}`,
      `ServerName=${request.tls.serverName ?? ''}`,
      `Alpn=${socket.alpnProtocol || ''}`,
      ...bodyLines(pems.map((pem, at) => `Response${at}=${JSON.stringify(pem)}`).join('\n')),
    ];
  } finally {
    socket.destroy();
  }
}

/** `ws://`: one message, one answer. */
export async function forwardWebSocket(request: EchoRequest, world: EchoWorld): Promise<Forwarded> {
  const { host, port } = hostAndPort(request.url, 80);
  const startedMs = world.clock.monotonic();
  const raw = await world.dial(host, port);
  const headers: Record<string, string> = { testwebsocket: 'enabled' };
  for (const [name, value] of request.headers) headers[name] = value;
  if (request.host !== undefined) headers['Host'] = request.host;
  const options = { createConnection: () => raw, headers, handshakeTimeout: request.timeoutMs };
  const socket = new WebSocket(request.url, options);
  const timer = world.clock.after(request.timeoutMs, () => socket.terminate());
  try {
    const answer = await new Promise<string>((resolve, reject) => {
      socket.once('open', () => socket.send(request.message));
      socket.once('message', (data) => resolve(String(data)));
      socket.once('unexpected-response', (_sent, { statusCode }) =>
        reject(new Error(`websocket: bad handshake (${statusCode})`)),
      );
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('websocket: close 1006 (abnormal closure): unexpected EOF')));
    });
    return [
      `Url=${request.url}`,
      ...request.headers.map(([name, value]) => `Header=${name}:${value}`),
      `Echo=${request.message}`,
      `Latency=${(world.clock.monotonic() - startedMs).toFixed(3)}ms`,
      'ActiveRequests=1',
      ...bodyLines(answer),
    ];
  } finally {
    timer.cancel();
    socket.terminate();
    raw.destroy();
  }
}
