import { type ServerUnaryCall, status } from '@grpc/grpc-js';
import type { ContainerContext } from '../doors.ts';
import { addRawService, encodeFields, type RawHandler, serveGrpc } from '../net/grpc-server.ts';
import type { ServerTls } from '../net/web-server.ts';
import { echoContext, portOf } from './echo-context.ts';

const SERVICE = 'gateway_api_conformance.echo_basic.grpcecho.GrpcEcho';

/** gRPC on GRPC_PORT (3000) and, with a certificate, over TLS on 8443: `Echo` and `EchoTwo` tell the call back. */
export async function serveEchoBasicGrpc(context: ContainerContext, tls: ServerTls | undefined): Promise<void> {
  const echo: RawHandler = (call, callback) => {
    context.log(`Echoing back gRPC request made to ${call.getPath()} (${call.getPeer()})`);
    callback(null, encodeFields([[1, assertions(context, call)]]));
  };
  const unimplemented: RawHandler = (call, callback) =>
    callback({ code: status.UNIMPLEMENTED, details: `method ${call.getPath().split('/').at(-1)} not implemented` });
  const register: Parameters<typeof serveGrpc>[2] = (server) =>
    addRawService(server, SERVICE, { Echo: echo, EchoTwo: echo, EchoThree: unimplemented });
  const port = portOf(context.env['GRPC_PORT'] ?? context.env['HTTP_PORT'], 3000);
  await serveGrpc(context, port, register);
  context.log(`Starting server, listening on port ${port} (grpc)`);
  if (tls === undefined) return;
  const tlsPort = portOf(context.env['HTTPS_PORT'], 8443);
  await serveGrpc(context, tlsPort, register, tls);
  context.log(`Starting server, listening on port ${tlsPort} (grpc over tls)`);
}

/** Method (1), headers (2), authority (3), who answers (4). */
function assertions(context: ContainerContext, call: ServerUnaryCall<Buffer, Buffer>): Buffer {
  const { namespace, ingress, service, pod } = echoContext(context);
  const headers = Object.entries(call.metadata.toHttp2Headers()).flatMap(([key, values]) =>
    (Array.isArray(values) ? values : [values]).map((value) =>
      encodeFields([
        [1, key],
        [2, String(value ?? '')],
      ]),
    ),
  );
  const who = encodeFields([
    [1, namespace],
    [2, ingress],
    [3, service],
    [4, pod],
  ]);
  return encodeFields([
    [1, call.getPath()],
    ...headers.map((header) => [2, header] as const),
    [3, call.getHost()],
    [4, who],
  ]);
}
