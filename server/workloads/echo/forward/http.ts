import type { FetchInit, FetchResponse } from '../../doors.ts';
import { canonicalName } from '../../net/go-request.ts';
import { bodyLines, type Forwarded, tlsInit } from './lines.ts';
import type { EchoRequest, EchoWorld } from './request.ts';

const MAX_REDIRECTS = 10;
/** What Go's client sends by itself. */
const OWN_HEADERS = { 'user-agent': 'Go-http-client/1.1', 'accept-encoding': 'gzip' } as const;
const OWN_HEADERS_HTTP2 = { ...OWN_HEADERS, 'user-agent': 'Go-http-client/2.0' } as const;

/** `http://`, `https://`: one request; with redirects, the answer of the last. */
export async function forwardHttp(request: EchoRequest, world: EchoWorld): Promise<Forwarded> {
  const startedMs = world.clock.monotonic();
  const sent = [`Url=${request.url}`, ...request.headers.map(([name, value]) => `Header=${name}:${value}`)];
  const response = await answerOf(request, world);
  const { lines = Object.entries(response.headers) } = response.head ?? {};
  const named = lines.map(([name, value]): [string, string] => [canonicalName(name), value]);
  return [
    ...sent,
    `SourceIP=${response.localAddress ?? ''}`,
    `Latency=${(world.clock.monotonic() - startedMs).toFixed(3)}ms`,
    'ActiveRequests=1',
    `StatusCode=${response.status}`,
    ...named.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([name, value]) => `ResponseHeader=${name}:${value}`),
    ...bodyLines(response.body.toString('utf8')),
  ];
}

async function answerOf(request: EchoRequest, world: EchoWorld): Promise<FetchResponse> {
  let url = request.url;
  let { method } = request;
  let host = request.host;
  for (let redirects = 0; ; redirects++) {
    const { body: _, ...init } = initOf(request, { url, method, host });
    const response = await world.fetch(url, init);
    const { location } = response.headers;
    if (!request.followsRedirects || location === undefined || response.status < 301 || response.status > 308)
      return response;
    if (redirects >= MAX_REDIRECTS) throw new Error(`Get "${url}": stopped after ${MAX_REDIRECTS} redirects`);
    const next = new URL(location, url);
    // A name that was asked for in Host stays with relative redirects alone.
    if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(location)) host = undefined;
    if (response.status <= 303 && method !== 'HEAD') method = 'GET';
    url = next.href;
  }
}

function initOf(
  { headers, timeoutMs, http2, tls }: EchoRequest,
  { url, method, host }: { readonly url: string; readonly method: string; readonly host: string | undefined },
): FetchInit {
  const [, target = ''] = /^[^:]+:\/\/[^/?#]*([^#]*)/.exec(url) ?? [];
  const own = Object.entries(http2 ? OWN_HEADERS_HTTP2 : OWN_HEADERS);
  const given = new Set(headers.map(([name]) => name.toLowerCase()));
  return {
    method,
    headers: {
      ...(host === undefined ? {} : { host }),
      ...Object.fromEntries(own.filter(([name]) => !given.has(name))),
    },
    moreHeaders: headers,
    target: target.startsWith('/') ? target : `/${target}`,
    timeoutMs,
    ...(http2 ? { http2 } : {}),
    tls: tlsInit(tls, host),
  };
}
