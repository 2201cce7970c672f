import { pause } from '#domain';
import {
  type Exchange,
  originOf,
  type Route,
  sendJson,
  sendText,
  shownHeaders,
  shownUrl,
  shownValues,
} from './route.ts';

const MAX_DELAY_MS = 10_000;
const MAX_BYTES = 100 * 1024;
const MAX_LINES = 100;
const WITH_BODY = ['POST', 'PUT', 'PATCH', 'DELETE'];

/** What every answer about a request begins with. */
const requestFacts = (exchange: Exchange): Record<string, unknown> => ({
  args: shownValues(exchange.url.searchParams, exchange.dialect),
  headers: shownHeaders(exchange),
  ...(exchange.dialect === 'go' ? { method: exchange.request.method } : {}),
  origin: originOf(exchange),
  url: shownUrl(exchange),
});

function bodyFacts({ request, body, dialect }: Exchange): Record<string, unknown> {
  const type = request.headers['content-type'] ?? '';
  const text = body.toString('utf8');
  const form = type.startsWith('application/x-www-form-urlencoded') ? new URLSearchParams(text) : undefined;
  const isForm = form !== undefined && dialect === 'python';
  return {
    data: isForm ? '' : text,
    files: {},
    form: form === undefined ? {} : shownValues(form, dialect),
    json: type.includes('json') ? parsed(text) : null,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A body that only claims to be JSON is shown as data alone.
    return null;
  }
}

const showRequest = (exchange: Exchange): void => sendJson(exchange, requestFacts(exchange));
const showAll = (exchange: Exchange): void =>
  sendJson(exchange, sorted({ ...requestFacts(exchange), ...bodyFacts(exchange), method: exchange.request.method }));
const showPosted = (exchange: Exchange): void =>
  sendJson(exchange, sorted({ ...requestFacts(exchange), ...bodyFacts(exchange) }));

const sorted = (facts: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(facts).sort(([a], [b]) => (a < b ? -1 : 1)));

/** `500`, `200,500`, `200:0.9,500:0.1`: one of them by weight. */
function chosenStatus(text: string, chance: number): number | undefined {
  const choices = text.split(',').map((each) => {
    const [code = '', weight = '1'] = each.split(':');
    return { code: Number(code), weight: Number(weight) };
  });
  if (choices.some(({ code, weight }) => !Number.isInteger(code) || code < 100 || code > 599 || !(weight >= 0)))
    return undefined;
  const total = choices.reduce((sum, { weight }) => sum + weight, 0);
  let left = chance * total;
  const chosen = choices.find(({ weight }) => {
    left -= weight;
    return left < 0;
  });
  return (chosen ?? choices.at(-1))?.code;
}

function showStatus(exchange: Exchange, [text = '']: readonly string[]): void {
  const { context, response } = exchange;
  const status = chosenStatus(text, context.random.next());
  if (status === undefined) {
    sendText(exchange, 'Invalid status code\n', undefined, 400);
    return;
  }
  if (status >= 301 && status <= 308 && status !== 304) response.setHeader('location', '/redirect/1');
  if (status === 401) response.setHeader('www-authenticate', 'Basic realm="Fake Realm"');
  if (status === 407) response.setHeader('proxy-authenticate', 'Basic realm="Fake Realm"');
  if (status === 418) {
    response.setHeader('x-more-info', 'http://tools.ietf.org/html/rfc2324');
    sendText(exchange, "I'm a teapot!", 'text/plain', status);
    return;
  }
  response.writeHead(status, { 'content-length': 0, 'content-type': 'text/plain; charset=utf-8' });
  response.end();
}

async function delay(exchange: Exchange, [text = '']: readonly string[]): Promise<void> {
  const [, number = '', unit = 's'] = /^([\d.]+)(ms|s|m)?$/.exec(text) ?? [];
  const ms = Number(number) * (unit === 'ms' ? 1 : unit === 'm' ? 60_000 : 1000);
  if (number === '' || !Number.isFinite(ms)) {
    sendText(exchange, 'Invalid duration\n', undefined, 400);
    return;
  }
  await pause(exchange.context, Math.min(ms, MAX_DELAY_MS));
  showAll(exchange);
}

/** Bytes that the same seed gives again. */
function randomBytes({ context, url }: Exchange, count: number): Buffer {
  const seed = url.searchParams.get('seed');
  const random = seed === null ? context.random : context.random.stream(`bytes/${seed}`);
  return Buffer.from(random.bytes(Math.min(Math.max(count, 0), MAX_BYTES)));
}

