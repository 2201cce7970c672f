import type { IncomingMessage } from 'node:http';
import { parse } from 'yaml';
import { isRecord, type JsonRecord } from '../json.ts';
import { decodeProtobuf } from '../protobuf/decode.ts';
import { badRequest, KubeStatusError, tooLarge } from '../status-error.ts';

/** An API server's limit of one request: 3 MiB. */
const MAX_BODY_BYTES = 3 * 1024 * 1024;

/** What a client may go on sending after the limit, so that it reads the refusal. */
const MAX_DRAINED_BYTES = 64 * 1024 * 1024;

/** Nesting beyond this is refused: far above any manifest, far below what would exhaust the stack. */
const MAX_DEPTH = 500;

/** Reads a body. Throws RequestEntityTooLarge beyond the limit, after the rest has been read and dropped. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
    if (bytes > MAX_DRAINED_BYTES) break;
  }
  if (bytes > MAX_BODY_BYTES) throw tooLarge(`Request entity too large: limit is ${MAX_BODY_BYTES}`);
  return Buffer.concat(chunks);
}

export const mediaType = (header: string | undefined): string =>
  (header ?? '').split(';')[0]?.trim().toLowerCase() ?? '';

export function unsupportedMediaType(accepted: readonly string[]): KubeStatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`;
  return new KubeStatusError('UnsupportedMediaType', message);
}

const OBJECT_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'] as const;

/** Decodes an object by its content type. Throws BadRequest for what is no object, UnsupportedMediaType for other types. */
export function decodeObject(body: Buffer, contentType: string | undefined): JsonRecord {
  switch (mediaType(contentType)) {
    case '':
    case 'application/json':
      return record(parseJson(body));
    case 'application/yaml':
    case 'application/x-yaml':
      return record(parseYaml(body));
    case 'application/vnd.kubernetes.protobuf':
      return decodeProtobuf(body);
    default:
      throw unsupportedMediaType(OBJECT_TYPES);
  }
}

function record(value: unknown): JsonRecord {
  if (isRecord(value)) return value;
  const found = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
  throw badRequest(
    `couldn't get version/kind; json parse error: json: cannot unmarshal ${found} into Go value of type struct`,
  );
}

/** JSON of bounded depth. */
export function parseJson(body: Buffer): unknown {
  const text = body.toString('utf8');
  checkDepth(text);
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = text.trim() === '' ? 'unexpected end of JSON input' : (error as Error).message;
    throw badRequest(`couldn't get version/kind; json parse error: ${why}`);
  }
}

/** YAML or JSON of one document, without aliases that multiply. */
export function parseYaml(body: Buffer): unknown {
  const text = body.toString('utf8');
  checkDepth(text);
  const json = text.trimStart();
  if (json.startsWith('{')) return parseJson(body);
  try {
    const value: unknown = parse(text, { maxAliasCount: 100, logLevel: 'error' });
    return JSON.parse(JSON.stringify(value ?? null));
  } catch (error) {
    throw badRequest(`error converting YAML to JSON: yaml: ${(error as Error).message.split('\n')[0]}`);
  }
}

function checkDepth(text: string): void {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (quoted) {
      if (code === 0x5c) at++;
      else if (code === 0x22) quoted = false;
    } else if (code === 0x22) quoted = true;
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > MAX_DEPTH) throw badRequest('json: exceeded max depth');
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
}
