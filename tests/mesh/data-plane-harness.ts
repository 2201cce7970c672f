import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import * as x509 from '@peculiar/x509';
import type { FleetingHop, HopRecord, SocketAddress } from '#domain';
import { formatAddress, seededRandom } from '#domain';
import type { AdsClient, AdsClientOptions, Rejection, ResourceByType, TypeUrl } from '#xds';
import type {
  BootstrapSettings,
  CertificateSigner,
  Proxy,
  ProxyNetwork,
  Resolve,
} from '../../server/data-plane/doors.ts';
import { createProxyWith } from '../../server/data-plane/proxy.ts';
import { systemClock } from '../../server/system.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export const clock = systemClock();

/** A CA of the test's own: signs what a CSR asks for. */
export async function createTestCa(): Promise<CertificateSigner> {
  const crypto = webcrypto as unknown as Crypto;
  x509.cryptoProvider.set(crypto);
  const keys = (await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])) as CryptoKeyPair;
  const notBefore = new Date(Date.now() - 60_000);
  const notAfter = new Date(Date.now() + 3_600_000);
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: 'O=test.mesh',
    notBefore,
    notAfter,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  });
  let serial = 2;
  return {
    async sign(csrPem) {
      const csr = new x509.Pkcs10CertificateRequest(csrPem);
      const san = csr.getExtension('2.5.29.17');
      const leaf = await x509.X509CertificateGenerator.create({
        serialNumber: (serial++).toString(16).padStart(2, '0'),
        subject: '',
        issuer: root.subject,
        notBefore,
        notAfter,
        publicKey: csr.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: ALGORITHM,
        extensions: san ? [san] : [],
      });
      return { chainPem: [leaf.toString('pem')], rootsPem: [root.toString('pem')] };
    },
  };
}

type Pushed<T extends TypeUrl> = readonly ResourceByType[T][];

/** Stands in for the control plane: hands resources to the proxy and keeps what it refused. */
export class FakeXds {
  readonly subscriptions = new Map<TypeUrl, readonly string[] | '*'>();
  #options: AdsClientOptions | undefined;
  #version = 0;

  readonly create = (options: AdsClientOptions): AdsClient => {
    this.#options = options;
    return { start() {}, stop() {}, subscribe: (typeUrl, names) => this.subscriptions.set(typeUrl, names) };
  };

  push<T extends TypeUrl>(typeUrl: T, resources: Pushed<T>, removed: readonly string[] = []): readonly Rejection[] {
    const versionInfo = `v${++this.#version}`;
    const name = (resource: object): string =>
      String((resource as { name?: string }).name ?? (resource as { cluster_name?: string }).cluster_name);
    return (
      this.#options?.onUpdate({
        typeUrl,
        versionInfo,
        upserted: resources.map((resource) => ({ name: name(resource), version: versionInfo, resource })),
        removed,
      }) ?? []
    );
  }
}

