import type { Cell, ResultColumn } from './mysql-wire.ts';
import { type Condition, parseSql, SqlError, type Statement } from './sql.ts';

const DATABASE = 'test';
const TABLE = 'ratings';
const COLUMNS = ['ReviewID', 'Rating'] as const;
const MAX_ROWS = 1000;

type Column = (typeof COLUMNS)[number];
type Row = Record<Column, number | null>;

export interface SqlResult {
  /** Absent for a statement without rows. */
  readonly columns?: readonly ResultColumn[];
  readonly rows: readonly (readonly Cell[])[];
  readonly affectedRows: number;
}

/** What a session knows beside the table. */
export interface SqlSession {
  database: string | undefined;
  readonly user: string;
  readonly connectionId: number;
  readonly version: string;
}

const done = (affectedRows = 0): SqlResult => ({ rows: [], affectedRows });

/** Bookinfo's table `test.ratings`: `ReviewID INT NOT NULL PRIMARY KEY, Rating INT`. */
export class RatingsTable {
  #rows: Row[] = [
    { ReviewID: 1, Rating: 5 },
    { ReviewID: 2, Rating: 4 },
  ];

  /** Runs one statement; throws SqlError. */
  run(text: string, session: SqlSession): SqlResult {
    const statement = parseSql(text);
    switch (statement.verb) {
      case 'nothing':
        return done();
      case 'use':
        enterDatabase(session, statement.database);
        return done();
      case 'show':
        return this.#show(statement.what, session);
      case 'select':
        return statement.table === undefined ? constants(statement, session) : this.#select(statement, session);
      case 'insert':
        return this.#insert(statement, session);
      case 'update':
        return this.#update(statement, session);
      case 'delete': {
        checkTable(statement.table, session);
        const keeps = filterOf(statement.where);
        const before = this.#rows.length;
        this.#rows = this.#rows.filter((row) => !keeps(row));
        return done(before - this.#rows.length);
      }
    }
  }

  #show(what: 'databases' | 'tables', session: SqlSession): SqlResult {
    const found = what === 'databases' ? DATABASE : session.database === undefined ? undefined : TABLE;
    if (found === undefined) throw noDatabase();
    const name = what === 'databases' ? 'Database' : `Tables_in_${DATABASE}`;
    return { columns: [{ name, type: 'text' }], rows: [[found]], affectedRows: 0 };
  }

  #select(statement: Extract<Statement, { verb: 'select' }>, session: SqlSession): SqlResult {
    checkTable(statement.table ?? '', session);
    const { expressions, order, limit } = statement;
    const matching = this.#rows.filter(filterOf(statement.where));
    if (expressions.length === 1 && expressions[0] === 'count(*)')
      return { columns: [{ name: 'count(*)', type: 'int' }], rows: [[matching.length]], affectedRows: 0 };
    const columns = expressions.flatMap((each) => (each === '*' ? [...COLUMNS] : [columnOf(each, 'field list')]));
    if (order !== undefined) {
      const by = columnOf(order.column, 'order clause');
      matching.sort((a, b) => (Number(a[by]) - Number(b[by])) * (order.descending ? -1 : 1));
    }
    const rows = matching.slice(0, limit).map((row) => columns.map((column) => row[column]));
    return {
      columns: columns.map((name) => ({ name, type: 'int', database: DATABASE, table: TABLE })),
      rows,
      affectedRows: 0,
    };
  }

  #insert({ table, columns, rows }: Extract<Statement, { verb: 'insert' }>, session: SqlSession): SqlResult {
    checkTable(table, session);
    const names = columns.length === 0 ? COLUMNS : columns.map((each) => columnOf(each, 'field list'));
    const fresh: Row[] = [];
    for (const [index, values] of rows.entries()) {
      if (values.length !== names.length)
        throw new SqlError(1136, '21S01', `Column count doesn't match value count at row ${index + 1}`);
      const row: Row = { ReviewID: null, Rating: null };
      for (const [place, name] of names.entries()) row[name] = integer(values[place] ?? null, name, index + 1);
      if (row.ReviewID === null) throw new SqlError(1048, '23000', "Column 'ReviewID' cannot be null");
      if ([...this.#rows, ...fresh].some((each) => each.ReviewID === row.ReviewID)) throw duplicate(row.ReviewID);
      fresh.push(row);
    }
    if (this.#rows.length + fresh.length > MAX_ROWS) throw new SqlError(1114, 'HY000', `The table '${TABLE}' is full`);
    this.#rows.push(...fresh);
    return done(fresh.length);
  }

  #update({ table, set, where }: Extract<Statement, { verb: 'update' }>, session: SqlSession): SqlResult {
    checkTable(table, session);
    const changes = [...set].map(([name, value]) => {
      const column = columnOf(name, 'field list');
      return [column, integer(value, column, 1)] as const;
    });
    const matches = filterOf(where);
    let changed = 0;
    const next = this.#rows.map((row) => {
      if (!matches(row) || changes.every(([column, value]) => row[column] === value)) return row;
      changed++;
      return { ...row, ...Object.fromEntries(changes) };
    });
    const keys = next.map(({ ReviewID }) => ReviewID);
    if (keys.includes(null)) throw new SqlError(1048, '23000', "Column 'ReviewID' cannot be null");
    const twice = keys.find((key, index) => keys.indexOf(key) !== index);
    if (twice !== undefined) throw duplicate(twice);
    this.#rows = next;
    return done(changed);
  }
}

