import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** A request as it reached an upstream. */
export interface Received {
  readonly version: string;
  readonly method: string;
  readonly url: string;
  /** Names in lower case, in the order in which they came. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** Upstreams under the test's control. Each request carries its own id in the User-Agent header. */
export interface EchoServers {
  listen(version: string, ip: string, port: number): Promise<void>;
  received(id: string): readonly Received[];
  stop(): void;
}

/**
 * Answers `<version> <method> <url>`. Request headers steer it: `x-echo-status`, `x-echo-delay-ms`, `x-echo-fail-times` (so many 503 first),
 * `x-echo-reset: before` (closes the connection without an answer) or `middle` (after half of the answer).
 */
export function createEchoServers(): EchoServers {
  const byId = new Map<string, Received[]>();
  const servers: Server[] = [];
  const serve = async (version: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const headers = pairs(request.rawHeaders);
    const id = request.headers['user-agent'] ?? '';
    const { method = '', url = '' } = request;
    const earlier = byId.get(id) ?? [];
    byId.set(id, earlier);
    const mine: { -readonly [Key in keyof Received]: Received[Key] } = { version, method, url, headers, body: '' };
    earlier.push(mine);
    const failing = earlier.length <= Number(request.headers['x-echo-fail-times'] ?? 0);
    for await (const chunk of request) mine.body += String(chunk);
    setTimeout(() => answer(request, response, { version, failing }), Number(request.headers['x-echo-delay-ms'] ?? 0));
  };
  return {
    listen: (version, ip, port) =>
      new Promise((resolve, reject) => {
        const server = createServer((request, response) => {
          serve(version, request, response).catch(() => response.destroy());
        });
        servers.push(server);
        server.once('error', reject);
        server.listen(port, ip, () => resolve());
      }),
    received: (id) => byId.get(id) ?? [],
    stop: () => {
      for (const server of servers) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { version, failing }: { readonly version: string; readonly failing: boolean },
): void {
  const reset = request.headers['x-echo-reset'];
  if (reset === 'before') {
    request.socket.destroy();
    return;
  }
  const text = `${version} ${request.method} ${request.url}\n`;
  response.statusCode = failing ? 503 : Number(request.headers['x-echo-status'] ?? 200);
  response.setHeader('x-version', version);
  response.setHeader('x-internal', 'secret');
  if (response.statusCode === 204) {
    response.end();
    return;
  }
  response.setHeader('content-type', 'text/plain');
  response.setHeader('content-length', Buffer.byteLength(text));
  if (reset === 'middle') {
    response.write(text.slice(0, 4), () => request.socket.destroy());
    return;
  }
  response.end(text);
}

function pairs(raw: readonly string[]): (readonly [string, string])[] {
  return raw.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), raw[i + 1] ?? ''] as const] : []));
}
