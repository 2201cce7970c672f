import { Server, ServerCredentials } from '@grpc/grpc-js';
import { certificateService, createCertificateAuthority, createCertificateClient, createTokenIssuer } from '#ca';
import type { Sandbox } from '#sandbox';
import type { AdsVariant, ProxyNode } from '#xds';
import { createKeyAndRequest } from '../../../server/data-plane/agent/csr.ts';
import { addAdsRelay } from '../../../server/envoy/ads-relay.ts';
import { bootstrap } from '../../../server/envoy/bootstrap.ts';
import type { EnvoyProcess } from '../../../server/envoy/envoy-process.ts';
import { addSecretService, type SecretSource } from '../../../server/envoy/secret-service.ts';
import { addressPlan } from '../../../server/sandbox/network/addresses.ts';
import { systemClock } from '../../../server/system.ts';
import { startEnvoy } from './envoy.ts';
import { podNetwork } from './pod-network.ts';

const ISTIOD_PORT = 15010;
const identity = { namespace: 'default', serviceAccount: 'oracle', pod: 'oracle' } as const;
export const oracleSpiffeId = 'spiffe://cluster.local/ns/default/sa/oracle';

/** A real Envoy as one more sidecar of the mesh: pod `oracle` in namespace `default`, with nothing else in it. */
export interface Oracle extends EnvoyProcess {
  readonly ip: string;
  readonly node: ProxyNode;
}

export interface OracleOptions {
  readonly sandbox: Sandbox;
  readonly subnet: number;
  readonly variant: AdsVariant;
  /** Port of an application behind it, which listens at the pod's hidden address. */
  readonly servesPort?: number;
  readonly role?: 'sidecar' | 'router';
  /** Beside `app: oracle`. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Last part of its address; default 200. */
  readonly place?: number;
}

export async function startOracle({
  sandbox,
  subnet,
  variant,
  servesPort,
  role = 'sidecar',
  labels = {},
  place = 200,
}: OracleOptions): Promise<Oracle> {
  const ip = `127.${subnet}.1.${place}`;
  const node = oracleNode(role, ip, labels);
  const istiod = sandbox.pods.find(({ labels }) => labels['app'] === 'istiod');
  if (istiod === undefined) throw new Error('istiod does not run');
  const server = new Server();
  const app = servesPort === undefined ? undefined : { ip: addressPlan(subnet).hiddenIp(ip), port: servesPort };
  const relay = addAdsRelay(server, `${istiod.ip}:${ISTIOD_PORT}`, podNetwork({ podIp: ip, app }));
  addSecretService(server, await certify(sandbox, ip));
  const port = await bind(server, ip);
  const close = (): void => {
    relay.close();
    server.forceShutdown();
  };
  try {
    const envoy = await startEnvoy(bootstrap({ node, podIp: ip, variant, adsPort: port, sdsPort: port }), ip);
    const stop = async (): Promise<void> => {
      await envoy.stop();
      close();
    };
    return { ...envoy, ip, node, stop };
  } catch (cause) {
    close();
    throw cause;
  }
}

/** These names get the mesh's roots; all others the workload's own certificate, in place of those that a learner would supply. */
const ROOTS = /^ROOTCA$|-cacert$|^file-root:/;

/** As our own proxies introduce themselves. */
const oracleNode = (role: string, ip: string, labels: Readonly<Record<string, string>>): ProxyNode => ({
  id: `${role}~${ip}~oracle.default~default.svc.cluster.local`,
  cluster: 'oracle.default',
  metadata: {
    NAME: 'oracle',
    NAMESPACE: 'default',
    SERVICE_ACCOUNT: identity.serviceAccount,
    LABELS: { app: 'oracle', version: 'v1', 'security.istio.io/tlsMode': 'istio', ...labels },
    CLUSTER_ID: 'Kubernetes',
    INSTANCE_IPS: ip,
  },
});

/**
 * A certificate from the sandbox's CA, by a CSR over gRPC. The authority is a second instance with the same key, read from istiod's
 * Secret, because only the sandbox's kubelet can mint tokens that the first one trusts.
 */
async function certify(sandbox: Sandbox, ip: string): Promise<SecretSource> {
  const clock = systemClock();
  const tokens = createTokenIssuer({ clock });
  const data = sandbox.store.get('Secret', { namespace: 'istio-system', name: 'istio-ca-secret' })?.['data'];
  const pem = (name: string): string =>
    Buffer.from((data as Record<string, string>)[name] ?? '', 'base64').toString('utf8');
  const material = { caCertPem: pem('ca-cert.pem'), caKeyPem: pem('ca-key.pem'), rootCertPem: pem('root-cert.pem') };
  const server = new Server();
  certificateService(createCertificateAuthority({ trustDomain: 'cluster.local', clock, tokens, material })).register(
    server,
  );
  const client = createCertificateClient(`${ip}:${await bind(server, ip)}`);
  try {
    const { csrPem, keyPem } = createKeyAndRequest(oracleSpiffeId);
    const { chainPem, rootsPem } = await client.sign(csrPem, tokens.mint(identity));
    const own = { keyPem, chainPem: chainPem.join('\n') };
    return {
      certificate: (name) => (ROOTS.test(name) ? undefined : own),
      roots: (name) => (ROOTS.test(name) ? rootsPem.join('\n') : undefined),
    };
  } finally {
    client.close();
    server.forceShutdown();
  }
}

function bind(server: Server, ip: string): Promise<number> {
  return new Promise((resolve, reject) =>
    server.bindAsync(`${ip}:0`, ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    ),
  );
}
