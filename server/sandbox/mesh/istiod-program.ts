import type { Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { certificateService, type ServingCertificate, SigningRefused, type TokenIssuer } from '#ca';
import {
  type ControlPlane,
  createControlPlane,
  DEFAULT_MESH_CONFIG,
  type FetchedText,
  readFeatures,
  readMeshConfig,
} from '#control-plane';
import type { Clock } from '#domain';
import { errorMessage, MeshworkError } from '#domain';
import type { KubeStore } from '#kube-api';
import type { FetchInit, FetchResponse } from '#workloads';
import type { PushEvent } from '#xds';
import type { Program } from '../kubelet/program.ts';
import type { FetchFromKeyHosts } from '../network/key-hosts.ts';
import { createControlzServer } from './istiod-debug/controlz-server.ts';
import type { DebugSources } from './istiod-debug/debug-pages.ts';
import { createDebugServer } from './istiod-debug/debug-server.ts';
import { IstiodLog } from './istiod-debug/istiod-log.ts';
import { IstiodMetrics } from './istiod-debug/istiod-metrics.ts';
import { createStatusService } from './istiod-debug/status-service.ts';
import { type MeshAuthority, startMeshAuthority } from './mesh-authority.ts';
import { rootNamespace, webhookPort, xdsPort } from './system.ts';
import { createWebhookServer } from './webhook-server.ts';

const SECURE_PORT = 15012;
/** What clients of the secure port call istiod. */
const HOST_NAMES = ['istiod', 'istiod-remote', 'istio-pilot'].map((name) => `${name}.${rootNamespace}.svc`);
const DEBUG_PORTS = [15014, 8080] as const;
const CONTROLZ_PORT = 9876;

export interface IstiodOptions {
  readonly store: KubeStore;
  readonly clock: Clock;
  readonly tokens: TokenIssuer;
  readonly ip: string;
  readonly podName: string;
  /** ENABLE_CA_SERVER: `false` leaves the certificate service out; the rest as in MeshAuthorityOptions and PilotFeatures. */
  readonly env: Readonly<Record<string, string>>;
  readonly onPush: (event: PushEvent) => void;
  readonly log: (line: string) => void;
  /** As a program in istiod's pod fetches: services of the mesh, and nothing outside. */
  readonly fetch: (url: string, init?: FetchInit) => Promise<FetchResponse>;
  /** As the operator lets istiod fetch keys from hosts outside. */
  readonly fetchOutside: FetchFromKeyHosts;
  /** Whether a name is known in the mesh. */
  readonly isInside: (host: string) => boolean;
  /** Told when it listens, and again (with undefined) when it has stopped. */
  readonly onRunning: (
    running: { readonly controlPlane: ControlPlane; readonly authority: MeshAuthority } | undefined,
  ) => void;
  /** Told when what istiod publishes in each namespace has changed meanwhile. */
  readonly onPublished: () => void;
}

/** istiod: the control plane and the CA behind one gRPC port. The CA's key outlives it in a Secret, so that proxies go on trusting it. */
export function createIstiodProgram(options: IstiodOptions): Program {
  const { store, clock, tokens, ip, podName, env, onPush, onRunning, onPublished } = options;
  const jwks = { env, fetch: (url: string, timeoutMs: number) => fetchKeys(options, url, timeoutMs) };
  let servers: Server[] = [];
  let debug: (HttpServer | HttpsServer)[] = [];
  let controlPlane: ControlPlane | undefined;
  let authority: MeshAuthority | undefined;
  let metrics: IstiodMetrics | undefined;
  return {
    start: async () => {
      const told = new IstiodLog(options.log);
      const log = told.write;
      const presentMesh = () => readMeshConfig(store.get('ConfigMap', { namespace: rootNamespace, name: 'istio' }));
      const meshConfig = { ...DEFAULT_MESH_CONFIG, features: readFeatures(env) };
      const { trustDomain } = presentMesh();
      const workloadTrustDomain = (): string => presentMesh().trustDomain;
      authority = startMeshAuthority({ store, clock, tokens, trustDomain, workloadTrustDomain, env, log, onPublished });
      const counts = new IstiodMetrics(clock);
      metrics = counts;
      controlPlane = createControlPlane({
        store,
        meshConfig,
        clock,
        verify: proofBy(tokens),
        jwks,
        onPush: (event) => {
          counts.pushed(event);
          told.pushed(event);
          onPush(event);
        },
        onLog: log,
      });
      const server = new Server();
      const secure = new Server();
      servers = [server, secure];
      const divert = createStatusService({ controlPlane, store, podName, rootNamespace, verify: proofBy(tokens) });
      controlPlane.ads.register(server);
      controlPlane.ads.register(secure, { proven: true, divert });
      // Source: istio/pilot/pkg/features/security.go, ENABLE_CA_SERVER.
      if (env['ENABLE_CA_SERVER'] !== 'false') {
        certificateService(authority).register(server);
        certificateService(authority).register(secure);
      }
      controlPlane.start();
      counts.start(store);
      await bind(server, `${ip}:${xdsPort}`, ServerCredentials.createInsecure());
      // What people and tools ask is no part of the way to a first request.
      serveDebug(
        { controlPlane, store, metrics: counts },
        { ip, secure, certificate: authority.issueServerCertificate(HOST_NAMES), told },
      ).then(
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
      authority?.stop();
      metrics?.stop();
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

/** From a service of the mesh; only names that the mesh does not know can be hosts outside. */
async function fetchKeys(
  { fetch, fetchOutside, isInside }: Pick<IstiodOptions, 'fetch' | 'fetchOutside' | 'isInside'>,
  url: string,
  timeoutMs: number,
): Promise<FetchedText> {
  const init = { timeoutMs, headers: { accept: 'application/json' } };
  const outside = isInside(new URL(url).hostname) ? undefined : fetchOutside(url, init);
  const asked = outside ?? fetch(url, init).catch((error: NodeJS.ErrnoException) => Promise.reject(explained(error)));
  const { status, body } = await asked;
  return { status, text: body.toString('utf8') };
}

const explained = (error: NodeJS.ErrnoException): Error =>
  error.code === 'ENOTFOUND' || error.code === 'ENETUNREACH'
    ? new Error(`${error.message} (it is no host of the mesh, nor one that the operator allows by --jwks-host)`)
    : error;

interface OpenPorts {
  readonly ip: string;
  readonly secure: Server;
  readonly certificate: ServingCertificate;
  readonly told: IstiodLog;
}

/** The monitoring port, ControlZ, the webhooks, and the secure port that istioctl asks. */
async function serveDebug(
  sources: DebugSources,
  { ip, secure, certificate, told }: OpenPorts,
): Promise<(HttpServer | HttpsServer)[]> {
  const { keyPem, certPem } = certificate;
  const pair = { private_key: Buffer.from(keyPem), cert_chain: Buffer.from(certPem) };
  // Clients are known by their tokens; a CA of any kind spares Node the reading of all public ones.
  await bind(secure, `${ip}:${SECURE_PORT}`, ServerCredentials.createSsl(pair.cert_chain, [pair]));
  const ports = [
    ...DEBUG_PORTS.map((port) => [port, createDebugServer(sources)] as const),
    [CONTROLZ_PORT, createControlzServer(told)] as const,
    [webhookPort, createWebhookServer({ store: sources.store, certificate, log: told.write })] as const,
  ];
  return Promise.all(
    ports.map(async ([port, server]) => {
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
