import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { furtherFields, readProxyHeader } from '../../../../server/data-plane/listener/proxy-header.ts';
import { type LogMessage, startLogReceiver } from '../../../mesh/log-receiver.ts';
import { startAuthorizer } from './authorizer.ts';
import { startLimiter } from './limiter.ts';
import { serveTunnel } from './tunnel-host.ts';

/** A request as it reached a host. */
export interface Arrived {
  readonly host: string;
  readonly method: string;
  readonly path: string;
  /** Names in lower case, in the order in which they came. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly trailers: Readonly<Record<string, string>>;
}

/** Servers under the test's control; each request tells its own id in the User-Agent header. */
export interface TestHosts {
  at(name: string): { readonly ip: string; readonly port: number };
  arrived(id: string): readonly Arrived[];
  /** What services of access logs were sent. */
  readonly logged: readonly LogMessage[];
  stop(): Promise<void>;
}

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;
type Kind = 'h1' | 'h2' | 'silent' | 'refusing' | 'authorizer' | 'behind' | 'logs' | 'limiter';

/**
 * Names that cases use for their hosts. `silent` accepts and never answers, nobody listens at `refusing`, `authorizer` is asked by gRPC and
 * answers what the request's header `x-check` says. `behind` expects a PROXY protocol header first, and tells it in the header
 * `proxy-protocol` of the requests that it has seen. `logs` takes access logs by gRPC. `limiter` is asked by
 * gRPC for limits, and tells what it was asked.
 */
const KINDS: Readonly<Record<string, Kind>> = {
  one: 'h1',
  two: 'h1',
  three: 'h1',
  h2: 'h2',
  'h2-two': 'h2',
  silent: 'silent',
  refusing: 'refusing',
  authorizer: 'authorizer',
  behind: 'behind',
  logs: 'logs',
  limiter: 'limiter',
  four: 'h1',
  five: 'h1',
};

const AUTHORIZER_PORT = 9001;
const LOGS_PORT = 9002;
const LIMITER_PORT = 9003;

export async function startHosts(subnet: number): Promise<TestHosts> {
  const places = new Map<string, { ip: string; port: number }>();
  const byId = new Map<string, Arrived[]>();
  const servers: { close(): Promise<void> }[] = [];
  let logged: readonly LogMessage[] = [];
  for (const [i, [name, kind]] of Object.entries(KINDS).entries()) {
    const ip = `127.${subnet}.2.${i + 1}`;
    if (kind === 'refusing') places.set(name, { ip, port: 9 });
    else if (kind === 'logs') {
      const receiver = await startLogReceiver(`${ip}:${LOGS_PORT}`);
      servers.push({ close: async () => receiver.stop() });
      logged = receiver.messages;
      places.set(name, { ip, port: LOGS_PORT });
    } else if (kind === 'limiter') {
      const limiter = await startLimiter(`${ip}:${LIMITER_PORT}`, (id, body) => {
        const asked = { host: name, method: 'ASK', path: '', headers: [], body, trailers: {} };
        byId.set(id, [...(byId.get(id) ?? []), asked]);
      });
      servers.push({ close: async () => limiter.stop() });
      places.set(name, { ip, port: LIMITER_PORT });
    } else if (kind === 'authorizer') {
      const place = { ip, port: AUTHORIZER_PORT };
      const authorizer = await startAuthorizer(`${ip}:${place.port}`, (id, asked) => {
        byId.set(id, [...(byId.get(id) ?? []), { ...asked, host: name }]);
      });
      servers.push({ close: async () => authorizer.stop() });
      places.set(name, place);
    } else {
      const server = serverOf(kind, {
        request: (request, response) => serve(name, byId, request, response),
        tunnel: (arrived, wire) => serveTunnel({ ...arrived, host: name, body: '', trailers: {} }, byId, wire),
      });
      servers.push(closable(server));
      places.set(name, { ip, port: await listen(server, ip) });
    }
  }
  return {
    at(name) {
      const place = places.get(name);
      if (place === undefined) throw new Error(`no host is called ${name}`);
      return place;
    },
    arrived: (id) => byId.get(id) ?? [],
    logged,
    async stop() {
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}

function serverOf(
  kind: 'h1' | 'h2' | 'silent' | 'behind',
  handle: {
    request(request: Request, response: Response): Promise<void>;
    tunnel(arrived: Pick<Arrived, 'method' | 'path' | 'headers'>, wire: Duplex): void;
  },
): Server {
  const onRequest = (request: Request, response: Response): void => {
    handle.request(request, response).catch(() => request.socket.destroy());
  };
  if (kind === 'silent') return createTcpServer((socket) => socket.on('error', () => undefined));
  if (kind === 'behind') return behindHeader(createServer(onRequest));
  if (kind === 'h2') {
    return createHttp2Server({ settings: { enableConnectProtocol: true } }, onRequest).on(
      'connect',
      ({ method, url, rawHeaders, stream }: Http2ServerRequest) =>
        handle.tunnel({ method, path: url, headers: pairs(rawHeaders) }, stream),
    );
  }
  const options = { keepAliveTimeout: 60_000, shouldUpgradeCallback: asksFor101 };
  const tunnel = ({ method = '', url = '', rawHeaders }: IncomingMessage, socket: Duplex, first: Buffer): void => {
    if (first.length > 0) socket.unshift(first);
    handle.tunnel({ method, path: url, headers: pairs(rawHeaders) }, socket);
  };
  return createServer(options, onRequest).on('connect', tunnel).on('upgrade', tunnel);
}

const asksFor101 = ({ headers }: IncomingMessage): boolean => headers['x-echo-status'] === '101';

const HEADERS = new WeakMap<object, string>();

/** Takes the header off, in words that are the same for both proxies: the client is on the proxy's own address, its port any. */
function behindHeader(inner: Server): Server {
  return createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (bytes: Buffer) => {
      const header = readProxyHeader(bytes);
      if (typeof header !== 'object') {
        socket.destroy();
        return;
      }
      const { version, length, addresses } = header;
      const { source, destination } = addresses ?? {};
      const from = source?.ip === destination?.ip ? 'the proxy' : source?.ip;
      const fields = furtherFields(bytes.subarray(0, length)).map(({ type, value }) => `${type}=${value}`);
      HEADERS.set(socket, [`v${version}`, `from ${from}`, `to port ${destination?.port}`, ...fields].join(' '));
      socket.unshift(bytes.subarray(length));
      inner.emit('connection', socket);
    });
  });
}

