import { timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import {
  COMMAND,
  errorPacket,
  greeting,
  type Login,
  NATIVE_PASSWORD,
  nativeProof,
  okPacket,
  PacketStream,
  readLogin,
  resultPackets,
  switchPlugin,
} from './mysql-wire.ts';
import { enterDatabase, RatingsTable, type SqlSession } from './ratings-table.ts';
import { SqlError } from './sql.ts';

const PORT = 3306;
/** MySQL's own default of `max_connections`. */
const MAX_CONNECTIONS = 151;
const VERSION = '8.0.42';

/**
 * A small MySQL on 3306 with Bookinfo's table `test.ratings`: accounts by mysql_native_password, text queries of a small part of SQL,
 * no TLS. The root account's password comes from MYSQL_ROOT_PASSWORD, one more account from MYSQL_USER and MYSQL_PASSWORD.
 */
export const mysqldbImage: WorkloadImage = {
  name: 'examples-bookinfo-mysqldb',
  start: async (context) => {
    const accounts = accountsOf(context);
    if (accounts === undefined) {
      context.log('[ERROR] [Entrypoint]: Database is uninitialized and password option is not specified');
      context.log('    You need to specify one of MYSQL_ROOT_PASSWORD, MYSQL_ALLOW_EMPTY_PASSWORD');
      context.exits(Promise.resolve(1));
      return;
    }
    const table = new RatingsTable();
    let [open, connections] = [0, 0];
    await context.listenTcp(PORT, (socket) => {
      open++;
      socket.once('close', () => open--);
      new Connection({ context, socket, accounts, table, id: ++connections, full: open > MAX_CONNECTIONS });
    });
    context.log(`[System] [MY-010931] [Server] mysqld: ready for connections. Version: '${VERSION}'  port: ${PORT}`);
  },
};

/** Passwords by account; undefined when nobody said what root's is. */
function accountsOf({ env }: ContainerContext): ReadonlyMap<string, string> | undefined {
  const root = env['MYSQL_ROOT_PASSWORD'] || (env['MYSQL_ALLOW_EMPTY_PASSWORD'] ? '' : undefined);
  if (root === undefined) return undefined;
  const user = env['MYSQL_USER'];
  return new Map([['root', root], ...(user ? [[user, env['MYSQL_PASSWORD'] ?? ''] as const] : [])]);
}

interface ConnectionParts {
  readonly context: ContainerContext;
  readonly socket: Socket;
  readonly accounts: ReadonlyMap<string, string>;
  readonly table: RatingsTable;
  readonly id: number;
  /** All places are taken. */
  readonly full: boolean;
}

/** One client: greeting, login, then a command at a time. */
class Connection {
  readonly #parts: ConnectionParts;
  readonly #packets: PacketStream;
  readonly #scramble: Buffer;
  #login: Login | undefined;
  #session: SqlSession | undefined;

  constructor(parts: ConnectionParts) {
    const { context, socket, id } = parts;
    this.#parts = parts;
    this.#scramble = Buffer.from(Array.from({ length: 20 }, () => 33 + Math.floor(context.random.next() * 90)));
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
    const tooLong = new SqlError(1153, '08S01', "Got a packet bigger than 'max_allowed_packet' bytes");
    this.#packets = new PacketStream(
      socket,
      (payload) => this.#read(payload),
      () => this.#refuse(tooLong),
    );
    if (parts.full) this.#refuse(new SqlError(1040, '08004', 'Too many connections'));
    else this.#packets.send(greeting(VERSION, id, this.#scramble));
  }

  #read(payload: Buffer): void {
    try {
      if (this.#session !== undefined) this.#packets.send(...this.#command(payload, this.#session));
      else if (this.#login === undefined) this.#greeted(readLogin(payload));
      else this.#prove({ ...this.#login, proof: payload });
    } catch (thrown) {
      if (thrown instanceof RangeError) this.#refuse(new SqlError(1043, '08S01', 'Bad handshake'));
      else if (!(thrown instanceof SqlError)) throw thrown;
      else if (this.#session === undefined) this.#refuse(thrown);
      else this.#packets.send(errorPacket(thrown));
    }
  }

  #greeted(login: Login): void {
    this.#login = login;
    if (login.plugin === undefined || login.plugin === NATIVE_PASSWORD) this.#prove(login);
    else this.#packets.send(switchPlugin(this.#scramble));
  }

  #prove({ user, proof, database }: Login): void {
    const { context, socket, accounts, id } = this.#parts;
    const password = accounts.get(user);
    const wanted = password === undefined ? undefined : nativeProof(password, this.#scramble);
    if (wanted === undefined || wanted.length !== proof.length || !timingSafeEqual(wanted, proof)) {
      const using = proof.length > 0 ? 'YES' : 'NO';
      const message = `Access denied for user '${user}'@'${socket.remoteAddress}' (using password: ${using})`;
      context.log(`[Note] [MY-010926] [Server] ${message}`);
      throw new SqlError(1045, '28000', message);
    }
    const session: SqlSession = {
      database: undefined,
      user: `${user}@${socket.remoteAddress}`,
      connectionId: id,
      version: VERSION,
    };
    if (database !== undefined) enterDatabase(session, database);
    this.#session = session;
    this.#packets.send(okPacket());
  }

  /** The packets that answer a command; none when the client leaves. */
  #command(payload: Buffer, session: SqlSession): readonly Buffer[] {
    const text = payload.toString('utf8', 1);
    switch (payload[0]) {
      case COMMAND.quit:
        this.#parts.socket.end();
        return [];
      case COMMAND.ping:
      case COMMAND.resetConnection:
        return [okPacket()];
      case COMMAND.initDb:
        enterDatabase(session, text);
        return [okPacket()];
      case COMMAND.query: {
        const { columns, rows, affectedRows } = this.#parts.table.run(text, session);
        return columns === undefined ? [okPacket(affectedRows)] : resultPackets(columns, rows);
      }
      default:
        throw new SqlError(1047, '08S01', 'Unknown command');
    }
  }

  #refuse(error: SqlError): void {
    this.#packets.send(errorPacket(error));
    this.#parts.socket.end();
  }
}
