import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { errorMessage, pause } from '#domain';
import type { BindAddress, ContainerContext, WorkloadImage } from '../doors.ts';
import { goDurationMs, goHeaders, hostOf, peerOf, protoOf } from '../net/go-request.ts';
import { serveGrpc } from '../net/grpc-server.ts';
import { type ServerTls, serveWeb, tlsOf } from '../net/web-server.ts';
import { type EchoAppFlags, readFlags } from './echo-app-flags.ts';
import { registerEchoService } from './echo-app-grpc.ts';
import { echoField as field } from './echo-field.ts';
import { echoWebSocket } from './web-socket.ts';

const SERVER_FIRST = 'server-first-protocol\n';

/** Istio's own test server (`gcr.io/istio-testing/app`): HTTP, gRPC and TCP ports by flags, each telling a request back line by line. */
const echoApp = (name: string): WorkloadImage => ({
  name,
  start: async (found) => {
    const flags = readFlags([...found.command, ...found.args]);
    const context: ContainerContext = {
      ...found,
      listenTcp: (port, onConnection) => found.listenTcp(port, onConnection, bindAddress(flags, port)),
    };
    const tls = serverTls(context, flags);
    const tlsOn = (port: number): ServerTls | undefined => (flags.tlsPorts.has(port) ? tls : undefined);
    for (const port of flags.httpPorts) {
      const secure = tlsOn(port);
      const onUpgrade = echoWebSocket('/', {
        before: (request) => requestText(context, flags, port, request),
        after: 'StatusCode=200\n',
      });
      await serveWeb(context, port, httpHandler(context, flags, port), {
        onUpgrade,
        ...(secure && { tls: () => secure }),
      });
      context.log(`info\tListening HTTP/1.1 on ${port}`);
    }
    for (const port of flags.grpcPorts) {
      await serveGrpc(context, port, (server) => registerEchoService(server, context, { flags, port }), tlsOn(port));
      context.log(`info\tListening GRPC on ${port}`);
    }
    for (const port of flags.tcpPorts) {
      await listenTcp(context, port, (socket) => echoTcp(context, flags, port, socket), tlsOn(port));
      context.log(`info\tListening TCP on ${port}`);
    }
  },
});

/** The Gateway API's conformance suite has it as the backend of its tests of meshes. */
export const echoAppImages: readonly WorkloadImage[] = [echoApp('app'), echoApp('echo-advanced')];

const bindAddress = ({ localhostPorts, podIpPorts }: EchoAppFlags, port: number): BindAddress | undefined =>
  localhostPorts.has(port) ? 'loopback' : podIpPorts.has(port) ? 'pod' : undefined;

function serverTls({ readFile }: ContainerContext, { certFile, keyFile }: EchoAppFlags): ServerTls | undefined {
  const cert = readFile(certFile);
  const key = readFile(keyFile);
  return cert && key && { cert, key };
}

async function listenTcp(
  context: ContainerContext,
  port: number,
  echo: (socket: Socket) => void,
  tls: ServerTls | undefined,
): Promise<void> {
  if (tls === undefined) return context.listenTcp(port, echo);
  const secure = createTlsServer({ key: tls.key, cert: tls.cert }, echo);
  secure.on('tlsClientError', () => undefined);
  await context.listenTcp(port, (socket) => secure.emit('connection', socket));
}

const httpHandler =
  (context: ContainerContext, flags: EchoAppFlags, port: number) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    request.resume();
    const url = new URL(request.url ?? '/', 'http://echo');
    const respond = async (): Promise<void> => {
      await pause(context, goDurationMs(url.searchParams.get('delay') ?? '') ?? 0);
      for (const pair of (url.searchParams.get('headers') ?? '').split(',')) {
        const colon = pair.indexOf(':');
        if (colon > 0) response.appendHeader(pair.slice(0, colon).trim(), pair.slice(colon + 1).trim());
      }
      const status = chosenCode(url.searchParams.get('codes') ?? '', context.random.next());
      const body = requestText(context, flags, port, request);
      response.writeHead(status, { 'content-type': 'application/text', 'content-length': Buffer.byteLength(body) });
      response.end(body);
    };
    respond().catch((thrown: unknown) => {
      context.log(`error\t${errorMessage(thrown)}`);
      response.destroy();
    });
  };

/** `500:1,200:1`: one of the codes by the slices behind it. */
function chosenCode(text: string, chance: number): number {
  const choices = text
    .split(',')
    .filter((each) => each !== '')
    .map((each) => ({ code: Number(each.split(':')[0]), slices: Number(each.split(':')[1] ?? 1) }));
  let left = chance * choices.reduce((sum, { slices }) => sum + slices, 0);
  for (const { code, slices } of choices) {
    left -= slices;
    if (left < 0) return code >= 100 && code <= 599 ? code : 400;
  }
  return 200;
}

/** The request, one `Field=value` a line. */
function requestText(context: ContainerContext, flags: EchoAppFlags, port: number, request: IncomingMessage): string {
  const socket = tlsOf(request);
  const headers = Object.entries(goHeaders(request)).flatMap(([name, values]) =>
    values.map((value) => `RequestHeader=${name}:${value}\n`),
  );
  return [
    `ServiceVersion=${flags.version}\nServicePort=${port}\nHost=${hostOf(request)}\nURL=${request.url}\n`,
    field('Cluster', flags.cluster),
    field('IstioVersion', flags.istioVersion),
    field('Namespace', context.env['NAMESPACE']),
    `Method=${request.method}\nProto=${protoOf(request)}\nIP=${peerOf(request)}\n`,
    field('Alpn', socket?.alpnProtocol || undefined),
    field('Sni', socket?.servername || undefined),
    ...headers,
    field('Hostname', context.env['HOSTNAME']),
  ].join('');
}

/** The fields once, after the first bytes have come, then every byte back. */
function echoTcp(context: ContainerContext, flags: EchoAppFlags, port: number, socket: Socket): void {
  socket.on('error', () => socket.destroy());
  if (flags.serverFirstPorts.has(port)) socket.write(SERVER_FIRST);
  let told = false;
  const tell = (): void => {
    if (told) return;
    told = true;
    socket.write(
      [
        'StatusCode=200\n',
        field('Cluster', flags.cluster),
        field('IstioVersion', flags.istioVersion),
        field('Namespace', context.env['NAMESPACE']),
        `ServiceVersion=${flags.version}\nServicePort=${port}\nIP=${socket.remoteAddress ?? ''}\nProto=TCP\n`,
        field('Hostname', context.env['HOSTNAME']),
      ].join(''),
    );
  };
  socket.on('data', (bytes) => {
    tell();
    socket.write(bytes);
  });
  socket.on('end', () => {
    tell();
    socket.end();
  });
}
