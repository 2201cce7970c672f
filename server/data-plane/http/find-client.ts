import type { ClientOrigin } from '../config/client-origin.ts';
import type { Exchange } from './exchange.ts';

const FORWARDED_FOR = 'x-forwarded-for';

/**
 * Finds out whose request it is, and whether it comes from within. `refused`: nobody may be unknown, and the request is answered.
 * Source: ConnectionManagerUtility::mutateRequestHeaders in Envoy.
 */
export function findClient(exchange: Exchange, origin: ClientOrigin): 'known' | 'refused' {
  const { config, connection, head } = exchange;
  const peer = connection.remoteAddress.ip;
  if (config.useRemoteAddress) {
    // Who tells of others is none of those within.
    const told = head.headers.has(FORWARDED_FOR);
    exchange.internal = !told && origin.isInternal(peer);
    return 'known';
  }
  exchange.client = peer;
  for (const detector of origin.detectors) {
    const { address, trusted } = detector.detect(head.headers, peer);
    if (address === undefined && detector.rejectStatus !== undefined) {
      exchange.stats.count('downstream_rq_rejected_via_ip_detection');
      exchange.reply({ status: detector.rejectStatus, details: 'rejecting_because_detection_failed' });
      return 'refused';
    }
    if (detector.appendsPeer) appendPeer(exchange, peer);
    if (address === undefined) continue;
    exchange.client = address;
    exchange.internal = trusted && origin.isInternal(address);
    break;
  }
  return 'known';
}

function appendPeer({ head: { headers } }: Exchange, peer: string): void {
  const before = headers.joined(FORWARDED_FOR);
  headers.put(FORWARDED_FOR, !before ? peer : `${before},${peer}`);
}
