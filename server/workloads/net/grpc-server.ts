import { createServer as createTlsServer } from 'node:tls';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { ContainerContext } from '../doors.ts';
import type { ServerTls } from './web-server.ts';

/** Serves gRPC on a port of the pod, in plain text or over TLS. */
export async function serveGrpc(
  context: ContainerContext,
  port: number,
  register: (server: Server) => void,
  tls?: ServerTls,
): Promise<void> {
  const server = new Server();
  register(server);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  context.signal.addEventListener('abort', () => server.forceShutdown(), { once: true });
  if (tls === undefined) {
    await context.listenTcp(port, (socket) => injector.injectConnection(socket));
    return;
  }
  const secure = createTlsServer({ key: tls.key, cert: tls.cert, ALPNProtocols: ['h2'] }, (socket) =>
    injector.injectConnection(socket),
  );
  secure.on('tlsClientError', () => undefined);
  await context.listenTcp(port, (socket) => secure.emit('connection', socket));
}

/** A unary method by its path, with messages as raw bytes. */
export const rawMethod = (path: string): ServiceDefinition[string] => ({
  path,
  requestStream: false,
  responseStream: false,
  requestSerialize: (value: Buffer) => value,
  requestDeserialize: (bytes: Buffer) => bytes,
  responseSerialize: (value: Buffer) => value,
  responseDeserialize: (bytes: Buffer) => bytes,
});

export type RawHandler = handleUnaryCall<Buffer, Buffer>;

/** Adds a service whose methods take and give raw bytes. */
export function addRawService(server: Server, name: string, methods: Readonly<Record<string, RawHandler>>): void {
  const definition = Object.fromEntries(
    Object.keys(methods).map((method) => [method, rawMethod(`/${name}/${method}`)]),
  );
  server.addService(definition, methods as UntypedServiceImplementation);
}

/** A message from `[field number, text or message]` pairs; empty texts are left out, as proto3 does. */
export function encodeFields(fields: readonly (readonly [number, string | Uint8Array])[]): Buffer {
  const writer = new BinaryWriter();
  for (const [number, value] of fields) {
    if (typeof value !== 'string') writer.tag(number, WireType.LengthDelimited).bytes(value);
    else if (value !== '') writer.tag(number, WireType.LengthDelimited).string(value);
  }
  return Buffer.from(writer.finish());
}

/** Length-delimited fields of a message, in order; other fields are skipped. */
export function decodeFields(bytes: Uint8Array): { readonly field: number; readonly bytes: Uint8Array }[] {
  const reader = new BinaryReader(bytes);
  const found: { field: number; bytes: Uint8Array }[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (wireType === WireType.LengthDelimited) found.push({ field, bytes: reader.bytes() });
    else reader.skip(wireType, field);
  }
  return found;
}
