import type { Server as HttpServer } from 'node:http';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import {
  type AuthorityMaterial,
  type CertificateAuthority,
  certificateService,
  createCertificateAuthority,
  type ServingCertificate,
  SigningRefused,
  type TokenIssuer,
} from '#ca';
import { type ControlPlane, createControlPlane, readMeshConfig } from '#control-plane';
import type { Clock } from '#domain';
import { errorMessage, MeshworkError } from '#domain';
import type { KubeStore } from '#kube-api';
import type { PushEvent } from '#xds';
import type { Program } from '../kubelet/program.ts';
import { createDebugServer } from './istiod-debug.ts';
import { addStatusService } from './istiod-status-service.ts';
import { rootNamespace, xdsPort } from './system.ts';

const SECURE_PORT = 15012;
const DEBUG_PORTS = [15014, 8080] as const;
const CA_SECRET = { namespace: rootNamespace, name: 'istio-ca-secret' } as const;

export interface IstiodOptions {
  readonly store: KubeStore;
  readonly clock: Clock;
  readonly tokens: TokenIssuer;
  readonly ip: string;
  readonly podName: string;
  /** A certificate for the secure port. */
  readonly certify: () => ServingCertificate;
  readonly onPush: (event: PushEvent) => void;
  readonly log: (line: string) => void;
  /** Told when it listens, and again (with undefined) when it has stopped. */
  readonly onRunning: (
    running: { readonly controlPlane: ControlPlane; readonly authority: CertificateAuthority } | undefined,
  ) => void;
}

/** istiod: the control plane and the CA behind one gRPC port. The CA's key outlives it in a Secret, so that proxies go on trusting it. */
export function createIstiodProgram(options: IstiodOptions): Program {
  const { store, clock, tokens, ip, podName, certify, onPush, log, onRunning } = options;
  let servers: Server[] = [];
  let debug: HttpServer[] = [];
  let controlPlane: ControlPlane | undefined;
  return {
    start: async () => {
      const meshConfig = readMeshConfig(store.get('ConfigMap', { namespace: rootNamespace, name: 'istio' }));
      const authority = loadAuthority({ store, clock, tokens, trustDomain: meshConfig.trustDomain });
      controlPlane = createControlPlane({ store, meshConfig, clock, verify: proofBy(tokens), onPush, onLog: log });
      const server = new Server();
      const secure = new Server();
      servers = [server, secure];
      addStatusService(secure, { controlPlane, podName });
      controlPlane.ads.register(server);
      certificateService(authority).register(server);
      controlPlane.start();
      await bind(server, `${ip}:${xdsPort}`, ServerCredentials.createInsecure());
      // What people and tools ask is no part of the way to a first request.
      serveDebug(controlPlane, { ip, secure, certificate: certify() }).then(
        (opened) => {
          debug = opened;
        },
        (error: unknown) => log(`error\tdebug ports: ${errorMessage(error)}`),
      );
      log(`info\tstarted discovery and certificate services at ${ip}:${xdsPort}`);
      onRunning({ controlPlane, authority });
    },
    stop: async () => {
      onRunning(undefined);
      controlPlane?.stop();
      controlPlane?.ads.close();
      for (const server of servers) server.forceShutdown();
      for (const server of debug) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}

/** The monitoring port, and the secure port that istioctl asks. */
async function serveDebug(
  controlPlane: ControlPlane,
  {
    ip,
    secure,
    certificate,
  }: { readonly ip: string; readonly secure: Server; readonly certificate: ServingCertificate },
): Promise<HttpServer[]> {
  const { keyPem, certPem } = certificate;
  const pair = { private_key: Buffer.from(keyPem), cert_chain: Buffer.from(certPem) };
  // Clients are known by their tokens; a CA of any kind spares Node the reading of all public ones.
  await bind(secure, `${ip}:${SECURE_PORT}`, ServerCredentials.createSsl(pair.cert_chain, [pair]));
  return Promise.all(
    DEBUG_PORTS.map(async (port) => {
      const server = createDebugServer(controlPlane);
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, ip, resolve);
      });
      return server;
    }),
  );
}

/** Whose token it is; undefined for one that proves nothing. */
const proofBy =
  (tokens: TokenIssuer) =>
  (token: string): { readonly namespace: string; readonly serviceAccount: string } | undefined => {
    try {
      return tokens.verify(token);
    } catch (refused) {
      if (refused instanceof SigningRefused) return undefined;
      throw refused;
    }
  };

function bind(server: Server, address: string, credentials: ServerCredentials): Promise<void> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (cause) =>
      cause === null ? resolve() : reject(new MeshworkError('MW9302', `istiod cannot listen on ${address}`, { cause })),
    );
  });
}

interface AuthoritySource {
  readonly store: KubeStore;
  readonly clock: Clock;
  readonly tokens: TokenIssuer;
  readonly trustDomain: string;
}

function loadAuthority({ store, clock, tokens, trustDomain }: AuthoritySource): CertificateAuthority {
  const secret = store.get('Secret', CA_SECRET);
  const material = secret === undefined ? undefined : readMaterial(secret['data'] as Record<string, string>);
  const authority = createCertificateAuthority({
    trustDomain,
    clock,
    tokens,
    ...(material === undefined ? {} : { material }),
  });
  if (secret === undefined) {
    const { caCertPem, caKeyPem, rootCertPem } = authority.material;
    const data = {
      'ca-cert.pem': caCertPem,
      'ca-key.pem': caKeyPem,
      'cert-chain.pem': caCertPem,
      'root-cert.pem': rootCertPem,
    };
    store.create(
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { ...CA_SECRET },
        type: 'istio.io/ca-root',
        data: Object.fromEntries(
          Object.entries(data).map(([name, pem]) => [name, Buffer.from(pem).toString('base64')]),
        ),
      },
      { changeId: 'system' },
    );
  }
  return authority;
}

function readMaterial(data: Readonly<Record<string, string>>): AuthorityMaterial {
  const pem = (name: string): string => Buffer.from(data[name] ?? '', 'base64').toString('utf8');
  return { caCertPem: pem('ca-cert.pem'), caKeyPem: pem('ca-key.pem'), rootCertPem: pem('root-cert.pem') };
}
