import { type BsonDocument, type BsonValue, encodeBson, type ObjectId } from './bson.ts';

const MAX_DOCUMENTS = 10_000;
const MAX_COLLECTIONS = 100;
const MAX_DOCUMENT_BYTES = 16_384;
/** Fields of `find` that change nothing here: all documents come in one batch, from memory. */
const WITHOUT_EFFECT = ['batchSize', 'singleBatch', 'lsid', 'comment', 'maxTimeMS', 'noCursorTimeout'];
const UNDERSTOOD = ['find', 'count', 'query', 'filter', 'limit', 'skip', '$db', '$readPreference', 'readConcern'];

/** An error of a command, with MongoDB's number and name for it. */
export class MongoError extends Error {
  readonly code: number;
  readonly codeName: string;
  constructor(code: number, codeName: string, message: string) {
    super(message);
    this.code = code;
    this.codeName = codeName;
  }
}

const unsupported = (what: string): MongoError => new MongoError(2, 'BadValue', `${what} is not supported here`);

/** Documents by `database.collection`, in the order of their insertion. */
export class Collections {
  readonly #documents = new Map<string, BsonDocument[]>();
  readonly #newId: () => ObjectId;

  constructor(newId: () => ObjectId) {
    this.#newId = newId;
  }

  /** Adds documents, each with an `_id`; returns how many. */
  insert(database: string, collection: string, documents: readonly BsonDocument[]): number {
    const key = `${database}.${collection}`;
    const held = this.#documents.get(key) ?? [];
    if (
      held.length + documents.length > MAX_DOCUMENTS ||
      (held.length === 0 && this.#documents.size >= MAX_COLLECTIONS)
    )
      throw new MongoError(14031, 'OutOfDiskSpace', 'this small server keeps no more documents');
    if (documents.some((each) => encodeBson(each).length > MAX_DOCUMENT_BYTES))
      throw new MongoError(
        10334,
        'BSONObjectTooLarge',
        `this small server keeps documents up to ${MAX_DOCUMENT_BYTES} bytes`,
      );
    this.#documents.set(key, [...held, ...documents.map((each) => ({ _id: this.#newId(), ...each }))]);
    return documents.length;
  }

  /** What a `find` command asks for: an equality filter on fields of the first level, `skip` and `limit`. */
  find(database: string, collection: string, command: BsonDocument): BsonDocument[] {
    for (const field of Object.keys(command))
      if (!UNDERSTOOD.includes(field) && !WITHOUT_EFFECT.includes(field)) throw unsupported(`'${field}'`);
    const wanted = Object.entries(asDocument(command['filter'] ?? {}));
    for (const [name, value] of wanted) checkCondition(name, value);
    const found = (this.#documents.get(`${database}.${collection}`) ?? []).filter((document) =>
      wanted.every(([name, value]) => same(document[name] ?? null, value)),
    );
    const skip = Number(command['skip'] ?? 0);
    const limit = Math.abs(Number(command['limit'] ?? 0));
    return found.slice(skip, limit === 0 ? undefined : skip + limit);
  }

  databases(): string[] {
    return [...new Set([...this.#documents.keys()].map((key) => key.slice(0, key.indexOf('.'))))].sort();
  }

  names(database: string): string[] {
    return [...this.#documents.keys()]
      .filter((key) => key.startsWith(`${database}.`))
      .map((key) => key.slice(database.length + 1))
      .sort();
  }
}

function asDocument(value: BsonValue): BsonDocument {
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype)
    return value as BsonDocument;
  throw new MongoError(14, 'TypeMismatch', "BSON field 'find.filter' must be an object");
}

function checkCondition(name: string, value: BsonValue): void {
  if (name.startsWith('$') || name.includes('.')) throw unsupported(`'${name}' in a filter`);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const operator = Object.keys(value).find((key) => key.startsWith('$'));
  if (operator !== undefined) throw unsupported(`'${operator}' in a filter`);
}

/** Numbers are equal whatever their width; all else by its bytes. */
const same = (a: BsonValue, b: BsonValue): boolean =>
  typeof a === 'bigint' || typeof b === 'bigint'
    ? Number(a) === Number(b)
    : encodeBson({ v: a }).equals(encodeBson({ v: b }));
