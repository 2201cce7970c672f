import { hostOf } from '../net/go-request.ts';
import { type Exchange, type Route, sendText } from './route.ts';

const MAX_REDIRECTS = 100;

function redirect(exchange: Exchange, count: number, kind: 'relative' | 'absolute'): void {
  if (count < 1 || count > MAX_REDIRECTS) {
    sendText(exchange, 'Invalid redirect count\n', undefined, 400);
    return;
  }
  const path =
    count === 1 ? '/get' : `/${kind === 'relative' ? 'relative-redirect' : 'absolute-redirect'}/${count - 1}`;
  const location = kind === 'relative' ? path : `http://${hostOf(exchange.request)}${path}`;
  exchange.response.writeHead(302, { location }).end();
}

function redirectTo(exchange: Exchange): void {
  const { url, response } = exchange;
  const target = url.searchParams.get('url');
  const status = Number(url.searchParams.get('status_code') ?? 302);
  if (target === null) {
    sendText(exchange, 'Missing URL\n', undefined, 400);
    return;
  }
  if (!(status >= 300 && status < 400)) {
    sendText(exchange, 'Invalid status code\n', undefined, 400);
    return;
  }
  response.writeHead(status, { location: target }).end();
}

export const redirectRoutes: readonly Route[] = [
  {
    path: /^\/redirect\/(\d+)$/,
    methods: ['GET'],
    run: (exchange, [count]) =>
      redirect(exchange, Number(count), exchange.url.searchParams.get('absolute') === 'true' ? 'absolute' : 'relative'),
  },
  {
    path: /^\/relative-redirect\/(\d+)$/,
    methods: ['GET'],
    run: (exchange, [count]) => redirect(exchange, Number(count), 'relative'),
  },
  {
    path: /^\/absolute-redirect\/(\d+)$/,
    methods: ['GET'],
    run: (exchange, [count]) => redirect(exchange, Number(count), 'absolute'),
  },
  { path: /^\/redirect-to$/, run: redirectTo },
];
