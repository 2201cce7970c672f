import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzip } from 'node:zlib';
import { MeshworkError } from '#domain';
import type { KubeStatus, UserInfo } from '../doors.ts';
import { KubeStatusError } from '../status-error.ts';

export const ANONYMOUS: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] };

/** Warnings beyond this many bytes in one answer are left out. */
const MAX_WARNING_BYTES = 4096;

/** From this size on, answers are compressed for those who take it, as fast as may be. Source: responsewriters in k8s.io/apiserver. */
const GZIP_THRESHOLD = 128 * 1024;
const GZIP_LEVEL = 1;

/** One request and its answer. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly #response: ServerResponse | undefined;
  readonly url: URL;
  /** Aborts when the client goes away or the server stops. */
  readonly signal: AbortSignal;
  /** Set by authentication. */
  user: UserInfo = ANONYMOUS;
  readonly #warnings: string[] = [];
  #warningBytes = 0;
  #sent = false;

  constructor(request: IncomingMessage, response: ServerResponse | undefined, signal: AbortSignal) {
    this.request = request;
    this.#response = response;
    this.signal = signal;
    // The host is of no interest; a target that is no path is refused by the caller.
    this.url = new URL(request.url ?? '/', 'http://localhost');
  }

  /** Throws for a request that switches protocols: it has none. */
  get response(): ServerResponse {
    if (!this.#response)
      throw new MeshworkError('KUBE_NO_RESPONSE', 'A request that switches protocols has no response');
    return this.#response;
  }

  get method(): string {
    return this.request.method ?? 'GET';
  }

  get query(): URLSearchParams {
    return this.url.searchParams;
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  get userAgent(): string {
    return this.header('user-agent') ?? '';
  }

  /** Shown by kubectl as `Warning: text`. The same text is sent once. */
  warn(text: string): void {
    const bytes = Buffer.byteLength(text);
    if (this.#warnings.includes(text) || this.#warningBytes + bytes > MAX_WARNING_BYTES) return;
    this.#warningBytes += bytes;
    this.#warnings.push(text);
  }

  json(status: number, value: unknown, contentType = 'application/json'): void {
    this.send(status, JSON.stringify(value), contentType);
  }

  send(status: number, body: string | Uint8Array, contentType: string): void {
    if (this.#sent || this.response.headersSent) return;
    this.#sent = true;
    this.#head(status, contentType);
    if (this.#compresses(status, body)) {
      this.response.setHeader('Content-Encoding', 'gzip');
      this.response.setHeader('Vary', 'Accept-Encoding');
      gzip(body, { level: GZIP_LEVEL }, (error, compressed) => {
        if (error) this.response.destroy(error);
        else this.#end(compressed);
      });
    } else this.#end(body);
  }

  #end(body: string | Uint8Array): void {
    this.response.setHeader('Content-Length', Buffer.byteLength(body));
    this.response.end(this.method === 'HEAD' ? undefined : body);
  }

  #compresses(status: number, body: string | Uint8Array): boolean {
    if (status !== 200 || this.method !== 'GET' || Buffer.byteLength(body) < GZIP_THRESHOLD) return false;
    const accepted = (this.header('accept-encoding') ?? '').split(',').map((each) => each.trim().toLowerCase());
    return accepted.some((each) => /^gzip(?:;\s*q=(?!0(?:\.0*)?$).+)?$/.test(each));
  }

  /** Sends the head of an answer whose body follows in pieces. */
  begin(status: number, contentType: string): void {
    this.#head(status, contentType);
    this.response.flushHeaders();
  }

  #head(status: number, contentType: string): void {
    this.response.statusCode = status;
    this.response.setHeader('Content-Type', contentType);
    if (!this.response.hasHeader('Cache-Control')) this.response.setHeader('Cache-Control', 'no-cache, private');
    if (this.#warnings.length > 0) this.response.setHeader('Warning', this.#warnings.map(warningValue));
  }

  fail(error: unknown): void {
    const status = statusOf(error);
    if (status.code === 401) this.response.setHeader('WWW-Authenticate', 'Bearer realm="kubernetes"');
    this.json(status.code, status);
  }
}

/** `299 - "text"`: UTF-8 in the bytes of a header, without control characters. */
function warningValue(text: string): string {
  const quoted = text.replaceAll(/\p{Cc}+/gu, ' ').replaceAll(/["\\]/g, String.raw`\$&`);
  return `299 - "${Buffer.from(quoted, 'utf8').toString('latin1')}"`;
}

/** The Status that answers a failure; what is no refusal is an InternalError with its message. */
export function statusOf(error: unknown): KubeStatus {
  if (error instanceof KubeStatusError) return error.status;
  const message = error instanceof Error ? error.message : String(error);
  const { status } = new KubeStatusError('InternalError', `Internal error occurred: ${message}`);
  return { ...status, details: { causes: [{ message, reason: '', field: '' }] } };
}
