import { X509Certificate } from 'node:crypto';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { createCertificateAuthority, createTokenIssuer } from '#ca';
import type { Clock } from '#domain';
import { createKeyAndRequest } from '../../server/data-plane/agent/csr.ts';
import { clock } from './data-plane-harness.ts';

const DAY_MS = 24 * 3600_000;
const GIVE_UP_MS = 3000;

export const PROTOCOLS = ['HTTP', 'gRPC', 'TCP'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** What a client of the matrix is. */
export const CLIENTS = [
  'mesh mTLS',
  'plaintext',
  'own TLS',
  'no certificate',
  'foreign CA',
  'expired certificate',
] as const;
export type ClientKind = (typeof CLIENTS)[number];

export interface Credentials {
  readonly key: string;
  readonly cert: string;
}

/** A CA whose tokens a test mints, and what it takes to be a client of its mesh, or not quite. */
export interface TestIdentities {
  /** Signs for the service account that is named. */
  certify(serviceAccount: string): Promise<Credentials>;
  readonly rootsPem: string;
  readonly credentials: ReadonlyMap<ClientKind, Credentials>;
}

type Material = ReturnType<typeof createCertificateAuthority>['material'];

interface SvidOptions {
  readonly serviceAccount: string;
  /** Absent: a CA that nobody knows. */
  readonly material?: Material;
  /** How long ago it was signed. */
  readonly agoMs?: number;
}

async function svid({ serviceAccount, material, agoMs = 0 }: SvidOptions): Promise<Credentials> {
  let back = 0;
  const at: Clock = { ...clock, now: () => clock.now() - back };
  const tokens = createTokenIssuer({ clock: at });
  const authority = createCertificateAuthority({ trustDomain: 'cluster.local', clock: at, tokens, material });
  back = agoMs;
  const { csrPem, keyPem } = createKeyAndRequest(`spiffe://cluster.local/ns/default/sa/${serviceAccount}`);
  const { chainPem } = authority.sign(csrPem, tokens.mint({ namespace: 'default', serviceAccount, pod: 'p' }));
  return { key: keyPem, cert: chainPem.join('') };
}

export async function createIdentities(material: Material): Promise<TestIdentities> {
  const expired = await svid({ serviceAccount: 'client', material, agoMs: 2 * DAY_MS });
  if (new X509Certificate(expired.cert).validToDate.getTime() > Date.now()) throw new Error('it has not expired');
  return {
    certify: (serviceAccount) => svid({ serviceAccount, material }),
    rootsPem: material.rootCertPem,
    credentials: new Map<ClientKind, Credentials>([
      ['mesh mTLS', await svid({ serviceAccount: 'client', material })],
      ['foreign CA', await svid({ serviceAccount: 'client' })],
      ['expired certificate', expired],
    ]),
  };
}

/** What Istio's proxies offer, by the protocol inside; a stranger offers what curl and openssl would. */
const MESH_ALPN: Readonly<Record<Protocol, readonly string[]>> = {
  HTTP: ['istio-http/1.1', 'istio', 'http/1.1'],
  gRPC: ['istio-h2', 'istio', 'h2'],
  TCP: ['istio-peer-exchange', 'istio'],
};
const OWN_ALPN: Readonly<Record<Protocol, readonly string[]>> = { HTTP: ['http/1.1'], gRPC: ['h2'], TCP: [] };

export interface Target {
  readonly from: string;
  readonly ip: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly identities: TestIdentities;
  /** More request headers, HTTP only. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * One exchange over a connection of its own. `answered`, with what came back, or how it ended: `reset`, `closed` (without a byte), or the
 * TLS alert by its name.
 */
export function exchange(kind: ClientKind, target: Target): Promise<string> {
  const socket = dial(kind, target);
  return new Promise((resolve) => {
    const finish = (outcome: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const timer = setTimeout(() => finish('silence'), GIVE_UP_MS);
    socket.on('error', (error: NodeJS.ErrnoException) => finish(ending(error)));
    socket.on('close', () => finish('closed'));
    if (target.protocol === 'gRPC') call(socket, finish);
    else speak(socket, target, finish);
  });
}

function dial(kind: ClientKind, { from, ip, port, protocol, identities }: Target): Socket {
  const socket = connect({ host: ip, port, localAddress: from });
  if (kind === 'plaintext') return socket;
  const mesh = kind !== 'own TLS';
  return connectTls({
    socket,
    ...identities.credentials.get(kind),
    servername: mesh ? `outbound_.${port}_._.web.default.svc.cluster.local` : 'web.default',
    ALPNProtocols: [...(mesh ? MESH_ALPN : OWN_ALPN)[protocol]],
    // The matrix is about what the server thinks of the client.
    rejectUnauthorized: false,
  });
}

function speak(socket: Socket, { protocol, headers = {} }: Target, finish: (outcome: string) => void): void {
  const lines = Object.entries({ host: 'web', connection: 'close', ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  socket.write(protocol === 'HTTP' ? `GET /matrix HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n` : 'hello');
  let bytes = Buffer.alloc(0);
  let read = '';
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    read = withoutIntroduction(bytes)?.toString('latin1') ?? '';
    if (protocol === 'TCP' && read !== '') finish(read === 'hello' ? 'answered' : `read ${JSON.stringify(read)}`);
  });
  if (protocol === 'HTTP') {
    socket.on('end', () => {
      if (read.startsWith('HTTP/1.1 200 ')) finish('answered');
      else if (read !== '') finish(read.split('\r\n')[0] ?? '');
    });
  }
}

/** What comes behind the frame by which Istio's proxies introduce themselves; undefined while it is not here. */
function withoutIntroduction(bytes: Buffer): Buffer | undefined {
  if (bytes.subarray(0, 4).toString('hex') !== '3d230467') return bytes;
  return bytes.length < 8 || bytes.length < 8 + bytes.readUInt32BE(4)
    ? undefined
    : bytes.subarray(8 + bytes.readUInt32BE(4));
}

function call(socket: Socket, finish: (outcome: string) => void): void {
  const session = connectHttp2('http://web', { createConnection: () => socket });
  session.on('error', (error: NodeJS.ErrnoException) => finish(ending(error)));
  const stream = session.request({ ':method': 'POST', ':path': '/web.Matrix/Ask', 'content-type': 'application/grpc' });
  stream.on('error', (error: NodeJS.ErrnoException) => finish(ending(error)));
  stream.on('response', ({ ':status': status }) => finish(status === 200 ? 'answered' : `status ${status}`));
  stream.end();
}

function ending(error: NodeJS.ErrnoException): string {
  const alert = /alert ([a-z0-9 ]+?)(?::|$)/i.exec(error.message)?.[1];
  if (alert !== undefined) return `alert ${alert}`;
  if (error.code === 'ECONNRESET')
    return /before secure TLS connection/.test(error.message) ? 'closed in the handshake' : 'reset';
  return error.code ?? error.message;
}