const namedClient = (socket: object): (readonly [string, string])[] => {
  const header = HEADERS.get(socket);
  return header === undefined ? [] : [['proxy-protocol', header]];
};

function closable(server: Server): { close(): Promise<void> } {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

const listen = (server: Server, ip: string): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, ip, () => resolve((server.address() as { port: number }).port));
  });

/**
 * Answers `<host> <method> <path>` and what it is told by the request's headers: `x-echo-status`, `x-echo-delay-ms`, `x-echo-fail-times`
 * (so many answers of 503, or of `x-echo-fail-status`, first), `x-echo-set` (`name: value` pairs, separated by `|`), `x-echo-trailers` (the
 * same), `x-echo-body` (the body), `x-echo-reset` (`before`: no answer, `middle`: half of one, `refused`: REFUSED_STREAM), `x-echo-bytes`
 * (JSON text: the bytes of the answer as they are).
 */
async function serve(host: string, byId: Map<string, Arrived[]>, request: Request, response: Response): Promise<void> {
  const steer = (name: string): string | undefined => [request.headers[name]].flat()[0];
  const id = steer('user-agent') ?? '';
  const earlier = byId.get(id) ?? [];
  byId.set(id, earlier);
  const headers = [...pairs(request.rawHeaders), ...namedClient(request.socket)];
  const mine = { host, method: request.method ?? '', path: request.url ?? '', headers, body: '', trailers: {} };
  earlier.push(mine);
  const failing = earlier.length <= Number(steer('x-echo-fail-times') ?? 0);
  if (steer('x-echo-early') !== undefined) answer(request, response, { host, failing, steer });
  for await (const chunk of request) mine.body += String(chunk);
  mine.trailers = { ...request.trailers };
  if (steer('x-echo-early') !== undefined) return;
  const delayMs = Number(steer('x-echo-delay-ms') ?? 0);
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
  answer(request, response, { host, failing, steer });
}

interface Steering {
  readonly host: string;
  readonly failing: boolean;
  readonly steer: (name: string) => string | undefined;
}

function answer(request: Request, response: Response, { host, failing, steer }: Steering): void {
  const reset = steer('x-echo-reset');
  if (reset === 'before' || reset === 'refused') {
    breakOff(request, response, reset);
    return;
  }
  const bytes = steer('x-echo-bytes');
  if (bytes !== undefined) {
    request.socket.end(JSON.parse(bytes) as string, 'latin1');
    return;
  }
  const text = steer('x-echo-body') ?? `${host} ${request.method} ${request.url}\n`;
  response.statusCode = failing ? Number(steer('x-echo-fail-status') ?? 503) : Number(steer('x-echo-status') ?? 200);
  response.setHeader('x-host', host);
  for (const [name, value] of listed(steer('x-echo-set'))) response.setHeader(name, value);
  const trailers = listed(steer('x-echo-trailers'));
  if (response.statusCode === 204 || response.statusCode === 304) {
    response.end();
    return;
  }
  if (!response.hasHeader('content-type')) response.setHeader('content-type', 'text/plain');
  if (trailers.length === 0) response.setHeader('content-length', Buffer.byteLength(text));
  if (reset === 'middle') {
    (response as ServerResponse).write(text.slice(0, 4), () => breakOff(request, response, reset));
    return;
  }
  if (trailers.length > 0) {
    (response as ServerResponse).write(text);
    response.addTrailers(Object.fromEntries(trailers));
    response.end();
  } else response.end(text);
}

function breakOff(request: Request, response: Response, how: string): void {
  if ('stream' in response) response.stream.close(how === 'refused' ? 7 : 2);
  else request.socket.destroy();
}

const listed = (text: string | undefined): [string, string][] =>
  (text ?? '')
    .split('|')
    .filter((pair) => pair.trim() !== '')
    .map((pair) => {
      const colon = pair.indexOf(':', 1);
      return [pair.slice(0, colon).trim(), pair.slice(colon + 1).trim()];
    });

function pairs(raw: readonly string[]): (readonly [string, string])[] {
  return raw.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), raw[i + 1] ?? ''] as const] : []));
}
