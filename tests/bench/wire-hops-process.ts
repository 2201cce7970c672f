import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { CARRIAGE } from '../../server/data-plane/http/carriage.ts';
import { createClientTransport, createServerTransport, SecureContexts } from '../../server/data-plane/tls/index.ts';
import { createHostPool } from '../../server/data-plane/upstream/pool.ts';
import { createCircuitBreakers } from '../../server/data-plane/upstream/pool-breakers.ts';
import { systemClock } from '../../server/system.ts';
import { startHop } from './wire-pass-through.ts';

// The process under test: both hops, so that one core carries them both. Arguments: folder with certificates, three ports, and what the
// hops speak between them: `h1` or `h2`.
const [folder = '', client = '0', server = '0', upstream = '0', wire = 'h2'] = process.argv.slice(2);
const alpn = wire === 'h2' ? [CARRIAGE] : ['istio'];
const read = (name: string): string => readFileSync(`${folder}/${name}`, 'utf8');
const credentials = {
  certificate: { chainPem: read('leaf.pem'), keyPem: read('leaf.key') },
  rootsPem: read('roots.pem'),
};
const contexts = new SecureContexts();
const spiffe = 'spiffe://cluster.local/ns/bench/sa/bench';
const transport = createServerTransport({
  contexts,
  credentials: () => credentials,
  alpn,
  requireClientCertificate: true,
  clock: systemClock(),
});
await startHop({
  port: Number(server),
  pool: createHostPool({
    connect: () => connect(Number(upstream), '127.0.0.1'),
    connectTimeoutMs: 1000,
    clock: systemClock(),
    breakers: createCircuitBreakers(),
  }),
  secure: (socket, then) => {
    transport.handshake(socket, {
      secured: (result) => then(result.socket, result.tls),
      // Without a reason the peer just left, as the check whether the port is open does.
      failed: (reason) => reason !== '' && console.error('handshake failed', reason),
    });
  },
});
await startHop({
  port: Number(client),
  pool: createHostPool({
    connect: () => connect(Number(server), '127.0.0.1'),
    transport: createClientTransport({
      contexts,
      credentials: () => credentials,
      sni: 'outbound_.80_._.bench.bench.svc.cluster.local',
      alpn,
      matchesPeer: (names) => names.uris.includes(spiffe),
    }),
    connectTimeoutMs: 1000,
    clock: systemClock(),
    breakers: createCircuitBreakers(),
    offersCarriage: wire === 'h2',
  }),
});
console.log('listening');
