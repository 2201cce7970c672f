import { once } from 'node:events';
import {
  Client,
  type ClientReadableStream,
  credentials,
  Metadata as GrpcMetadata,
  type Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceError,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PassThrough } from '../../bench/wire-pass-through.ts';
import { startPool, type TestPool } from '../data-plane-h1/pool-harness.ts';
import { startHttp2Server, type TestServer } from './harness.ts';

const same = (bytes: Buffer): Buffer => bytes;
const coder = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/mesh.Echo/${name}`,
  requestStream,
  responseStream,
  ...coder,
});
const service = {
  unary: method('unary', false, false),
  fail: method('fail', false, false),
  wait: method('wait', false, false),
  count: method('count', false, true),
  sum: method('sum', true, false),
  chat: method('chat', true, true),
};

let upstream: Server;
let pools: TestPool[];
let hops: TestServer[];
let client: Client;

type Unary = ServerUnaryCall<Buffer, Buffer>;
type Reply = sendUnaryData<Buffer>;

function implementation(): Parameters<Server['addService']>[1] {
  return {
    unary: (call: Unary, reply: Reply) => {
      call.sendMetadata(call.metadata.clone());
      const trailers = new GrpcMetadata();
      trailers.set('x-trailer', 'end');
      reply(null, call.request, trailers);
    },
    fail: (_call: Unary, reply: Reply) => reply({ code: status.FAILED_PRECONDITION, details: 'not today' }),
    wait: () => undefined,
    count: (call: { request: Buffer; write(chunk: Buffer): boolean; end(): void }) => {
      for (let i = 0; i < Number(call.request.toString()); i++) call.write(Buffer.from(String(i)));
      call.end();
    },
    sum: (call: NodeJS.EventEmitter, reply: Reply) => {
      let bytes = 0;
      call.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      call.on('end', () => reply(null, Buffer.from(String(bytes))));
    },
    chat: (call: NodeJS.EventEmitter & { write(chunk: Buffer): boolean; end(): void }) => {
      call.on('data', (chunk: Buffer) => call.write(chunk));
      call.on('end', () => call.end());
    },
  };
}

/** Two of our hops in a row, HTTP/2 on all three connections. */
beforeAll(async () => {
  upstream = new Server();
  upstream.addService(service, implementation());
  let port = await new Promise<number>((resolve, reject) => {
    upstream.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  pools = [];
  hops = [];
  for (let hop = 0; hop < 2; hop++) {
    const started = startPool(port, {}, { protocol: 'http2' });
    pools.push(started);
    const server = await startHttp2Server(() => undefined, {
      onRequest: (stream) => {
        new PassThrough(stream, started.pool);
      },
    });
    hops.push(server);
    port = server.port;
  }
  client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
});

afterAll(async () => {
  client.close();
  upstream.forceShutdown();
  for (const { pool } of pools) pool.close();
  for (const hop of hops) await hop.close();
});

interface Outcome {
  readonly error: ServiceError | null;
  readonly value: Buffer | undefined;
  readonly metadata: Metadata;
  readonly trailers: Metadata;
}

function unary(
  path: string,
  request: Buffer,
  options: { deadline?: number; metadata?: Metadata } = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    let metadata = new GrpcMetadata();
    let trailers = new GrpcMetadata();
    const call = client.makeUnaryRequest(
      `/mesh.Echo/${path}`,
      same,
      same,
      request,
      options.metadata ?? new GrpcMetadata(),
      options.deadline === undefined ? {} : { deadline: options.deadline },
      (error, value) => setImmediate(() => resolve({ error, value, metadata, trailers })),
    );
    call.on('metadata', (fields) => {
      metadata = fields;
    });
    call.on('status', (result) => {
      trailers = result.metadata;
    });
  });
}

describe('gRPC through two proxies', () => {
  it('gets its answer with metadata and trailers', async () => {
    const metadata = new GrpcMetadata();
    metadata.set('x-asked', 'yes');
    metadata.set('x-bytes-bin', Buffer.from([0, 1, 255]));
    const outcome = await unary('unary', Buffer.from('mesh'), { metadata });
    expect(outcome.error).toBeNull();
    expect(outcome.value?.toString()).toBe('mesh');
    expect(outcome.metadata.get('x-asked')).toEqual(['yes']);
    expect(outcome.metadata.get('x-bytes-bin')).toEqual([Buffer.from([0, 1, 255])]);
    expect(outcome.trailers.get('x-trailer')).toEqual(['end']);
  });

  it('gets a failure that is nothing but trailers', async () => {
    const { error } = await unary('fail', Buffer.from('x'));
    expect(error).toMatchObject({ code: status.FAILED_PRECONDITION, details: 'not today' });
  });

  it('hears of a method that does not exist', async () => {
    expect((await unary('nothing', Buffer.from('x'))).error?.code).toBe(status.UNIMPLEMENTED);
  });

  it('gives a call up at its deadline, and the connection serves the next', async () => {
    const { error } = await unary('wait', Buffer.from('x'), { deadline: Date.now() + 50 });
    expect(error?.code).toBe(status.DEADLINE_EXCEEDED);
    expect((await unary('unary', Buffer.from('next'))).value?.toString()).toBe('next');
  });

  it('carries messages of 1 MB', async () => {
    const large = Buffer.alloc(1024 * 1024, 'm');
    expect((await unary('unary', large)).value?.equals(large)).toBe(true);
  });

  it('streams from the server', async () => {
    const call: ClientReadableStream<Buffer> = client.makeServerStreamRequest(
      '/mesh.Echo/count',
      same,
      same,
      Buffer.from('500'),
    );
    const received: string[] = [];
    call.on('data', (chunk: Buffer) => received.push(chunk.toString()));
    await once(call, 'end');
    expect(received).toEqual(Array.from({ length: 500 }, (_, i) => String(i)));
  });

  it('streams from the client', async () => {
    const answer = new Promise<Buffer | undefined>((resolve, reject) => {
      const call = client.makeClientStreamRequest('/mesh.Echo/sum', same, same, (error, value) =>
        error ? reject(error) : resolve(value),
      );
      for (let i = 0; i < 200; i++) call.write(Buffer.alloc(1000));
      call.end();
    });
    expect((await answer)?.toString()).toBe('200000');
  });

  it('streams both ways at once', async () => {
    const call = client.makeBidiStreamRequest('/mesh.Echo/chat', same, same);
    for (const word of ['one', 'two', 'three']) {
      call.write(Buffer.from(word));
      const [chunk] = (await once(call, 'data')) as [Buffer];
      expect(chunk.toString()).toBe(word);
    }
    call.end();
    call.resume();
    await once(call, 'end');
  });

  it('serves many calls at a time over one connection a hop', async () => {
    const outcomes = await Promise.all(Array.from({ length: 300 }, (_, i) => unary('unary', Buffer.from(String(i)))));
    for (const [i, { value }] of outcomes.entries()) expect(value?.toString()).toBe(String(i));
    for (const { pool } of pools) expect(pool.activeConnections).toBe(1);
  });
});