export interface Pod {
  readonly ip: string;
  readonly proxy: Proxy;
  readonly xds: FakeXds;
  readonly hops: HopRecord[];
  /** Nobody looks until `wanted` is set; those that came since then. */
  readonly fleeting: { wanted: boolean; readonly held: FleetingHop[] };
  readonly logs: string[];
  /** Starts the application on the pod's hidden address. */
  app(port: number, handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<void>;
  /** A request as the application sends it: captured, with `to` as its original destination. */
  fetch(to: SocketAddress, options?: FetchOptions): Promise<Answer>;
  /** A connection as the application opens it, captured. */
  dial(to: SocketAddress): Socket;
  stop(): Promise<void>;
}

export interface FetchOptions {
  readonly method?: string;
  readonly host?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

export interface PodOptions {
  readonly ip: string;
  readonly name: string;
  readonly role?: 'sidecar' | 'router';
  readonly ports?: readonly number[];
  readonly seed?: string;
  readonly signer: CertificateSigner;
  readonly bootstrap?: BootstrapSettings;
  /** Absent: no name resolves. */
  readonly resolve?: Resolve;
}

/** The hidden address of a pod: third byte plus 100. */
const hidden = (ip: string): string => {
  const [a, b, c, d] = ip.split('.');
  return `${a}.${b}.${Number(c) + 100}.${d}`;
};

/** A pod with a proxy that waits for configuration; `configure` runs between connect and warm. */
export async function startPod(options: PodOptions, configure: (xds: FakeXds) => void): Promise<Pod> {
  const { ip, name } = options;
  const xds = new FakeXds();
  const hops: HopRecord[] = [];
  const fleeting = {
    wanted: false,
    held: [] as FleetingHop[],
    hold: (hop: FleetingHop) => void fleeting.held.push(hop),
  };
  const logs: string[] = [];
  const servers: Server[] = [];
  const capture = new Capture(ip);
  const app = name.split('-')[0] ?? name;
  const proxy = createProxyWith(
    {
      role: options.role ?? 'sidecar',
      pod: {
        name,
        namespace: 'default',
        ip,
        serviceAccount: app,
        labels: { app, version: 'v1' },
        ports: options.ports ?? [],
      },
      trustDomain: 'cluster.local',
      xdsAddress: '127.0.0.1:1',
      signer: options.signer,
      bootstrap: options.bootstrap,
      token: () => 'token',
      network: Object.assign(capture, options.resolve && { resolve: options.resolve }),
      clock,
      random: seededRandom(options.seed ?? 'seed'),
      onHop: (hop) => hops.push(hop),
      fleetingHops: fleeting,
      onLog: (line) => logs.push(line),
    },
    {
      createAdsClient: (given) =>
        Object.assign(xds.create(given), { start: () => queueMicrotask(() => queueMicrotask(() => configure(xds))) }),
    },
  );
  await proxy.start(new AbortController().signal);
  return {
    ip,
    proxy,
    xds,
    hops,
    fleeting,
    logs,
    app: (port, handler) => listen(servers, hidden(ip), port, handler),
    fetch: (to, fetchOptions) => capture.fetch(to, fetchOptions ?? {}),
    dial: (to) => capture.dial(to),
    async stop() {
      await proxy.stop(0);
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}

/** Listens with a handler on an address of the test's choice. */
export function listen(
  servers: Server[],
  ip: string,
  port: number,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<void> {
  const server = createServer(handler);
  servers.push(server);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, ip, () => resolve());
  });
}

/** The kernel's part: remembers where a captured connection wanted to go. */
class Capture implements ProxyNetwork {
  readonly podIp: string;
  readonly #wanted = new Map<string, SocketAddress>();
  /** Connections that the application is making: who they are is not known yet. */
  readonly #dialling = new Set<Socket>();
  /** Accepted connections whose other end may still be among those. */
  readonly #asking = new Set<() => void>();

  constructor(podIp: string) {
    this.podIp = podIp;
  }

  originalDestination(socket: Socket): Promise<SocketAddress | undefined> {
    const key = `${socket.remoteAddress}:${socket.remotePort}`;
    return new Promise((resolve) => {
      const ask = (): void => {
        const known = this.#wanted.get(key);
        if (known === undefined && this.#dialling.size > 0) return;
        this.#asking.delete(ask);
        resolve(known);
      };
      this.#asking.add(ask);
      ask();
    });
  }

  connect(destination: SocketAddress, { toApp }: { readonly toApp: boolean }): Socket {
    return toApp
      ? connect({ host: hidden(this.podIp), port: destination.port })
      : connect({ host: destination.ip, port: destination.port, localAddress: this.podIp });
  }

  dial(to: SocketAddress): Socket {
    const socket = connect({ host: this.podIp, port: 15001, localAddress: this.podIp });
    this.#dialling.add(socket);
    const settled = (): void => {
      this.#dialling.delete(socket);
      for (const ask of [...this.#asking]) ask();
    };
    socket.once('connect', () => {
      const key = `${socket.localAddress}:${socket.localPort}`;
      this.#wanted.set(key, to);
      // The port may serve another connection later.
      socket.once('close', () => this.#wanted.delete(key));
      settled();
    });
    socket.once('close', settled);
    return socket;
  }

  fetch(to: SocketAddress, options: FetchOptions): Promise<Answer> {
    return send(options, () => this.dial(to), formatAddress(to));
  }
}

/** One HTTP/1.1 request over a connection of the caller's making. */
export function send(options: FetchOptions, dial: () => Socket, defaultHost: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({
      createConnection: dial,
      method: options.method ?? 'GET',
      path: options.path ?? '/',
      headers: { host: options.host ?? defaultHost, connection: 'close', ...options.headers },
    });
    call.on('error', reject);
    call.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers as Record<string, string>,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    call.end(options.body);
  });
}

/** A request from a program without a sidecar. */
export const sendFrom = (ip: string, to: SocketAddress, options: FetchOptions = {}): Promise<Answer> =>
  send(options, () => connect({ host: to.ip, port: to.port, localAddress: ip }), formatAddress(to));

/** Resolves when `met` is true, looked at every few milliseconds; rejects after `ms`. */
export async function until(met: () => boolean, what: string, ms = 5000): Promise<void> {
  const end = Date.now() + ms;
  while (!met()) {
    if (Date.now() > end) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
