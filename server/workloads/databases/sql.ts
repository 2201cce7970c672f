import type { Cell } from './mysql-wire.ts';

/** An error of a statement, with MySQL's number and state for it. */
export class SqlError extends Error {
  readonly errno: number;
  readonly sqlState: string;
  constructor(errno: number, sqlState: string, message: string) {
    super(message);
    this.errno = errno;
    this.sqlState = sqlState;
  }
}

export interface Condition {
  readonly column: string;
  readonly operator: string;
  readonly value: Cell;
}

export type Statement =
  /** `expressions` holds columns, `*`, numbers and functions such as `@@version`, as they were written. */
  | {
      readonly verb: 'select';
      readonly expressions: readonly string[];
      readonly table: string | undefined;
      readonly where: readonly Condition[];
      readonly order: { readonly column: string; readonly descending: boolean } | undefined;
      readonly limit: number | undefined;
    }
  | {
      readonly verb: 'update';
      readonly table: string;
      readonly set: ReadonlyMap<string, Cell>;
      readonly where: readonly Condition[];
    }
  | {
      readonly verb: 'insert';
      readonly table: string;
      readonly columns: readonly string[];
      readonly rows: readonly (readonly Cell[])[];
    }
  | { readonly verb: 'delete'; readonly table: string; readonly where: readonly Condition[] }
  | { readonly verb: 'show'; readonly what: 'databases' | 'tables' }
  | { readonly verb: 'use'; readonly database: string }
  /** What changes nothing here: SET, BEGIN, COMMIT, ROLLBACK. */
  | { readonly verb: 'nothing' };

const TOKEN = /\s*(?:(`[^`]*`|'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*"|@@?[\w.]+|-?\d+|\w+|<=|>=|<>|!=|[^\s\w]))/y;
const OPERATORS = new Set(['=', '<', '>', '<=', '>=', '<>', '!=']);

/** Reads one statement of a small part of SQL; throws SqlError 1064 or 1235. */
export function parseSql(text: string): Statement {
  const tokens = new Tokens(text.trim().replace(/;$/, ''));
  const verb = tokens.take().toLowerCase();
  const statement = PARSERS.get(verb)?.(tokens);
  if (statement === undefined) {
    if (/^(create|drop|alter|grant|call|replace|explain|truncate|lock|load|prepare|with)$/.test(verb))
      throw new SqlError(1235, '42000', `This version of MySQL doesn't yet support '${verb.toUpperCase()}'`);
    throw tokens.near(verb);
  }
  if (statement.verb !== 'nothing') tokens.end();
  return statement;
}

const PARSERS: ReadonlyMap<string, (tokens: Tokens) => Statement> = new Map(
  Object.entries<(tokens: Tokens) => Statement>({
    select: (tokens) => {
      const expressions = tokens.list(() => expression(tokens));
      const table = tokens.takes('from') ? tokens.name() : undefined;
      const where = conditions(tokens);
      const order = tokens.takes('order') ? orderOf(tokens) : undefined;
      const limit = tokens.takes('limit') ? Number(tokens.take()) : undefined;
      return { verb: 'select', expressions, table, where, order, limit };
    },
    update: (tokens) => {
      const table = tokens.name();
      tokens.need('set');
      const set = tokens.list((): [string, Cell] => {
        const column = tokens.name();
        tokens.need('=');
        return [column, tokens.value()];
      });
      return { verb: 'update', table, set: new Map(set), where: conditions(tokens) };
    },
    insert: (tokens) => {
      tokens.need('into');
      const table = tokens.name();
      const columns = tokens.peek() === '(' ? tokens.inParentheses(() => tokens.name()) : [];
      tokens.need('values');
      return { verb: 'insert', table, columns, rows: tokens.list(() => tokens.inParentheses(() => tokens.value())) };
    },
    delete: (tokens) => {
      tokens.need('from');
      return { verb: 'delete', table: tokens.name(), where: conditions(tokens) };
    },
    show: (tokens) => {
      if (tokens.takes('databases')) return { verb: 'show', what: 'databases' };
      tokens.need('tables');
      return { verb: 'show', what: 'tables' };
    },
    use: (tokens) => ({ verb: 'use', database: tokens.name() }),
    set: () => ({ verb: 'nothing' }),
    begin: () => ({ verb: 'nothing' }),
    start: () => ({ verb: 'nothing' }),
    commit: () => ({ verb: 'nothing' }),
    rollback: () => ({ verb: 'nothing' }),
  }),
);

/** A column, `*`, a number, `@@name`, or a function without arguments. */
function expression(tokens: Tokens): string {
  const first = unquote(tokens.take());
  if (!tokens.takes('(')) return first;
  if (first.toLowerCase() === 'count') {
    tokens.need('*');
    tokens.need(')');
    return 'count(*)';
  }
  tokens.need(')');
  return `${first.toLowerCase()}()`;
}

function conditions(tokens: Tokens): Condition[] {
  if (!tokens.takes('where')) return [];
  const found: Condition[] = [];
  do {
    const column = tokens.name();
    const operator = tokens.take();
    if (!OPERATORS.has(operator)) throw tokens.near(operator);
    found.push({ column, operator, value: tokens.value() });
  } while (tokens.takes('and'));
  return found;
}

function orderOf(tokens: Tokens): { column: string; descending: boolean } {
  tokens.need('by');
  const column = tokens.name();
  const descending = tokens.takes('desc');
  if (!descending) tokens.takes('asc');
  return { column, descending };
}

const unquote = (token: string): string => (/^[`'"]/.test(token) ? token.slice(1, -1) : token);

/** The words and signs of a statement. */
class Tokens {
  readonly #tokens: string[] = [];
  #at = 0;

  constructor(text: string) {
    const pattern = new RegExp(TOKEN);
    while (pattern.lastIndex < text.length) {
      const found = pattern.exec(text)?.[1];
      if (found === undefined) break;
      this.#tokens.push(found);
    }
  }

  peek(): string {
    return this.#tokens[this.#at] ?? '';
  }
  take(): string {
    const token = this.peek();
    this.#at++;
    return token;
  }
  takes(word: string): boolean {
    if (this.peek().toLowerCase() !== word) return false;
    this.#at++;
    return true;
  }
  need(word: string): void {
    if (!this.takes(word)) throw this.near(this.peek());
  }
  name(): string {
    const token = this.take();
    if (!/^(\w+|`[^`]+`)$/.test(token)) throw this.near(token);
    return unquote(token);
  }
  value(): Cell {
    const token = this.take();
    if (token.toLowerCase() === 'null') return null;
    if (/^-?\d+$/.test(token)) return Number(token);
    if (/^['"]/.test(token)) return unquote(token);
    throw this.near(token);
  }
  list<Item>(read: () => Item): Item[] {
    const items = [read()];
    while (this.takes(',')) items.push(read());
    return items;
  }
  inParentheses<Item>(read: () => Item): Item[] {
    this.need('(');
    const items = this.list(read);
    this.need(')');
    return items;
  }
  end(): void {
    if (this.#at < this.#tokens.length) throw this.near(this.peek());
  }
  near(token: string): SqlError {
    const at = token === '' ? this.#tokens.length : this.#tokens.indexOf(token, Math.max(0, this.#at - 1));
    const from = this.#tokens.slice(Math.max(0, at)).join(' ');
    return new SqlError(
      1064,
      '42000',
      `You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use near '${from}' at line 1`,
    );
  }
}
