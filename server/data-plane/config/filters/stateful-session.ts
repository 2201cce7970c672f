import type { Any } from '#xds';
import { ConfigProblem, unknownExtension } from '../problem.ts';
import { durationMs, readNumber } from '../values.ts';

/** Where a session is kept: in a cookie that the client is given, or in a header that it sends back. */
export type SessionState =
  | { readonly kind: 'header'; readonly name: string }
  | {
      readonly kind: 'cookie';
      readonly name: string;
      /** Empty: any. */
      readonly path: string;
      /** 0: as long as the client lives. */
      readonly ttlMs: number;
      readonly attributes: readonly { readonly name: string; readonly value: string }[];
    };

/** envoy.extensions.filters.http.stateful_session.v3.StatefulSession. */
export interface SessionConfig {
  /** Undefined: requests have no sessions. */
  readonly state: SessionState | undefined;
  /** A host that is not there any more is not replaced. */
  readonly strict: boolean;
  /** Of a request whose host is not there, where none takes its place; undefined: 503. */
  readonly statusWithout: number | undefined;
  /** Where its figures stand, behind `stateful_session.`; undefined: there are none. Routes have none of their own. */
  readonly scope: string | undefined;
}

interface SessionJson {
  readonly session_state?: { readonly name?: string; readonly typed_config?: Any };
  readonly strict?: boolean;
  readonly status_on_strict_destination_not_found?: number;
  readonly stat_prefix?: string;
}

export function readStatefulSession(config: Any): SessionConfig {
  const { session_state: given, strict = false, stat_prefix: scope, ...rest } = config as SessionJson;
  const state = given && readState(given.typed_config);
  // As in Envoy, the name says what keeps the session.
  if (state !== undefined && given?.name !== `envoy.http.stateful_session.${state.kind}`)
    throw unknownExtension('session_state', given?.name ?? '');
  const status = rest.status_on_strict_destination_not_found || undefined;
  return {
    state,
    strict,
    statusWithout: strict ? status : undefined,
    scope: scope ? `stateful_session.${scope}.` : undefined,
  };
}

/** Reads StatefulSessionPerRoute; undefined: the filter leaves its requests alone. */
export function readSessionOfRoute(config: Any): SessionConfig | undefined {
  if (config['disabled'] === true) return undefined;
  const own = config['stateful_session'];
  if (own === undefined) throw new ConfigProblem('override', 'value is required');
  return readStatefulSession(own as Any);
}

const TYPE = 'type.googleapis.com/envoy.extensions.http.stateful_session.';

interface CookieJson {
  readonly name?: string;
  readonly path?: string;
  readonly ttl?: string;
  readonly attributes?: readonly { readonly name?: string; readonly value?: string }[];
}

function readState(config: Any | undefined): SessionState {
  switch (config?.['@type']) {
    case `${TYPE}header.v3.HeaderBasedSessionState`:
      return { kind: 'header', name: named(config['name'], 'session_state.name').toLowerCase() };
    case `${TYPE}cookie.v3.CookieBasedSessionState`: {
      const cookie = (config['cookie'] ?? {}) as CookieJson;
      return {
        kind: 'cookie',
        name: named(cookie.name, 'session_state.cookie.name'),
        path: cookie.path ?? '',
        ttlMs: readNumber(durationMs(cookie.ttl, 'session_state.cookie.ttl', 0), 0),
        attributes: (cookie.attributes ?? []).map(({ name = '', value = '' }) => ({ name, value })),
      };
    }
    default:
      throw new ConfigProblem(
        'session_state',
        `${config?.['@type'] ?? 'a state without configuration'} is not supported`,
      );
  }
}

function named(given: unknown, field: string): string {
  if (typeof given !== 'string' || given === '')
    throw new ConfigProblem(field, 'value length must be at least 1 characters');
  return given;
}
