import type { ContainerContext } from '../doors.ts';
import { converse, type Peer } from './conversation.ts';
import { type Cell, COMMAND, encodeLogin, nativeProof, PacketReader, PacketStream, readError } from './mysql-wire.ts';
import { SqlError } from './sql.ts';

const OK = 0;
const EOF = 0xfe;
const FAILED = 0xff;

export interface MysqlTarget extends Peer {
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** What went wrong: the connection with its login, or the query. */
export class MysqlClientError extends Error {
  readonly connected: boolean;
  constructor(connected: boolean, message: string) {
    super(message);
    this.connected = connected;
  }
}

/** The rows that one query gives, over a connection of its own; a row is its columns' texts. */
export async function queryMysql(
  context: ContainerContext,
  target: MysqlTarget,
  query: string,
): Promise<readonly Readonly<Record<string, Cell>>[]> {
  let connected = false;
  try {
    return await converse<Readonly<Record<string, Cell>>[]>(context, target, (socket, end) => {
      const result = new ResultReader();
      let step: 'greeting' | 'login' | 'result' = 'greeting';
      const onPacket = (payload: Buffer): void => {
        if (payload[0] === FAILED) {
          const { errno, sqlState, message } = readError(payload);
          end(new SqlError(errno, sqlState, message));
        } else if (step === 'greeting') {
          packets.send(encodeLogin({ ...target, proof: nativeProof(target.password, scrambleOf(payload)) }));
          step = 'login';
        } else if (step === 'login' && payload[0] !== OK) {
          end(new Error('the server asks for another way to prove a password'));
        } else if (step === 'login') {
          connected = true;
          step = 'result';
          packets.command(COMMAND.query, query);
        } else if (result.read(payload)) {
          packets.command(COMMAND.quit);
          end(result.rows);
        }
      };
      const packets: PacketStream = new PacketStream(
        socket,
        (payload) => {
          try {
            onPacket(payload);
          } catch (thrown) {
            end(thrown instanceof Error ? thrown : new Error(String(thrown)));
          }
        },
        () => end(new Error('the server does not speak the MySQL protocol')),
      );
    });
  } catch (thrown) {
    throw new MysqlClientError(connected, thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** Both parts of the scramble in a HandshakeV10. */
function scrambleOf(payload: Buffer): Buffer {
  const reader = new PacketReader(payload, 1);
  reader.text();
  reader.bytes(4);
  const first = reader.bytes(8);
  reader.bytes(19);
  return Buffer.concat([first, reader.bytes(12)]);
}

/** Puts a text result set together, packet by packet. */
class ResultReader {
  readonly rows: Record<string, Cell>[] = [];
  readonly #names: string[] = [];
  #columns: number | undefined;
  #ends = 0;

  /** True when the result is complete. */
  read(payload: Buffer): boolean {
    const reader = new PacketReader(payload);
    if (this.#columns === undefined) {
      this.#columns = reader.length() ?? 0;
      return this.#columns === 0;
    }
    if (payload[0] === EOF && payload.length < 9) return ++this.#ends === 2;
    if (this.#ends === 0) {
      for (let skipped = 0; skipped < 4; skipped++) reader.lengthBytes();
      this.#names.push(String(reader.lengthBytes() ?? ''));
    } else {
      this.rows.push(
        Object.fromEntries(this.#names.map((name) => [name, reader.lengthBytes()?.toString('utf8') ?? null])),
      );
    }
    return false;
  }
}
