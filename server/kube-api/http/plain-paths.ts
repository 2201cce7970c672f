import type { Discovery } from '../discovery/discovery.ts';
import { groupVersionText } from '../discovery/groups.ts';
import type { OpenApi } from '../openapi/openapi.ts';
import type { Exchange } from './exchange.ts';
import { isTrue } from './request-path.ts';
import { versionInfo } from './version.ts';

/** What answers paths that lead to no resource. */
export interface PlainPaths {
  readonly discovery: Discovery;
  readonly openApi: OpenApi;
}

const CHECKS = ['ping', 'log', 'etcd'] as const;

/** Answers health, version, discovery and OpenAPI; everything else is a page that does not exist. */
export function answerPlain(exchange: Exchange, { discovery, openApi }: PlainPaths): void {
  const { pathname } = exchange.url;
  if (exchange.method !== 'GET' && exchange.method !== 'HEAD') {
    pageNotFound(exchange);
    return;
  }
  const [, check, part] = /^\/(healthz|livez|readyz)(?:\/(\w+))?$/.exec(pathname) ?? [];
  if (check && (part === undefined || CHECKS.some((each) => each === part))) health(exchange, check);
  else if (pathname === '/version' || pathname === '/version/') exchange.json(200, versionInfo);
  else if (pathname === '/') exchange.json(200, { paths: pathList(discovery) });
  else if (!discovery.answer(exchange) && !openApi.answer(exchange)) pageNotFound(exchange);
}

export const pageNotFound = (exchange: Exchange): void =>
  exchange.send(404, '404 page not found\n', 'text/plain; charset=utf-8');

function health(exchange: Exchange, check: string): void {
  const verbose = exchange.query.has('verbose') && !isFalse(exchange.query.get('verbose'));
  const lines = CHECKS.map((each) => `[+]${each} ok\n`).join('');
  exchange.send(200, verbose ? `${lines}${check} check passed\n` : 'ok', 'text/plain; charset=utf-8');
}

const isFalse = (value: string | null): boolean => value !== null && value !== '' && !isTrue(value);

function pathList({ groups }: Discovery): string[] {
  const paths = groups.flatMap(({ name, versions }) =>
    name === ''
      ? ['/api', ...versions.map((each) => `/api/${each.version}`)]
      : [`/apis/${name}`, ...versions.map((each) => `/apis/${groupVersionText(each)}`)],
  );
  return [
    ...new Set([...paths, '/apis', '/healthz', '/livez', '/openapi/v2', '/openapi/v3', '/readyz', '/version']),
  ].sort();
}
