import type { IncomingMessage, ServerResponse } from 'node:http';
import { MeshworkError } from '#domain';

const MAX_BODY_BYTES = 64 * 1024;

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export const json = (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  type: 'application/json',
  body: JSON.stringify(value),
  headers,
});

export const text = (status: number, body: string): Answer => ({ status, type: 'text/plain; charset=utf-8', body });

export const html = (status: number, body: string): Answer => ({ status, type: 'text/html; charset=utf-8', body });

/** Writes the whole answer; nothing when the client has gone. */
export function answer(response: ServerResponse, { status, type, body, headers = {} }: Answer): void {
  if (response.writableEnded || response.destroyed) return;
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), ...headers });
  response.end(body);
}

/** The request's body as text; rejects when it is longer than 64 KiB. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    size += bytes.length;
    if (size > MAX_BODY_BYTES)
      throw new MeshworkError('MW9205', `the request body is longer than ${MAX_BODY_BYTES} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Path without query. */
export function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}

/** Path parts without empty ones: `/reviews/0` → `['reviews', '0']`. */
export const pathParts = (path: string): string[] => path.split('/').filter((part) => part !== '');
