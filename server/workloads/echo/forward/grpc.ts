import { callUnary, connectionOver } from '../../grpc/unary-call.ts';
import { secured } from '../../http-client.ts';
import { decodeFields, encodeFields } from '../../net/grpc-server.ts';
import { hostAndPort } from './address.ts';
import { bodyLines, type Forwarded, tlsInit } from './lines.ts';
import type { EchoRequest, EchoWorld } from './request.ts';

const ECHO = '/proto.EchoTestService/Echo';
/** Names of the statuses, by number. Source: statuscodes.md of gRPC, as Go writes them. */
const CODES = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
];

/** `grpc://`: one call of the echo service. With a client certificate over TLS, as Istio's client has it. */
export async function forwardGrpc(request: EchoRequest, world: EchoWorld): Promise<Forwarded> {
  const { host, port } = hostAndPort(request.url, 443);
  const startedMs = world.clock.monotonic();
  const raw = await world.dial(host, port);
  const { cert } = request.tls;
  const socket =
    cert === undefined ? raw : await secured(raw, host, { ...tlsInit(request.tls, request.host), alpn: ['h2'] });
  const session = connectionOver(socket, `${host}:${port}`);
  session.on('error', () => undefined);
  try {
    const { status, details, message, headers } = await callUnary(
      session,
      {
        path: ECHO,
        authority: request.host ?? `${host}:${port}`,
        headers: { 'user-agent': 'grpc-go/1.81.0', ...joined(request.headers) },
        message: encodeFields([[1, request.message]]),
        timeoutMs: request.timeoutMs,
      },
      world.clock,
    );
    if (status !== 0) throw new Error(`rpc error: code = ${CODES[status] ?? `Code(${status})`} desc = ${details}`);
    const told = decodeFields(message).find(({ field }) => field === 1)?.bytes ?? new Uint8Array();
    return [
      `Latency=${(world.clock.monotonic() - startedMs).toFixed(3)}ms`,
      'ActiveRequests=1',
      ...bodyLines(Buffer.from(told).toString('utf8')),
      ...Object.entries(headers).map(([name, value]) => `ResponseHeader=${name}:${value}`),
    ];
  } finally {
    session.destroy();
    socket.destroy();
  }
}

function joined(headers: EchoRequest['headers']): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    values[key] = values[key] === undefined ? value : `${values[key]},${value}`;
  }
  return values;
}
