import type { ClientHttp2Session } from 'node:http2';
import { errorMessage } from '#domain';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { labHeaders, pickHeaders } from '../forward-headers.ts';
import { decodeFields, encodeFields } from '../net/grpc-server.ts';
import { json } from '../respond.ts';
import { envNumber, serve } from '../serve.ts';
import { GREETER } from './greeter.ts';
import { callUnary, connectionOver, deadlineExceeded, type RpcOutcome, unavailable } from './unary-call.ts';

const TIMEOUT_MS = 5000;

/** Where one call goes. */
interface Channel {
  readonly authority: string;
  connection(call: {
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
  }): Promise<ClientHttp2Session>;
}

/**
 * A program that greets by gRPC: each HTTP request to PORT (8080) is one RPC `SayHello` to TARGET, and the answer tells what came back. With
 * `xds:///name:port` it asks istiod which endpoint to call, as GRPC_XDS_BOOTSTRAP_CONFIG says; any other target is a name, and one connection.
 * Source of targets and bootstrap: gRFC A27.
 */
export const grpcClientImage: WorkloadImage = {
  name: 'grpc-client',
  start: async (context) => {
    const target = context.env['TARGET'] ?? '';
    const channel = target.startsWith('xds:///') ? xdsChannel(context, target.slice(7)) : nameChannel(context, target);
    await serve(context, envNumber(context, 'PORT', 8080), async (request) => {
      const { status, details, message } = await greet(context, channel, pickHeaders(request, labHeaders));
      if (status !== 0) return json(503, { grpcStatus: status, details });
      const said = Buffer.from(decodeFields(message).find(({ field }) => field === 1)?.bytes ?? []).toString('utf8');
      return json(200, { said }, { 'x-version': said.split(' ').at(-1) ?? '' });
    });
    context.log(`TARGET ${target}`);
  },
};

async function greet(
  context: ContainerContext,
  channel: Channel,
  headers: Readonly<Record<string, string>>,
): Promise<RpcOutcome> {
  const path = `/${GREETER}/SayHello`;
  const beganMs = context.clock.monotonic();
  try {
    const session = await inTime(context, channel.connection({ path, headers }));
    if (session === undefined) return deadlineExceeded('Deadline exceeded while waiting for name resolution');
    const timeoutMs = TIMEOUT_MS - (context.clock.monotonic() - beganMs);
    const message = encodeFields([[1, context.pod.labels['app'] ?? context.pod.name]]);
    return await callUnary(session, { path, authority: channel.authority, headers, message, timeoutMs }, context.clock);
  } catch (thrown) {
    return unavailable(errorMessage(thrown));
  }
}

/** Undefined when it takes longer than a call may. */
function inTime<T>({ clock }: ContainerContext, wanted: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(TIMEOUT_MS, () => resolve(undefined));
    wanted.then(resolve, reject).finally(() => timer.cancel());
  });
}

/** As gRPC does without xDS: the name is looked up, and all calls share one connection. */
function nameChannel(context: ContainerContext, target: string): Channel {
  const authority = target.replace(/^dns:\/\/\//, '');
  const { host, port } = splitPort(authority);
  const connections = keptConnections(context);
  return { authority, connection: () => connections(host, port) };
}

function xdsChannel(context: ContainerContext, name: string): Channel {
  const { env, followXds } = context;
  if (followXds === undefined) throw new Error('this pod cannot speak xDS');
  const resolver = followXds({ bootstrap: env['GRPC_XDS_BOOTSTRAP_CONFIG'] ?? '', target: name });
  const connections = keptConnections(context);
  return {
    authority: name,
    connection: async (call) => {
      const { ip, port } = await resolver.pick({ ...call, authority: name });
      return connections(ip, port);
    },
  };
}

function splitPort(authority: string): { readonly host: string; readonly port: number } {
  const colon = authority.lastIndexOf(':');
  return { host: authority.slice(0, colon), port: Number(authority.slice(colon + 1)) };
}

/** One connection for each address, as long as it lasts. */
function keptConnections(context: ContainerContext): (host: string, port: number) => Promise<ClientHttp2Session> {
  const kept = new Map<string, Promise<ClientHttp2Session>>();
  context.signal.addEventListener('abort', () => {
    for (const each of kept.values()) each.then((session) => session.destroy()).catch(() => undefined);
  });
  return (host, port) => {
    const key = `${host}:${port}`;
    const known = kept.get(key);
    if (known !== undefined) return known;
    const opened = context.dial(host, port).then((socket) => {
      const session = connectionOver(socket, key);
      session.on('error', () => kept.delete(key)).on('close', () => kept.delete(key));
      session.on('goaway', () => kept.delete(key));
      return session;
    });
    kept.set(key, opened);
    opened.catch(() => kept.delete(key));
    return opened;
  };
}