async function stream(exchange: Exchange, [count = '']: readonly string[]): Promise<void> {
  const { response } = exchange;
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
  for (let id = 0; id < Math.min(Number(count), MAX_LINES); id++) {
    response.write(`${JSON.stringify({ id, ...requestFacts(exchange) })}\n`);
  }
  response.end();
}

async function drip(exchange: Exchange): Promise<void> {
  const { url, response, context } = exchange;
  const number = (name: string, fallback: number): number => {
    const text = url.searchParams.get(name);
    return text === null ? fallback : Number.parseFloat(text);
  };
  const bytes = Math.min(number('numbytes', 10), MAX_BYTES);
  const everyMs = Math.min((number('duration', 2) * 1000) / Math.max(bytes, 1), MAX_DELAY_MS);
  await pause(context, Math.min(number('delay', 0) * 1000, MAX_DELAY_MS));
  response.writeHead(number('code', 200), { 'content-type': 'text/plain', 'content-length': bytes });
  for (let sent = 0; sent < bytes && !response.destroyed; sent++) {
    response.write('*');
    if (sent < bytes - 1) await pause(context, everyMs);
  }
  response.end();
}

function showChosenHeaders(exchange: Exchange): void {
  const { url, response, dialect } = exchange;
  for (const name of new Set(url.searchParams.keys())) response.setHeader(name, url.searchParams.getAll(name));
  sendJson(exchange, shownValues(url.searchParams, dialect));
}

function range(exchange: Exchange, [count = '']: readonly string[]): void {
  const { request, response } = exchange;
  const size = Math.min(Number(count), MAX_BYTES);
  const all = Buffer.from(Array.from({ length: size }, (_, i) => 97 + (i % 26)));
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  response.setHeader('accept-ranges', 'bytes');
  response.setHeader('etag', `range${size}`);
  if (from === '' && to === '') {
    sendText(exchange, all, 'application/octet-stream');
    return;
  }
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (first > last) {
    response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
    return;
  }
  response.setHeader('content-range', `bytes ${first}-${last}/${size}`);
  sendText(exchange, all.subarray(first, last + 1), 'application/octet-stream', 206);
}

/** Routes that tell a client about its own request, or answer as it asks. */
export const inspectionRoutes: readonly Route[] = [
  { path: /^\/get$/, methods: ['GET'], run: showRequest },
  { path: /^\/head$/, methods: ['GET'], run: showRequest },
  { path: /^\/post$/, methods: ['POST'], run: showPosted },
  { path: /^\/put$/, methods: ['PUT'], run: showPosted },
  { path: /^\/patch$/, methods: ['PATCH'], run: showPosted },
  { path: /^\/delete$/, methods: ['DELETE'], run: showPosted },
  { path: /^\/anything(?:\/.*)?$/, run: showAll },
  { path: /^\/headers$/, methods: ['GET'], run: (exchange) => sendJson(exchange, { headers: shownHeaders(exchange) }) },
  { path: /^\/ip$/, methods: ['GET'], run: (exchange) => sendJson(exchange, { origin: originOf(exchange) }) },
  {
    path: /^\/user-agent$/,
    methods: ['GET'],
    run: (exchange) => sendJson(exchange, { 'user-agent': exchange.request.headers['user-agent'] ?? '' }),
  },
  { path: /^\/status\/([^/]+)$/, run: showStatus },
  {
    path: /^\/unstable$/,
    run: (exchange) => showStatus(exchange, [exchange.context.random.next() < 0.5 ? '500' : '200']),
  },
  { path: /^\/delay\/([^/]+)$/, methods: ['GET', ...WITH_BODY], run: delay },
  {
    path: /^\/(?:bytes|stream-bytes)\/(\d+)$/,
    methods: ['GET'],
    run: (exchange, [count]) => sendText(exchange, randomBytes(exchange, Number(count)), 'application/octet-stream'),
  },
  { path: /^\/stream\/(\d+)$/, methods: ['GET'], run: stream },
  { path: /^\/range\/(\d+)$/, methods: ['GET'], run: range },
  { path: /^\/drip$/, methods: ['GET'], run: drip },
  { path: /^\/response-headers$/, methods: ['GET', 'POST'], run: showChosenHeaders },
  {
    path: /^\/hostname$/,
    methods: ['GET'],
    run: (exchange) => sendJson(exchange, { hostname: exchange.context.env['HOSTNAME'] ?? '' }),
  },
];
