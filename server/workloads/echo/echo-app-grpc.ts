import { type Server, status } from '@grpc/grpc-js';
import { errorMessage } from '#domain';
import type { ContainerContext } from '../doors.ts';
import { addReflection } from '../net/grpc-reflection.ts';
import { addRawService, decodeFields, encodeFields, type RawHandler } from '../net/grpc-server.ts';
import type { EchoAppFlags } from './echo-app-flags.ts';
import { echoField as field } from './echo-field.ts';
import { forwardEcho } from './forward/forward-echo.ts';
import { echoFiles, forwardRequestOf } from './forward/forward-message.ts';

const SERVICE = 'proto.EchoTestService';
const HEALTH = 'grpc.health.v1.Health';
/** The answer of grpc.health.v1 to a probe: field 1, the status, is 1. */
const SERVING = Buffer.from([8, 1]);

/**
 * `proto.EchoTestService`: `Echo` tells the call back with its message, `ForwardEcho` sends requests from this pod, as `client` does, and gives
 * what they printed. Reflection tells both, so that grpcurl needs no .proto.
 */
export function registerEchoService(
  server: Server,
  context: ContainerContext,
  { flags, port }: { readonly flags: EchoAppFlags; readonly port: number },
): void {
  addRawService(server, SERVICE, { Echo: echo(context, flags, port), ForwardEcho: forward(context) });
  addRawService(server, HEALTH, { Check: (_call, callback) => callback(null, SERVING) });
  addReflection(server, { services: [SERVICE, HEALTH], files: echoFiles() });
}

const echo =
  (context: ContainerContext, flags: EchoAppFlags, port: number): RawHandler =>
  (call, callback) => {
    const message = decodeFields(call.request).find((each) => each.field === 1)?.bytes ?? Buffer.alloc(0);
    const headers = Object.entries(call.metadata.getMap()).map(([name, value]) => `RequestHeader=${name}:${value}\n`);
    const text = [
      `Host=${call.getHost()}\nRequestHeader=:authority:${call.getHost()}\n`,
      ...headers,
      'StatusCode=200\n',
      `ServiceVersion=${flags.version}\nServicePort=${port}\n`,
      field('Cluster', flags.cluster),
      field('Namespace', context.env['NAMESPACE']),
      field('IstioVersion', flags.istioVersion),
      `IP=${call.getPeer().replace(/:\d+$/, '')}\nProto=GRPC\n`,
      `Echo=${Buffer.from(message).toString('utf8')}\n`,
      field('Hostname', context.env['HOSTNAME']),
    ].join('');
    callback(null, encodeFields([[1, text]]));
  };

const forward =
  (context: ContainerContext): RawHandler =>
  (call, callback) => {
    const answer = async (): Promise<Buffer> => {
      const request = forwardRequestOf(call.request, context.readFile);
      const stopped = new AbortController();
      call.on('cancelled', () => stopped.abort());
      const forwarded = await forwardEcho(request, context, AbortSignal.any([stopped.signal, context.signal]));
      if (forwarded === undefined) throw new Error(`no protocol handler found for scheme ${request.scheme}`);
      if ('error' in forwarded) throw new Error(forwarded.error);
      return encodeFields(forwarded.outputs.map((text) => [1, text] as const));
    };
    answer().then(
      (message) => callback(null, message),
      (thrown: unknown) => callback({ code: status.UNKNOWN, details: errorMessage(thrown) }),
    );
  };
