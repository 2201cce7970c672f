import { type Exchange, type Route, sendJson } from './route.ts';

function credentialsOf({ request }: Exchange): { user: string; password: string } | undefined {
  const [, encoded] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function basic(exchange: Exchange, [user = '', password = '']: readonly string[], refusal: number): void {
  const given = credentialsOf(exchange);
  const authorized = given?.user === user && given.password === password;
  if (!authorized && refusal === 401) exchange.response.setHeader('www-authenticate', 'Basic realm="Fake Realm"');
  const facts = exchange.dialect === 'go' ? { authorized, user: given?.user ?? '' } : { authenticated: true, user };
  if (!authorized && exchange.dialect === 'python') exchange.response.writeHead(refusal).end();
  else sendJson(exchange, facts, authorized ? 200 : refusal);
}

function bearer(exchange: Exchange): void {
  const [, token] = /^Bearer (.+)$/.exec(exchange.request.headers.authorization ?? '') ?? [];
  if (token !== undefined) sendJson(exchange, { authenticated: true, token });
  else exchange.response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
}

function cookiesOf({ request }: Exchange): Record<string, string> {
  const pairs = (request.headers.cookie ?? '').split(/;\s*/).filter((pair) => pair.includes('='));
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}

const showCookies = (exchange: Exchange): void =>
  sendJson(exchange, exchange.dialect === 'go' ? cookiesOf(exchange) : { cookies: cookiesOf(exchange) });

function toCookies({ response }: Exchange, cookies: readonly string[]): void {
  response.setHeader('set-cookie', [...cookies]);
  response.writeHead(302, { location: '/cookies' }).end();
}

/** Credentials and cookies. */
export const authRoutes: readonly Route[] = [
  { path: /^\/basic-auth\/([^/]+)\/([^/]+)$/, methods: ['GET'], run: (exchange, parts) => basic(exchange, parts, 401) },
  {
    path: /^\/hidden-basic-auth\/([^/]+)\/([^/]+)$/,
    methods: ['GET'],
    run: (exchange, parts) => basic(exchange, parts, 404),
  },
  { path: /^\/bearer$/, methods: ['GET'], run: bearer },
  { path: /^\/cookies$/, methods: ['GET'], run: showCookies },
  {
    path: /^\/cookies\/set$/,
    methods: ['GET'],
    run: (exchange) =>
      toCookies(
        exchange,
        [...exchange.url.searchParams].map(([name, value]) => `${name}=${value}; Path=/`),
      ),
  },
  {
    path: /^\/cookies\/set\/([^/]+)\/([^/]+)$/,
    methods: ['GET'],
    run: (exchange, [name, value]) => toCookies(exchange, [`${name}=${value}; Path=/`]),
  },
  {
    path: /^\/cookies\/delete$/,
    methods: ['GET'],
    run: (exchange) =>
      toCookies(
        exchange,
        [...exchange.url.searchParams.keys()].map((name) => `${name}=; Path=/; Max-Age=0`),
      ),
  },
];
