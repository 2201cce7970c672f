import { type PortProtocol, trafficKind } from '../../snapshot/protocol.ts';
import type { OutboundScope } from '../scope.ts';
import { INBOUND_PORT, OUTBOUND_PORT } from './capture-ports.ts';

interface Place {
  /** Empty: where the protocol has it. */
  readonly bind: string;
  readonly port: number;
  readonly protocol: PortProtocol;
  /** The port is really bound. */
  readonly toPort: boolean;
}

/** The first port that needs no privilege. */
const FIRST_FREE = 1024;

/** Whether the proxy may open the port: below 1024 only privileged ones may. */
export const mayOpen = ({ settings }: OutboundScope, port: number): boolean =>
  !settings.unprivileged || port === 0 || port >= FIRST_FREE;

/**
 * Whether a listener has room there: on all addresses the proxy's own ports are taken, and (but for a Sidecar's ingress) those of capture.
 * Source: CanBindToPort in istio pilot/pkg/model/context.go.
 */
export function hasRoom(scope: OutboundScope, { bind, port, protocol, toPort }: Place, besideCapture = true): boolean {
  if (toPort && !mayOpen(scope, port)) return false;
  const isHttp = protocol === 'http_proxy' || trafficKind(protocol) === 'http';
  if (bind === '' ? !isHttp : bind !== scope.local.any) return true;
  const { proxyListenPort = OUTBOUND_PORT, proxyInboundListenPort = INBOUND_PORT } = scope.snapshot.mesh;
  if (besideCapture && (port === proxyListenPort || port === proxyInboundListenPort)) return false;
  return !scope.settings.ownPorts.includes(port);
}
