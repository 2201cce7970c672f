import type { ExplanationView, HopView } from '#contract';

/** The request that is tried. */
export interface Call {
  /** `namespace/pod`. */
  from: string;
  method: string;
  url: string;
  /** One `name: value` a line. */
  headers: string;
}

/** Headers that proxies and clients write by themselves: nobody wants them in a form. */
const NOT_SHOWN =
  /^(x-envoy-.*|x-b3-.*|x-forwarded-.*|x-request-id|traceparent|tracestate|b3|host|:.*|user-agent|accept|content-length|transfer-encoding|connection)$/i;

const shown = (hop: HopView): string =>
  hop.request.headers
    .filter(([name]) => !NOT_SHOWN.test(name))
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');

/** The call that the open request's own proxy was given. */
export function callOf(view: Pick<ExplanationView, 'hops' | 'focus'>): Call | undefined {
  const hop = view.hops.find(({ spanId, direction }) => view.focus.includes(spanId) && direction === 'outbound');
  if (!hop || hop.request.method === '') return undefined;
  const { proxy, request } = hop;
  return {
    from: `${proxy.namespace}/${proxy.pod}`,
    method: request.method,
    url: `http://${request.authority}${request.path}`,
    headers: shown(hop),
  };
}

/** `GET http://reviews:9080/reviews/0`, as it stands in the address. */
export function readShown(show: string | undefined): Partial<Call> {
  const [, method, url] = /^([A-Z]{1,20}) (\S+)$/.exec(show ?? '') ?? [];
  return method !== undefined && url !== undefined ? { method, url } : {};
}

/** Lines without a colon are told, not sent. */
export function readHeaders(text: string): { headers: [string, string][]; unread: string[] } {
  const headers: [string, string][] = [];
  const unread: string[] = [];
  for (const line of text.split('\n').map((one) => one.trim())) {
    const colon = line.indexOf(':');
    if (line === '') continue;
    if (colon <= 0) unread.push(line);
    else headers.push([line.slice(0, colon).trim(), line.slice(colon + 1).trim()]);
  }
  return { headers, unread };
}
