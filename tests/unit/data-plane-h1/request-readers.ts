import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { CodecError } from '../../../server/data-plane/http/codec.ts';
import { createServerConnection } from '../../../server/data-plane/http/h1/server-connection.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { systemClock } from '../../../server/system.ts';
import { feed, openWire, settle } from './fuzz.ts';
import { ReceivedRequest } from './harness.ts';

/** A request that a parser read to its end. */
export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  readonly body: string;
}

/** Reads what comes in on `side`; `refused` is told why it reads no further. */
export type RequestReader = (side: Duplex, seen: SeenRequest[], refused: (why: CodecError) => void) => void;

/** The codec uses nothing of a socket that a Duplex lacks, except the addresses and this. */
export const asSocket = (side: Duplex): Socket =>
  Object.assign(side, { setNoDelay: () => undefined }) as unknown as Socket;

/** Our codec. */
export const ours: RequestReader = (side, seen, refused) => {
  createServerConnection(asSocket(side), {
    clock: systemClock(),
    onProtocolError: refused,
    onRequest: (stream, connection) => {
      // It can be read, and is refused all the same: without a Host for instance.
      if (stream.head.refusal !== undefined) {
        const facts = { explanation: '', answered: false, bodyBytes: 0, begun: true };
        refused({ ...facts, ...stream.head.refusal });
        connection.close();
        return;
      }
      const request = new ReceivedRequest(stream, connection);
      request.onEnd = () => {
        seen.push({ method: stream.head.method, target: stream.head.path, body: request.body });
        stream.sendHead({ status: 204, headers: new Headers() }, true);
      };
    },
  });
};

/** Node's server, which reads with llhttp. */
export const llhttp: RequestReader = (side, seen) => {
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request: IncomingMessage, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      seen.push({
        method: request.method ?? '',
        target: request.url ?? '',
        body: Buffer.concat(parts).toString('latin1'),
      });
      response.writeHead(204).end();
    });
    request.on('error', () => undefined);
  });
  server.on('checkContinue', (request, response) => server.emit('request', request, response));
  server.on('clientError', (_error, socket) => socket.destroy());
  server.emit('connection', side);
};

/** What a reader made of some bytes. */
export interface Reading {
  readonly requests: SeenRequest[];
  /** The number of bytes that had been fed when each request was complete. */
  readonly ends: number[];
  readonly refusal: CodecError | undefined;
}

/** Feeds `bytes` in the given pieces, until the reader has closed or has nothing more to say. */
export async function readRequests(reader: RequestReader, bytes: Buffer, cuts: readonly number[]): Promise<Reading> {
  const requests: SeenRequest[] = [];
  const ends: number[] = [];
  let refusal: CodecError | undefined;
  const wire = openWire();
  reader(wire.far, requests, (why) => {
    refusal ??= why;
  });
  await feed(wire, bytes, cuts, (at) => {
    while (ends.length < requests.length) ends.push(at);
  });
  await settle(wire, () => requests.length);
  wire.destroy();
  return { requests, ends, refusal };
}
