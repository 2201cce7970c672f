import type { Socket } from 'node:net';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { type BsonDocument, type BsonValue, ObjectId } from './bson.ts';
import { Collections, MongoError } from './collections.ts';
import { encodeMessage, encodeReply, type MongoMessage, readMongo } from './mongo-wire.ts';

const PORT = 27017;
const MAX_CONNECTIONS = 500;
/** What a server of release 8.0 says; a driver asks for nothing newer then. */
const MAX_WIRE_VERSION = 25;
const VERSION = '8.0.8';

/**
 * A small MongoDB on 27017 with Bookinfo's two ratings in `test.ratings`: hello, find, insert, count and the lists of databases and
 * collections, without accounts and without TLS. Other commands get error 59.
 */
export const mongodbImage: WorkloadImage = {
  name: 'examples-bookinfo-mongodb',
  start: async (context) => {
    const collections = new Collections(() => newId(context));
    collections.insert('test', 'ratings', [{ rating: 5 }, { rating: 4 }]);
    let open = 0;
    await context.listenTcp(PORT, (socket) => {
      if (open >= MAX_CONNECTIONS) {
        socket.destroy();
        return;
      }
      open++;
      socket.once('close', () => open--);
      serve(context, socket, collections);
    });
    log(context, 'Waiting for connections', { port: PORT, ssl: 'off' });
  },
};

const newId = ({ random }: ContainerContext): ObjectId =>
  new ObjectId(Buffer.from(Array.from({ length: 12 }, () => Math.floor(random.next() * 256))));

const log = (context: ContainerContext, msg: string, attr: object): void =>
  context.log(
    JSON.stringify({
      t: { $date: new Date(context.clock.now()).toISOString() },
      s: 'I',
      c: 'NETWORK',
      ctx: 'listener',
      msg,
      attr,
    }),
  );

function serve(context: ContainerContext, socket: Socket, collections: Collections): void {
  const remote = `${socket.remoteAddress}:${socket.remotePort}`;
  log(context, 'Connection accepted', { remote });
  socket.once('close', () => log(context, 'Connection ended', { remote }));
  socket.on('error', () => socket.destroy());
  socket.on('end', () => socket.end());
  let sent = 0;
  const answer = ({ requestId, legacy, wantsAnswer, body }: MongoMessage): void => {
    const result = outcome(context, collections, body);
    if (!wantsAnswer || socket.destroyed) return;
    socket.write((legacy ? encodeReply : encodeMessage)(++sent, requestId, result));
  };
  readMongo(socket, answer, () => socket.destroy());
}

/** What a command gives, or its error in MongoDB's form. */
function outcome(context: ContainerContext, collections: Collections, command: BsonDocument): BsonDocument {
  try {
    return { ...execute(context, collections, command), ok: 1 };
  } catch (thrown) {
    if (!(thrown instanceof MongoError)) throw thrown;
    return { ok: 0, errmsg: thrown.message, code: thrown.code, codeName: thrown.codeName };
  }
}

function execute(context: ContainerContext, collections: Collections, command: BsonDocument): BsonDocument {
  const [name = '', argument = null] = Object.entries(command)[0] ?? [];
  const database = String(command['$db'] ?? 'admin');
  const collection = (): string => {
    if (typeof argument === 'string' && argument !== '') return argument;
    throw new MongoError(73, 'InvalidNamespace', 'collection name has invalid type');
  };
  switch (name) {
    case 'hello':
    case 'ismaster':
    case 'isMaster':
      return hello(context, name);
    case 'ping':
    case 'endSessions':
      return {};
    case 'buildInfo':
    case 'buildinfo':
      return {
        version: VERSION,
        versionArray: VERSION.split('.').map(Number),
        bits: 64,
        maxBsonObjectSize: 16_777_216,
      };
    case 'find':
      return cursor(`${database}.${collection()}`, collections.find(database, collection(), command));
    case 'insert':
      return { n: collections.insert(database, collection(), documentsOf(command['documents'])) };
    case 'count':
      return { n: collections.find(database, collection(), { ...command, filter: command['query'] ?? {} }).length };
    case 'listCollections':
      return cursor(
        `${database}.$cmd.listCollections`,
        collections.names(database).map((each) => ({ name: each, type: 'collection' })),
      );
    case 'listDatabases':
      return { databases: collections.databases().map((each) => ({ name: each, empty: false })) };
    default:
      throw new MongoError(59, 'CommandNotFound', `no such command: '${name}'`);
  }
}

const hello = ({ clock }: ContainerContext, asked: string): BsonDocument => ({
  helloOk: true,
  [asked === 'hello' ? 'isWritablePrimary' : 'ismaster']: true,
  maxBsonObjectSize: 16_777_216,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000,
  localTime: new Date(clock.now()),
  minWireVersion: 0,
  maxWireVersion: MAX_WIRE_VERSION,
  readOnly: false,
});

const cursor = (ns: string, firstBatch: readonly BsonDocument[]): BsonDocument => ({
  cursor: { firstBatch, id: 0n, ns },
});

function documentsOf(value: BsonValue | undefined): BsonDocument[] {
  if (Array.isArray(value)) return value as BsonDocument[];
  throw new MongoError(40414, 'IDLFailedToParse', "BSON field 'insert.documents' is missing but a required field");
}
