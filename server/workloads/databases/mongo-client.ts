import type { ContainerContext } from '../doors.ts';
import type { BsonDocument } from './bson.ts';
import { converse } from './conversation.ts';
import { encodeMessage, type MongoMessage, readMongo } from './mongo-wire.ts';

const DEFAULT_PORT = 27017;
/** Of the published client. */
const CONNECT_TIMEOUT_MS = 10_000;

/** Where the failure was: before the server said hello, or after. */
export class MongoClientError extends Error {
  readonly connected: boolean;
  constructor(connected: boolean, message: string) {
    super(message);
    this.connected = connected;
  }
}

/** All documents of a collection of `test`, over a new connection to the first host of `url` (`mongodb://host:port/test`). */
export async function findAll(context: ContainerContext, url: string, collection: string): Promise<BsonDocument[]> {
  const { host, port } = hostOf(url);
  let connected = false;
  try {
    return await converse<BsonDocument[]>(context, { host, port, timeoutMs: CONNECT_TIMEOUT_MS }, (socket, end) => {
      let sent = 0;
      const say = (command: BsonDocument): boolean => socket.write(encodeMessage(++sent, 0, command));
      const hear = ({ body }: MongoMessage): void => {
        if (body['ok'] !== 1) end(new Error(String(body['errmsg'] ?? 'the server refused the command')));
        else if (connected) end(batchOf(body));
        else {
          connected = true;
          say({ find: collection, filter: {}, $db: 'test' });
        }
      };
      readMongo(socket, hear, () => end(new Error('the server does not speak the MongoDB protocol')));
      say({ hello: 1, helloOk: true, $db: 'admin' });
    });
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new MongoClientError(
      connected,
      connected ? why : `failed to connect to server [${host}:${port}] on first connect [${why}]`,
    );
  }
}

function hostOf(url: string): { readonly host: string; readonly port: number } {
  const authority = url.replace(/^mongodb:\/\//, '').split(/[/?]/, 1)[0] ?? '';
  const first = (authority.split('@').at(-1) ?? '').split(',', 1)[0] ?? '';
  const [host = '', port = String(DEFAULT_PORT)] = first.split(':');
  return { host, port: Number(port) };
}

function batchOf(body: BsonDocument): BsonDocument[] {
  const cursor = body['cursor'] as BsonDocument | undefined;
  return (cursor?.['firstBatch'] ?? []) as unknown as BsonDocument[];
}
