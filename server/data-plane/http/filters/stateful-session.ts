import { readSessionOfRoute, type SessionConfig, type SessionState } from '../../config/filters/stateful-session.ts';
import { cookieValues } from '../cookies.ts';
import type { Exchange } from '../exchange.ts';
import { setCookie } from '../set-cookie.ts';
import type { FilterParts } from './filter-parts.ts';
import { perRoute } from './per-route.ts';
import { readTicket, writeTicket } from './session-ticket.ts';

/**
 * Envoy's stateful_session filter: the answer tells the client which host it came from, and later requests that bring this back go there again
 * (source/extensions/filters/http/stateful_session).
 */
export function statefulSession(name: string, own: SessionConfig): FilterParts {
  const configOf = perRoute<SessionConfig | undefined>(
    { name, type: 'stateful_session.v3.StatefulSessionPerRoute' },
    own,
    readSessionOfRoute,
  );
  return {
    ...(own.scope !== undefined && { figures: { [own.scope]: FIGURES } }),
    decode(exchange) {
      const config = configOf(exchange);
      const state = config?.state;
      if (config === undefined || state === undefined || !concerns(state, exchange.head.path)) {
        return 'next';
      }
      const host = hostOf(state, exchange);
      if (host !== undefined) {
        const { strict, statusWithout } = config;
        exchange.wantedHost = { key: host, strict, ...(statusWithout !== undefined && { statusWithout }) };
        exchange.steps.add('http_filter', 'applied', name, () => ({
          detail: `the session of the request belongs to ${host}${config.strict ? ', and to no other host' : ''}`,
        }));
      }
      exchange.session = { state, host };
      return 'next';
    },
    encode(exchange, { headers }) {
      const { session } = exchange;
      const host = exchange.info.upstreamHost;
      // Routes have no figures of their own.
      if (own.scope !== undefined && configOf(exchange) === own) count(exchange, own);
      // Nobody but a host begins a session.
      if (session === undefined || host === '' || host === session.host) return undefined;
      if (session.state.kind === 'header') headers.set(session.state.name, Buffer.from(host).toString('base64'));
      else headers.add('set-cookie', cookieFor(exchange, session.state, host));
      return undefined;
    },
  };
}

const FIGURES: readonly string[] = ['failed_closed', 'failed_open', 'no_session', 'routed'];

/** Whether the host was the one that was wanted; who wants no other is told of by the answer of this proxy alone. */
function count({ info, session, stats }: Exchange, { scope, strict }: SessionConfig): void {
  const to = (figure: string): void => stats.count(`${scope}${figure}`);
  if (info.upstreamHost !== '') {
    if (session === undefined) to('no_session');
    else if (info.upstreamHost === session.host) to('routed');
    else if (!strict) to('failed_open');
  } else if (session !== undefined && strict && info.flags.includes('UH')) to('failed_closed');
}

/** Cookies are for the paths below their own. */
function concerns(state: SessionState, path: string): boolean {
  if (state.kind === 'header' || state.path === '' || state.path === '/') return true;
  if (!path.startsWith(state.path)) return false;
  const next = path[state.path.length];
  return state.path.endsWith('/') || next === undefined || next === '/' || next === '?' || next === '#';
}

function hostOf(state: SessionState, { head, runtime }: Exchange): string | undefined {
  if (state.kind === 'header') {
    const given = head.headers.get(state.name);
    return given === undefined ? undefined : Buffer.from(given, 'base64').toString('latin1') || undefined;
  }
  const [given = ''] = cookieValues(head.headers, state.name);
  return given === '' ? undefined : readTicket(Buffer.from(given, 'base64'), runtime.clock.now());
}

function cookieFor({ runtime }: Exchange, state: SessionState & { kind: 'cookie' }, host: string): string {
  const expiresS = state.ttlMs > 0 ? Math.floor((runtime.clock.now() + state.ttlMs) / 1000) : 0;
  return setCookie(state, writeTicket(host, expiresS).toString('base64'));
}
