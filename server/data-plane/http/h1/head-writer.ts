import type { RequestHead, ResponseHead } from '../codec.ts';
import { type Headers, wireSafe } from '../headers.ts';
import { safeTarget } from '../target.ts';
import { readLength } from './bytes.ts';
import { statusLine } from './status-lines.ts';

/** How the body behind a head is written. */
export type WireFraming = 'none' | 'length' | 'chunked' | 'close' | 'tunnel';

/** Requests that usually have no body: without one they carry no Content-Length. */
const BODILESS_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'TRACE', 'CONNECT']);

const TUNNEL_LINE = 'connection: Upgrade\r\n\r\n';

/** The message that a response answers, as far as its framing depends on it. */
export interface ResponseTarget {
  readonly head: RequestHead;
  /** CONNECT or an Upgrade. */
  readonly tunnel: boolean;
  /** Add `connection: close`. */
  readonly close: boolean;
}

/** Writes heads. One instance serves a whole connection: each call overwrites `framing` and `contentLength`. */
export class HeadWriter {
  framing: WireFraming = 'none';
  /** With framing `length`: bytes that must follow. */
  contentLength = 0;

  /** Of the header list that was written last: −1 without a Content-Length. */
  #length = -1;
  /** Where its line begins and ends in that list. */
  #lengthFrom = 0;
  #lengthTo = 0;
  #upgrade = false;

  request(head: RequestHead, endStream: boolean): string {
    return spelled(this.#request(head, endStream), head.headers);
  }

  response(head: ResponseHead, endStream: boolean, target: ResponseTarget): string {
    return spelled(this.#response(head, endStream, target), head.headers);
  }

  #request(head: RequestHead, endStream: boolean): string {
    const connect = head.method === 'CONNECT';
    const target = safeTarget(connect ? head.authority : head.path);
    const start = `${head.method} ${target} HTTP/1.1\r\nhost: ${connect ? target : wireSafe(head.authority)}\r\n`;
    const lines = this.#lines(head.headers);
    if (connect || this.#upgrade)
      return this.#framed('tunnel', start + this.#unsized(lines) + (connect ? '\r\n' : TUNNEL_LINE));
    if (!endStream) return this.#body(start + lines);
    if (this.#length === 0) return this.#framed('none', `${start}${lines}\r\n`);
    const end = BODILESS_METHODS.has(head.method) ? '\r\n' : 'content-length: 0\r\n\r\n';
    return this.#framed('none', start + this.#unsized(lines) + end);
  }

  #response(head: ResponseHead, endStream: boolean, target: ResponseTarget): string {
    const { status } = head;
    const { method, protocol } = target.head;
    const http10 = protocol === 'HTTP/1.0';
    const start = statusLine(status, http10);
    const lines = this.#lines(head.headers);
    if (target.tunnel && (status === 101 || (method === 'CONNECT' && status >= 200 && status < 300))) {
      return this.#framed('tunnel', start + this.#unsized(lines) + (status === 101 ? TUNNEL_LINE : '\r\n'));
    }
    const rest = target.close ? 'connection: close\r\n' : http10 ? 'connection: keep-alive\r\n' : '';
    if (status < 200 || status === 204) return this.#framed('none', `${start}${this.#unsized(lines)}${rest}\r\n`);
    const text = start + lines + rest;
    if (status === 304 || method === 'HEAD') return this.#framed('none', text + this.#unsentBody(status, http10));
    if (endStream && this.#length === 0) return this.#framed('none', `${text}\r\n`);
    if (endStream) return this.#framed('none', `${start}${this.#unsized(lines)}${rest}content-length: 0\r\n\r\n`);
    if (http10 && this.#length < 0) return this.#framed('close', `${start}${lines}connection: close\r\n\r\n`);
    return this.#body(text);
  }

  /** How the body would be framed that an answer to HEAD, or a 304, does not send. As Envoy, HEAD is told of chunks where no length is known. */
  #unsentBody(status: number, http10: boolean): string {
    return this.#length >= 0 || status === 304 || http10 ? '\r\n' : 'transfer-encoding: chunked\r\n\r\n';
  }

  /** A 1xx response; it never ends anything. */
  informational(head: ResponseHead): string {
    return spelled(`${statusLine(head.status, false)}${this.#lines(head.headers)}\r\n`, head.headers);
  }

  #framed(framing: WireFraming, text: string): string {
    this.framing = framing;
    this.contentLength = 0;
    return text;
  }

  #body(text: string): string {
    if (this.#length < 0) return this.#framed('chunked', `${text}transfer-encoding: chunked\r\n\r\n`);
    this.framing = 'length';
    this.contentLength = this.#length;
    return `${text}\r\n`;
  }

  /** Lines without the Content-Length among them. */
  #unsized(lines: string): string {
    return this.#length < 0 ? lines : lines.slice(0, this.#lengthFrom) + lines.slice(this.#lengthTo);
  }

  /** The lines of a header list, without those that the framing decides about; Content-Length stands in its place, as in Envoy. */
  #lines(headers: Headers): string {
    const flat = headers.flat;
    let lines = '';
    this.#length = -1;
    this.#upgrade = false;
    for (let i = 0; i < flat.length; i += 2) {
      const name = flat[i]!;
      const value = flat[i + 1]!;
      if (name === 'content-length') {
        if (this.#length >= 0) continue;
        this.#length = readLength(value);
        if (this.#length < 0) continue;
        this.#lengthFrom = lines.length;
        lines += `content-length: ${this.#length}\r\n`;
        this.#lengthTo = lines.length;
      } else if (name !== 'transfer-encoding' && name !== 'connection') {
        if (name === 'upgrade') this.#upgrade = true;
        lines += `${name}: ${value}\r\n`;
      }
    }
    return lines;
  }
}

/** A head with the names that the peer wrote with capitals as they were written; those that a proxy adds are in lower case, as in Envoy. */
function spelled(text: string, { spelling }: Headers): string {
  if (spelling === undefined) return text;
  return text.replace(/(?<=\r\n)[^:\r\n]+(?=:)/g, (name) => spelling.get(name) ?? name);
}
