import { expect, it } from 'vitest';
import type { HandshakeRecord, HopRecord } from '#domain';
import { handshakesView } from '../../../server/api/session/evidence/handshakes.ts';

const ALERT = 'TLS_error:|268436504:SSL routines:OPENSSL_internal:TLSV1_ALERT_UNKNOWN_CA:TLS_error_end';

const record: HandshakeRecord = {
  side: 'client',
  offered: { serverName: 'outbound_.80_._.web.default.svc.cluster.local', alpn: ['istio'], versions: ['TLSv1.3'] },
  agreed: { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', alpn: 'istio' },
  ownChainPem: '',
  peerChain: [],
  expected: [],
};

const hop = (flags: readonly string[], upstream?: HandshakeRecord): HopRecord =>
  ({
    proxy: { pod: 'cart-1', service: 'cart', version: 'v1' },
    direction: 'outbound',
    upstreamHost: '10.0.0.1:80',
    response: { flags },
    steps: [{ stage: 'attempt', outcome: 'stopped', detail: `no answer: ${ALERT}` }],
    ...(upstream !== undefined && { handshakes: { upstream } }),
  }) as unknown as HopRecord;

it.each([
  ['a handshake that the server refused when the client was done with it', hop(['UF'], record), ALERT],
  [
    'one that failed on the way',
    hop(['UF'], { ...record, failure: 'TLS_error:own:TLS_error_end' }),
    'TLS_error:own:TLS_error_end',
  ],
  ['one that a later try made up for', hop([], record), undefined],
  ['one that could not begin', hop(['UF']), ALERT],
])('%s tells why', (_what, given, failure) => {
  const { handshakes, plaintext } = handshakesView('r', [given]);
  expect(handshakes.map((one) => [one.side, one.failure])).toEqual([['client', failure]]);
  expect(plaintext).toEqual([]);
});
