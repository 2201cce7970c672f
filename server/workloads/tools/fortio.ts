import type { IncomingMessage, ServerResponse } from 'node:http';
import { pause } from '#domain';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { goDurationMs, headerPairs, hostOf, protoOf } from '../net/go-request.ts';
import { addRawService, serveGrpc } from '../net/grpc-server.ts';
import { serveWeb } from '../net/web-server.ts';

const MAX_ECHO_BYTES = 256 * 1024;
const MAX_DELAY_MS = 10_000;

/** fortio's server: echo with faults on 8080, gRPC ping on 8079, TCP echo on 8078. `fortio load` is run by exec. */
export const fortioImage: WorkloadImage = {
  name: 'fortio',
  start: async (context) => {
    await serveWeb(context, 8080, (request, response) => {
      echo(context, request, response).catch(() => response.destroy());
    });
    await serveGrpc(context, 8079, (server) => {
      addRawService(server, 'fgrpc.PingServer', { Ping: (call, callback) => callback(null, call.request) });
      addRawService(server, 'grpc.health.v1.Health', {
        Check: (_call, callback) => callback(null, Buffer.from([8, 1])),
      });
    });
    await context.listenTcp(8078, (socket) => {
      socket.on('error', () => socket.destroy());
      socket.pipe(socket);
    });
    context.log('Fortio echo server: http on 8080, grpc on 8079, tcp on 8078');
  },
};

/** `?status=503:20,400:10`, `?delay=150us:10,2ms:5`, `?size=1024:10`: each with the share of requests in percent. */
function chosen(text: string | null, chance: number): string | undefined {
  if (text === null) return undefined;
  let left = chance * 100;
  for (const each of text.split(',')) {
    const [value = '', share] = each.split(':');
    left -= share === undefined ? 100 : Number(share);
    if (left < 0) return value;
  }
  return undefined;
}

async function echo(context: ContainerContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://fortio');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size <= MAX_ECHO_BYTES) chunks.push(bytes);
  }
  const { searchParams: asked } = url;
  const ask = (name: string): string | undefined => chosen(asked.get(name), context.random.next());
  await pause(context, Math.min(goDurationMs(ask('delay') ?? '') ?? 0, MAX_DELAY_MS));
  for (const header of asked.getAll('header')) {
    const colon = header.indexOf(':');
    if (colon > 0) response.appendHeader(header.slice(0, colon).trim(), header.slice(colon + 1).trim());
  }
  const status = Number(ask('status') ?? 200);
  const wanted = Number(ask('size') ?? -1);
  const body = url.pathname === '/debug' ? Buffer.from(debugText(context, request, chunks)) : Buffer.concat(chunks);
  const payload = wanted < 0 ? body : Buffer.alloc(Math.min(wanted, MAX_ECHO_BYTES), 'x');
  response.writeHead(status >= 100 && status <= 599 ? status : 400, {
    'content-type': 'text/plain; charset=UTF-8',
    'content-length': payload.length,
  });
  response.end(payload);
}

function debugText({ env }: ContainerContext, request: IncomingMessage, body: readonly Buffer[]): string {
  const headers = headerPairs(request).map(([name, value]) => `${name}: ${value}`);
  return [
    `Φορτίο debug server on ${env['HOSTNAME'] ?? ''}`,
    `${request.method} ${request.url} ${protoOf(request)}`,
    '',
    'headers:',
    '',
    `Host: ${hostOf(request)}`,
    ...headers,
    '',
    'body:',
    '',
    Buffer.concat([...body]).toString('utf8'),
    '',
  ].join('\n');
}
