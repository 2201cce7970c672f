import type { Socket } from 'node:net';
import { MeshworkError } from '#domain';
import { type BsonDocument, type BsonValue, bsonLength, decodeBson, encodeBson } from './bson.ts';
import { readFrames } from './frames.ts';

/** Longest message that is read; mongod takes 48 MB. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const CHECKSUM_PRESENT = 1;
const MORE_TO_COME = 2;

/** One command or one answer, as MongoDB's wire protocol carries it. */
export interface MongoMessage {
  readonly requestId: number;
  readonly responseTo: number;
  /** OP_QUERY is how drivers say their first hello; its answer is an OP_REPLY. */
  readonly legacy: boolean;
  /** The sender waits for an answer. */
  readonly wantsAnswer: boolean;
  /** A command's first field is its name. */
  readonly body: BsonDocument;
}

/** Reads messages of a connection. What is none ends the connection. */
export function readMongo(socket: Socket, onMessage: (message: MongoMessage) => void, onBroken: () => void): void {
  readFrames(socket, {
    maxBytes: MAX_MESSAGE_BYTES,
    lengthOf: (pending) => (pending.length < 16 ? undefined : pending.readInt32LE(0)),
    onBroken,
    onFrame: (frame) => {
      try {
        onMessage(decodeMessage(frame));
      } catch (thrown) {
        if (!(thrown instanceof MeshworkError || thrown instanceof RangeError)) throw thrown;
        onBroken();
      }
    },
  });
}

const broken = (what: string): MeshworkError => new MeshworkError('MW9207', `broken MongoDB message: ${what}`);

function decodeMessage(frame: Buffer): MongoMessage {
  if (frame.length < 20) throw broken('it is too short');
  const [requestId, responseTo, opcode, flags] = [4, 8, 12, 16].map((at) => frame.readInt32LE(at));
  const head = { requestId: requestId ?? 0, responseTo: responseTo ?? 0 };
  const bits = flags ?? 0;
  switch (opcode) {
    case OP_MSG: {
      const end = frame.length - (bits & CHECKSUM_PRESENT ? 4 : 0);
      const body = readSections(frame.subarray(20, end));
      return { ...head, legacy: false, wantsAnswer: (bits & MORE_TO_COME) === 0, body };
    }
    case OP_QUERY: {
      const nameEnd = frame.indexOf(0, 20);
      if (nameEnd < 0) throw broken('the collection has no end');
      return { ...head, legacy: true, wantsAnswer: true, body: decodeBson(frame.subarray(nameEnd + 9)) };
    }
    case OP_REPLY:
      return { ...head, legacy: true, wantsAnswer: false, body: decodeBson(frame.subarray(36)) };
    default:
      throw broken(`operation ${opcode} is not known here`);
  }
}

/** The body, with each sequence of documents as the field that it stands for. */
function readSections(bytes: Buffer): BsonDocument {
  let body: BsonDocument = {};
  const sequences: Record<string, BsonValue> = {};
  for (let at = 0; at < bytes.length; ) {
    const kind = bytes.readUInt8(at++);
    if (kind === 0) {
      body = decodeBson(bytes.subarray(at));
      at += bsonLength(bytes.subarray(at));
    } else if (kind === 1) {
      const length = bytes.readInt32LE(at);
      if (length < 5 || at + length > bytes.length) throw broken('a sequence is cut off');
      const section = bytes.subarray(at + 4, at + length);
      const nameEnd = section.indexOf(0);
      if (nameEnd < 0) throw broken('a sequence has no name');
      sequences[section.toString('utf8', 0, nameEnd)] = readDocuments(section.subarray(nameEnd + 1));
      at += length;
    } else throw broken(`a section of kind ${kind}`);
  }
  return { ...body, ...sequences };
}

function readDocuments(bytes: Buffer): BsonDocument[] {
  const documents: BsonDocument[] = [];
  for (let at = 0; at < bytes.length; at += bsonLength(bytes.subarray(at)))
    documents.push(decodeBson(bytes.subarray(at)));
  return documents;
}

/** An OP_MSG. */
export function encodeMessage(requestId: number, responseTo: number, body: BsonDocument): Buffer {
  return frameOf([requestId, responseTo, OP_MSG, 0], Buffer.concat([Buffer.from([0]), encodeBson(body)]));
}

/** The answer to an OP_QUERY: no flags, no cursor, from the start, one document. */
export function encodeReply(requestId: number, responseTo: number, body: BsonDocument): Buffer {
  return frameOf([requestId, responseTo, OP_REPLY, 8, 0, 0, 0, 1], encodeBson(body));
}

function frameOf(words: readonly number[], rest: Buffer): Buffer {
  const head = Buffer.alloc(4 + 4 * words.length);
  head.writeInt32LE(head.length + rest.length, 0);
  for (const [index, word] of words.entries()) head.writeInt32LE(word, 4 + 4 * index);
  return Buffer.concat([head, rest]);
}
