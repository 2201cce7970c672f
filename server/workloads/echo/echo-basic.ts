import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorMessage, pause } from '#domain';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { goDurationMs, goHeaders, hostOf, peerOf, protoOf } from '../net/go-request.ts';
import { type ServerTls, serveWeb, tlsOf } from '../net/web-server.ts';
import { serveEchoBasicGrpc } from './echo-basic-grpc.ts';
import { echoContext, portOf } from './echo-context.ts';
import { echoWebSocket } from './web-socket.ts';

/**
 * The backend of the Gateway API's conformance suite: tells each request back as JSON. HTTP on HTTP_PORT (3000), HTTP/2 without TLS on
 * H2C_PORT (3001), HTTPS on HTTPS_PORT (8443) where a certificate is given; with GRPC_ECHO_SERVER it serves gRPC instead.
 */
export const echoBasicImage: WorkloadImage = {
  name: 'echo-basic',
  start: async (context) => {
    const { env } = context;
    const tls = serverTls(context);
    if ((env['GRPC_ECHO_SERVER'] ?? '') !== '') {
      await serveEchoBasicGrpc(context, tls);
      return;
    }
    const handler = (request: IncomingMessage, response: ServerResponse): void => {
      answer(context, request, response).catch((thrown: unknown) => {
        context.log(`error: ${errorMessage(thrown)}`);
        if (!response.headersSent) response.writeHead(500).end();
      });
    };
    const options = { onUpgrade: echoWebSocket('/ws') };
    const ports = { http: portOf(env['HTTP_PORT'], 3000), h2c: portOf(env['H2C_PORT'], 3001) };
    for (const [name, port] of Object.entries(ports)) {
      await serveWeb(context, port, handler, options);
      context.log(`Starting server, listening on port ${port} (${name})`);
    }
    if (tls === undefined) return;
    const port = portOf(env['HTTPS_PORT'] ?? env['TLS_PORT'], 8443);
    await serveWeb(context, port, handler, { ...options, tls: () => tls });
    context.log(`Starting server, listening on port ${port} (https)`);
  },
};

/** What TLS_SERVER_CERT, TLS_SERVER_PRIVKEY and TLS_CLIENT_CACERTS name, when the files are there. */
function serverTls({ env, readFile }: ContainerContext): ServerTls | undefined {
  const file = (name: string): Buffer | undefined => (env[name] ? readFile(env[name]) : undefined);
  const cert = file('TLS_SERVER_CERT');
  const key = file('TLS_SERVER_PRIVKEY');
  if (cert === undefined || key === undefined) return undefined;
  const clientCa = file('TLS_CLIENT_CACERTS');
  return { cert, key, ...(clientCa === undefined ? {} : { clientCa }) };
}

async function answer(context: ContainerContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume();
  const url = new URL(request.url ?? '/', 'http://echo');
  if (url.pathname === '/health') {
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('OK');
    return;
  }
  if (url.pathname.startsWith('/status/')) {
    const [, code] = /^\/status\/(\d\d\d)$/.exec(request.url ?? '') ?? [];
    response.writeHead(Number(code ?? 400), { 'content-length': 0 }).end();
    return;
  }
  context.log(
    `Echoing back request made to ${request.url} to client (${peerOf(request)}:${request.socket.remotePort})`,
  );
  const delayMs = goDurationMs(url.searchParams.get('delay') ?? '');
  if (delayMs !== undefined) await pause(context, delayMs);
  for (const [name, value] of askedHeaders(request)) response.appendHeader(name, value);
  response.setHeader('content-type', 'application/json');
  response.setHeader('x-content-type-options', 'nosniff');
  const body = JSON.stringify(assertions(context, request), undefined, 1);
  response.writeHead(200, { 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** `X-Echo-Set-Header: name: value, other:value` asks for response headers. */
function askedHeaders(request: IncomingMessage): [string, string][] {
  return (goHeaders(request)['X-Echo-Set-Header'] ?? [])
    .flatMap((line) => line.split(','))
    .map((pair): [string, string] => {
      const colon = pair.indexOf(':');
      return colon < 0 ? [pair.trim(), ''] : [pair.slice(0, colon).trim(), pair.slice(colon + 1).trim()];
    })
    .filter(([name]) => name !== '');
}

function assertions(context: ContainerContext, request: IncomingMessage): object {
  const socket = tlsOf(request);
  const peer = socket?.getPeerX509Certificate();
  const tls = socket && {
    version: socket.getProtocol() ?? '',
    ...(peer === undefined ? {} : { peerCertificates: [peer.toString()] }),
    serverName: socket.servername || '',
    negotiatedProtocol: socket.alpnProtocol || '',
    cipherSuite: socket.getCipher().standardName,
  };
  return {
    path: request.url ?? '/',
    host: hostOf(request),
    method: request.method ?? '',
    proto: protoOf(request),
    headers: goHeaders(request),
    ...echoContext(context),
    ...(tls === undefined ? {} : { tls, sni: tls.serverName }),
  };
}
