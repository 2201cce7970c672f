import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ContainerContext } from '../doors.ts';
import { canonicalName, goHeaders, hostOf, peerOf } from '../net/go-request.ts';

/** Go's form lists each header's and argument's values; Python's joins them. */
export type Dialect = 'go' | 'python';

export interface Exchange {
  readonly context: ContainerContext;
  readonly dialect: Dialect;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly body: Buffer;
}

export interface Route {
  readonly path: RegExp;
  /** Absent: all. GET serves HEAD as well. */
  readonly methods?: readonly string[];
  /** `parts`: the path's groups, decoded. */
  run(exchange: Exchange, parts: readonly string[]): void | Promise<void>;
}

/** The answer as JSON, laid out as each form does. */
export function sendJson({ response, dialect }: Exchange, value: unknown, status = 200): void {
  const text = `${JSON.stringify(value, undefined, 2)}\n`;
  const type = dialect === 'go' ? 'application/json; charset=utf-8' : 'application/json';
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

export function sendText(
  { response }: Exchange,
  body: string | Buffer,
  type = 'text/plain; charset=utf-8',
  status = 200,
) {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** The request's headers, Host included, as the form shows them. */
export function shownHeaders({ request, dialect }: Exchange): Record<string, unknown> {
  const all: Record<string, string[]> = { ...goHeaders(request), Host: [hostOf(request)] };
  const sorted = Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    sorted.map(([name, values]) => [canonicalName(name), dialect === 'go' ? values : values.join(',')]),
  );
}

/** Query or form values as the form shows them. */
export function shownValues(values: URLSearchParams, dialect: Dialect): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const name of new Set(values.keys())) {
    const all = values.getAll(name);
    shown[name] = dialect === 'go' || all.length > 1 ? all : all[0];
  }
  return shown;
}

/** Where the request came from: the first address of X-Forwarded-For, else the peer's. */
export function originOf({ request, dialect }: Exchange): string {
  const forwarded = request.headers['x-forwarded-for'];
  if (forwarded === undefined) return peerOf(request);
  const text = String(forwarded);
  return dialect === 'go' ? (text.split(',')[0]?.trim() ?? '') : text;
}

/** The URL as the client meant it. */
export function shownUrl({ request, url }: Exchange): string {
  const scheme = String(request.headers['x-forwarded-proto'] ?? 'http');
  return `${scheme}://${hostOf(request)}${url.pathname}${url.search}`;
}