/** Chooses the session's database; throws SqlError 1049. */
export function enterDatabase(session: SqlSession, database: string): void {
  if (database !== DATABASE) throw new SqlError(1049, '42000', `Unknown database '${database}'`);
  session.database = database;
}

const noDatabase = (): SqlError => new SqlError(1046, '3D000', 'No database selected');
const duplicate = (key: number | null): SqlError =>
  new SqlError(1062, '23000', `Duplicate entry '${key}' for key '${TABLE}.PRIMARY'`);

function checkTable(table: string, { database }: SqlSession): void {
  if (database === undefined) throw noDatabase();
  if (table !== TABLE) throw new SqlError(1146, '42S02', `Table '${database}.${table}' doesn't exist`);
}

/** Column names are the same in any case. */
function columnOf(name: string, where: string): Column {
  const found = COLUMNS.find((each) => each.toLowerCase() === name.toLowerCase());
  if (found === undefined) throw new SqlError(1054, '42S22', `Unknown column '${name}' in '${where}'`);
  return found;
}

function integer(value: Cell, column: Column, row: number): number | null {
  if (value === null) return null;
  const number = typeof value === 'number' ? value : Number(value);
  if (Number.isInteger(number) && number === (number | 0)) return number;
  if (Number.isNaN(number))
    throw new SqlError(1366, 'HY000', `Incorrect integer value: '${value}' for column '${column}' at row ${row}`);
  throw new SqlError(1264, '22003', `Out of range value for column '${column}' at row ${row}`);
}

function filterOf(where: readonly Condition[]): (row: Row) => boolean {
  const tests = where.map(({ column: name, operator, value }) => {
    const column = columnOf(name, 'where clause');
    return (row: Row): boolean => row[column] !== null && value !== null && holds(operator, row[column], Number(value));
  });
  return (row) => tests.every((test) => test(row));
}

function holds(operator: string, left: number, right: number): boolean {
  switch (operator) {
    case '=':
      return left === right;
    case '<':
      return left < right;
    case '>':
      return left > right;
    case '<=':
      return left <= right;
    case '>=':
      return left >= right;
    default:
      return left !== right;
  }
}

/** A SELECT without a table, as clients send it when they start. */
function constants({ expressions }: Extract<Statement, { verb: 'select' }>, session: SqlSession): SqlResult {
  const cells = expressions.map((each): Cell => {
    if (/^-?\d+$/.test(each)) return Number(each);
    switch (each.toLowerCase().replace(/^@@(session|global)\./, '@@')) {
      case 'database()':
        return session.database ?? null;
      case 'user()':
        return session.user;
      case 'connection_id()':
        return session.connectionId;
      case 'version()':
      case '@@version':
        return session.version;
      case '@@version_comment':
        return 'a small server of this lab';
      default:
        if (each.startsWith('@@')) throw new SqlError(1193, 'HY000', `Unknown system variable '${each.slice(2)}'`);
        throw new SqlError(1054, '42S22', `Unknown column '${each}' in 'field list'`);
    }
  });
  return {
    columns: expressions.map((name, index) => ({ name, type: typeof cells[index] === 'number' ? 'int' : 'text' })),
    rows: [cells],
    affectedRows: 0,
  };
}
