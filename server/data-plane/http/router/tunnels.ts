import type { ForwardAction } from '../../config/route-table.ts';
import { plainHeader } from '../../upstream/client-header.ts';
import type { RequestHead, ResponseHead, UpstreamStream } from '../codec.ts';
import type { Exchange } from '../exchange.ts';
import type { Headers } from '../headers.ts';
import type { RequestBody } from './request-body.ts';

/** Whether the request is a tunnel that ends at this proxy: the host gets its bytes (Envoy: Router::Filter::createConnPool). */
export const endsHere = ({ method }: RequestHead, { endedTunnels }: ForwardAction): boolean =>
  endedTunnels !== undefined && (method === 'CONNECT' || (method === 'POST' && endedTunnels.posts));

/** Tells the host of a tunnel that ends here who its client is, where the route wants that (Envoy: TcpUpstream::encodeHeaders). */
export function introduceClient(exchange: Exchange, action: ForwardAction, stream: UpstreamStream): void {
  const { connection, head, steps } = exchange;
  const version = action.endedTunnels?.headerVersion;
  if (version === undefined || !endsHere(head, action)) return;
  stream.sendData(plainHeader(version, connection));
  steps.add('attempt', 'applied', exchange.info.upstreamHost, () => ({
    detail: `the tunnel begins with a header of the PROXY protocol, version ${version}, that names the client`,
  }));
}

const isWebSocket = (headers: Headers): boolean => headers.get('upgrade')?.toLowerCase() === 'websocket';

/** Whether the bytes of a tunnel wait until the host has agreed to it (Envoy: UpstreamRequest, paused_for_connect_ and paused_for_websocket_). */
export const awaitsConsent = (head: RequestHead, action: ForwardAction): boolean =>
  (head.method === 'CONNECT' || isWebSocket(head.headers)) && !endsHere(head, action);

/** Whether limits of time hold for a tunnel until its host has answered; of others no request is ever complete (Envoy: setupRouteTimeoutForWebsocketUpgrade). */
export const isTimed = (head: RequestHead, action: ForwardAction): boolean =>
  head.method !== 'CONNECT' && awaitsConsent(head, action);

/** An answer to a tunnel, and over what it came. */
export interface TunnelAnswer {
  readonly status: number;
  readonly protocol: string | undefined;
}

/** Whether an answer sets free what waits. As in Envoy, any answer of HTTP/2 to a WebSocket does: it cannot be taken for another. */
export const isConsent = ({ method, headers }: RequestHead, { status, protocol }: TunnelAnswer): boolean =>
  status === 101 || (method === 'CONNECT' ? status === 200 : protocol === 'HTTP/2' && isWebSocket(headers));

/** What an answer makes of the tunnel that was asked for: begun, or `refused` in words that clients would take for something else. */
export function answerTunnel(
  { head, stream }: Exchange,
  answer: TunnelAnswer,
  body: RequestBody,
): 'begun' | 'refused' | 'none' {
  if (isConsent(head, answer)) {
    if (body.letGo() === 'more') stream.resume();
    return 'begun';
  }
  const { method, headers } = head;
  const { status } = answer;
  return status < 400 && method !== 'CONNECT' && isWebSocket(headers) ? 'refused' : 'none';
}

/** As in Envoy, such an answer goes to the client without its body. */
export function replyFailedHandshake(exchange: Exchange, { status, headers }: ResponseHead): void {
  exchange.reply({ status, details: 'websocket_handshake_unsuccessful', copied: headers });
}
