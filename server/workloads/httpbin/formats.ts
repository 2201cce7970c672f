import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { headerPairs, protoOf } from '../net/go-request.ts';
import { type Exchange, originOf, type Route, sendJson, sendText, shownHeaders } from './route.ts';

const INDEX = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>httpbin</title></head>
<body>
<h1>httpbin: HTTP request and response service</h1>
<ul>
<li>/get, /post, /put, /patch, /delete, /anything: the request, told back</li>
<li>/headers, /ip, /user-agent, /cookies: parts of it</li>
<li>/status/:code, /delay/:seconds, /redirect/:n, /bytes/:n, /stream/:n: answers as you ask for them</li>
<li>/basic-auth/:user/:password, /bearer, /response-headers, /gzip, /html, /json, /xml, /uuid</li>
</ul>
</body>
</html>
`;

const PAGE = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>A page</title></head>
<body><h1>A page of plain text</h1><p>It is here so that a client has some HTML to read.</p></body>
</html>
`;

const SLIDES = {
  slideshow: { author: 'Meshwork', date: 'today', slides: [{ title: 'One', type: 'all' }], title: 'Sample' },
};

function compressed(exchange: Exchange, encoding: 'gzip' | 'deflate' | 'br'): void {
  const { request, response } = exchange;
  const flag = { gzip: 'gzipped', deflate: 'deflated', br: 'brotli' }[encoding];
  const facts = { [flag]: true, headers: shownHeaders(exchange), method: request.method, origin: originOf(exchange) };
  const plain = Buffer.from(`${JSON.stringify(facts, undefined, 2)}\n`);
  const packed = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync }[encoding](plain);
  response.writeHead(200, {
    'content-type': 'application/json; charset=utf-8',
    'content-encoding': encoding,
    'content-length': packed.length,
  });
  response.end(packed);
}

function uuid({ context }: Exchange): string {
  const hex = Buffer.from(context.random.bytes(16)).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

function cached(exchange: Exchange): void {
  const { request, response } = exchange;
  if (request.headers['if-modified-since'] !== undefined || request.headers['if-none-match'] !== undefined) {
    response.writeHead(304).end();
    return;
  }
  response.setHeader('last-modified', new Date(exchange.context.clock.now()).toUTCString());
  response.setHeader('etag', '"meshwork"');
  sendJson(exchange, { headers: shownHeaders(exchange), origin: originOf(exchange) });
}

function matchEtag(exchange: Exchange, [etag = '']: readonly string[]): void {
  const { request, response } = exchange;
  response.setHeader('etag', `"${etag}"`);
  const listed = (text: string | undefined): boolean =>
    (text ?? '').split(/\s*,\s*/).some((each) => each === '*' || each.replace(/^W\//, '').replaceAll('"', '') === etag);
  if (listed(request.headers['if-none-match'])) response.writeHead(304).end();
  else if (request.headers['if-match'] !== undefined && !listed(request.headers['if-match']))
    response.writeHead(412).end();
  else sendJson(exchange, { headers: shownHeaders(exchange), origin: originOf(exchange) });
}

/** The request line and headers as they arrived. */
function dump(exchange: Exchange): void {
  const { request, body } = exchange;
  const lines = [`${request.method} ${request.url} ${protoOf(request)}`];
  for (const [name, value] of headerPairs(request)) lines.push(`${name}: ${value}`);
  sendText(exchange, `${lines.join('\r\n')}\r\n\r\n${body.toString('utf8')}`);
}

/** Fixed documents, encodings and caches. */
export const formatRoutes: readonly Route[] = [
  { path: /^\/$/, methods: ['GET'], run: (exchange) => sendText(exchange, INDEX, 'text/html; charset=utf-8') },
  { path: /^\/html$/, methods: ['GET'], run: (exchange) => sendText(exchange, PAGE, 'text/html; charset=utf-8') },
  { path: /^\/json$/, methods: ['GET'], run: (exchange) => sendJson(exchange, SLIDES) },
  {
    path: /^\/xml$/,
    methods: ['GET'],
    run: (exchange) => sendText(exchange, '<?xml version="1.0"?><slideshow title="Sample"/>\n', 'application/xml'),
  },
  {
    path: /^\/robots\.txt$/,
    methods: ['GET'],
    run: (exchange) => sendText(exchange, 'User-agent: *\nDisallow: /deny\n', 'text/plain'),
  },
  {
    path: /^\/deny$/,
    methods: ['GET'],
    run: (exchange) => sendText(exchange, 'YOU SHOULD NOT BE HERE\n', 'text/plain'),
  },
  { path: /^\/encoding\/utf8$/, methods: ['GET'], run: (exchange) => sendText(exchange, 'äöü ∮ ∀ ก 漢字 🕸\n') },
  { path: /^\/gzip$/, methods: ['GET'], run: (exchange) => compressed(exchange, 'gzip') },
  { path: /^\/deflate$/, methods: ['GET'], run: (exchange) => compressed(exchange, 'deflate') },
  { path: /^\/brotli$/, methods: ['GET'], run: (exchange) => compressed(exchange, 'br') },
  { path: /^\/uuid$/, methods: ['GET'], run: (exchange) => sendJson(exchange, { uuid: uuid(exchange) }) },
  {
    path: /^\/base64\/(?:decode\/)?([^/]+)$/,
    methods: ['GET'],
    run: (exchange, [text = '']) => sendText(exchange, Buffer.from(text, 'base64').toString('utf8')),
  },
  { path: /^\/cache$/, methods: ['GET'], run: cached },
  {
    path: /^\/cache\/(\d+)$/,
    methods: ['GET'],
    run: (exchange, [seconds]) => {
      exchange.response.setHeader('cache-control', `public, max-age=${seconds}`);
      sendJson(exchange, { headers: shownHeaders(exchange), origin: originOf(exchange) });
    },
  },
  { path: /^\/etag\/([^/]+)$/, methods: ['GET'], run: matchEtag },
  { path: /^\/dump\/request$/, run: dump },
];
