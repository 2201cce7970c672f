import type { Any, HttpConnectionManager } from '#xds';
import type { MeshConfig } from '../../doors.ts';
import { SESSION_LABELS, type Service } from '../../snapshot/services.ts';

const NAME = 'envoy.filters.http.stateful_session';
const FILTER = 'type.googleapis.com/envoy.extensions.filters.http.stateful_session.v3.';
const STATE = 'type.googleapis.com/envoy.extensions.http.stateful_session.';

/** Keeps no session by itself: routes and hosts say whose. */
const EMPTY_FILTER = { name: NAME, typed_config: { '@type': `${FILTER}StatefulSession` } };

type HttpFilter = NonNullable<HttpConnectionManager['http_filters']>[number];
type Labelled = Pick<Service, 'labels'>;

/** The filter of clients and gateways, where istiod is told to send one. Source: EmptySessionFilter in istio pilot. */
export const sessionFilters = ({ features }: MeshConfig, side: 'outbound' | 'inbound' | 'gateway'): HttpFilter[] =>
  features.persistentSessions && side !== 'inbound' ? [EMPTY_FILTER] : [];

/** The filter of a gRPC client that speaks xDS itself, which calls this one service. */
export function sessionFilterOf(mesh: MeshConfig, service: Labelled): HttpFilter[] {
  const config = sessionConfig(mesh, service);
  return config === undefined ? [] : [{ name: NAME, typed_config: config }];
}

/** The configuration of a route or a virtual host whose destinations are these; of several services with sessions the first counts. */
export function sessionOverride(
  mesh: MeshConfig,
  destinations: readonly (Labelled | undefined)[],
): Record<string, Any> | undefined {
  let chosen: Any | undefined;
  for (const service of destinations) {
    const config = service && sessionConfig(mesh, service);
    if (config !== undefined && chosen !== undefined) break;
    // As in Istio, a later service without sessions takes those of an earlier one away.
    chosen = config;
  }
  return chosen && { [NAME]: { '@type': `${FILTER}StatefulSessionPerRoute`, stateful_session: withoutType(chosen) } };
}

function withoutType({ '@type': _, ...config }: Any): object {
  return config;
}

/** By cookie (`name` or `name:path`) or by header. Source: MaybeBuildStatefulSessionFilterConfig in istio pilot. */
function sessionConfig({ features }: MeshConfig, { labels }: Labelled): Any | undefined {
  if (!features.persistentSessions) return undefined;
  const cookie = labels[SESSION_LABELS.cookie];
  const header = labels[SESSION_LABELS.header];
  if (cookie) {
    const [name = '', path = '/'] = cookie.split(/:(.*)/s);
    return stateful('cookie', 'CookieBasedSessionState', { cookie: { name, ...(path !== '' && { path }) } });
  }
  return header ? stateful('header', 'HeaderBasedSessionState', { name: header }) : undefined;
}

const stateful = (kind: 'cookie' | 'header', message: string, config: object): Any => ({
  '@type': `${FILTER}StatefulSession`,
  session_state: {
    name: `envoy.http.stateful_session.${kind}`,
    typed_config: { '@type': `${STATE}${kind}.v3.${message}`, ...config },
  },
});
