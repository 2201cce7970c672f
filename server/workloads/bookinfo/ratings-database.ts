import { findAll, MongoClientError } from '../databases/mongo-client.ts';
import { MysqlClientError, queryMysql } from '../databases/mysql-client.ts';
import type { ContainerContext } from '../doors.ts';
import { type Answer, json } from '../respond.ts';

/** Of the published client. */
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * What ratings-v2 answers: the first two ratings of its database, which it asks anew for each request. DB_TYPE `mysql` takes
 * MYSQL_DB_HOST, _PORT, _USER and _PASSWORD; any other takes MONGO_DB_URL.
 */
export async function databaseRatings(context: ContainerContext, productId: number): Promise<Answer> {
  try {
    const [first = 0, second = 0] =
      context.env['DB_TYPE'] === 'mysql' ? await fromMysql(context) : await fromMongo(context);
    return json(200, { id: productId, ratings: { Reviewer1: first, Reviewer2: second } });
  } catch (thrown) {
    context.log(String(thrown));
    // The published program sets no status when MySQL cannot be reached.
    if (thrown instanceof MysqlClientError)
      return thrown.connected
        ? json(500, { error: 'could not perform select' })
        : json(200, { error: 'could not connect to ratings database' });
    if (thrown instanceof MongoClientError)
      return json(500, {
        error: thrown.connected ? 'could not load ratings from database' : 'could not connect to ratings database',
      });
    throw thrown;
  }
}

async function fromMysql(context: ContainerContext): Promise<number[]> {
  const { env } = context;
  const rows = await queryMysql(
    context,
    {
      host: env['MYSQL_DB_HOST'] ?? 'localhost',
      port: Number(env['MYSQL_DB_PORT'] ?? 3306),
      timeoutMs: CONNECT_TIMEOUT_MS,
      user: env['MYSQL_DB_USER'] ?? '',
      password: env['MYSQL_DB_PASSWORD'] ?? '',
      database: 'test',
    },
    'SELECT Rating FROM ratings',
  );
  return rows.map((row) => Number(row['Rating']));
}

async function fromMongo(context: ContainerContext): Promise<number[]> {
  const documents = await findAll(context, context.env['MONGO_DB_URL'] ?? 'mongodb://localhost', 'ratings');
  return documents.map((document) => Number(document['rating']));
}
