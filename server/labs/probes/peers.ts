import { X509Certificate } from 'node:crypto';
import type { HopStore } from '#telemetry';
import type { SentRequest } from '../traffic.ts';
import { type Judged, judge } from './bounds.ts';
import type { PeerCertificates } from './identity-schema.ts';

/** Counts the certificates that a service showed its callers in the handshakes of a batch. */
export function judgePeers(wanted: PeerCertificates, sent: readonly SentRequest[], hops: HopStore): Judged[] {
  const ders = new Map<string, Uint8Array>();
  for (const { traceId } of sent) {
    const trace = hops.trace(traceId);
    for (const hop of trace) {
      const leaf = hop.direction === 'outbound' ? hop.handshakes?.upstream?.peerChain[0] : undefined;
      const callee = trace.find((each) => each.parentSpanId === hop.spanId && each.direction === 'inbound');
      if (leaf !== undefined && callee?.proxy.service === wanted.to)
        ders.set(Buffer.from(leaf).toString('base64'), leaf);
    }
  }
  const certificates = [...ders.values()].map((der) => new X509Certificate(der));
  const serials = new Set(certificates.map(({ serialNumber }) => serialNumber)).size;
  const names = new Set(certificates.map(({ subjectAltName }) => subjectAltName)).size;
  return [
    ...(wanted.serials
      ? [judge(wanted.serials, serials, { late: true, text: `${wanted.to} showed ${serials} serial numbers` })]
      : []),
    ...(wanted.names ? [judge(wanted.names, names, { late: true, text: `${names} names` })] : []),
  ];
}
