import type { Command, CommandReader } from './subject.ts';

const nothing: Command = () => undefined;
const untold: CommandReader = () => nothing;

const ofConnections = (side: 'DOWNSTREAM' | 'UPSTREAM'): string[] =>
  ['DETECTED_CLOSE_TYPE', 'LOCAL_CLOSE_REASON', 'TLS_SESSION_ID', 'TLS_GROUP'].map((what) => `${side}_${what}`);

/**
 * Commands of Envoy for what this proxy does not record: they have no value, as in Envoy where it does not apply. A format that has them is
 * accepted.
 */
export const UNTOLD_COMMANDS: Readonly<Record<string, CommandReader>> = Object.fromEntries(
  [
    ...ofConnections('DOWNSTREAM'),
    ...ofConnections('UPSTREAM'),
    'DOWNSTREAM_HANDSHAKE_DURATION',
    ...['DOWNSTREAM_PEER_OTHERNAME_SAN', 'DOWNSTREAM_LOCAL_OTHERNAME_SAN'],
    ...['DOWNSTREAM_CX_RTT', 'ROUTE_RESOLUTION_COUNT', 'ROUTE_RESOLUTION_TIME_US'],
    // Of internal listeners, which Istio's sidecars have none of.
    ...['DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID', 'DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID'],
    'UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID',
  ].map((name) => [name, untold]),
);
