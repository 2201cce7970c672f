import { type handleUnaryCall, type Server, type StatusObject, status } from '@grpc/grpc-js';
import { askPath } from './messages.ts';

/** How a backend answers; without anything at once, and well. */
export interface Manner {
  /** The gRPC status of every answer. */
  readonly code?: number;
  readonly delayMs?: number;
}

const asIs = (bytes: Buffer): Buffer => bytes;

/** Adds the one method of the tests: it answers with the server's name. */
export function addAskService(server: Server, name: string, { code = status.OK, delayMs = 0 }: Manner = {}): void {
  const ask = {
    path: askPath,
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  const failed: Partial<StatusObject> | null = code === status.OK ? null : { code, details: name };
  const handler: handleUnaryCall<Buffer, Buffer> = (_call, reply) => {
    const answer = (): void => (failed === null ? reply(null, Buffer.from(name)) : reply(failed));
    if (delayMs === 0) answer();
    else setTimeout(answer, delayMs);
  };
  server.addService({ ask }, { ask: handler });
}
