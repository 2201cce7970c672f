import { isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { der } from '#ca';
import { errorMessage } from '#domain';
import { type Chain, judgeChain, VERIFY_TEXTS } from './chain.ts';
import { type OpensslWorld, readFile, type Verb } from './context.ts';
import { printName } from './names.ts';
import { type Certificate, readCertificate } from './objects.ts';
import { type Options, readOptions } from './options.ts';
import { type CommandIo, readAll, UsageError } from './shell.ts';
import { keyAlgorithm, keyBits, printTime } from './text.ts';
import { bundle } from './verify.ts';

const SPEC = {
  connect: 'value',
  host: 'value',
  port: 'value',
  servername: 'value',
  noservername: 'nothing',
  alpn: 'value',
  CAfile: 'value',
  cert: 'value',
  key: 'value',
  verify_hostname: 'value',
  verify_return_error: 'nothing',
  verify: 'value',
  verify_quiet: 'nothing',
  showcerts: 'nothing',
  brief: 'nothing',
  quiet: 'nothing',
  ign_eof: 'nothing',
  tls1_2: 'nothing',
  tls1_3: 'nothing',
  cipher: 'value',
  ciphersuites: 'value',
} as const;

const CONNECT_MS = 10_000;
/** How long an alert, or an answer, may come after the last word. */
const LISTEN_MS = 400;
/** The same in TLS 1.3 while no ticket has come, by which a server tells that it took what the client showed. */
const UNHEARD_MS = 3000;
const MAX_OUTPUT = 1_048_576;

/** `openssl s_client`: a TLS handshake with a real server, told step by step; then what is piped in goes over it. */
export const sClient: Verb = async (args, io, world) => {
  const options = readOptions('s_client', args, SPEC);
  const [host, port] = targetOf(options);
  const trusted = bundle(options.text('CAfile'), world);
  let raw: Socket;
  try {
    raw = await world.dial(host, port);
  } catch (error) {
    return notConnected(error, io);
  }
  const session = new Session({ raw, options, host, io, world, trusted });
  try {
    return await session.run();
  } finally {
    session.end();
  }
};

function targetOf(options: Options): [host: string, port: number] {
  const target =
    options.text('connect') ??
    options.words[0] ??
    `${options.text('host') ?? 'localhost'}:${options.text('port') ?? '4433'}`;
  const [, host = '', digits = ''] = /^\[?([^\]]+?)\]?:(\d+)$/.exec(target) ?? [];
  const port = Number(digits);
  if (host === '' || port < 1 || port > 65_535)
    throw new UsageError(`s_client: -connect argument or target parameter malformed or ambiguous: ${target}`);
  return [host, port];
}

function notConnected(error: unknown, io: CommandIo): number {
  const code = (error as { code?: string } | null)?.code ?? '';
  const [text, errno] =
    code === 'ENOTFOUND'
      ? ['Name or service not known', 2]
      : code === 'ECONNREFUSED'
        ? ['Connection refused', 111]
        : [errorMessage(error), 101];
  io.err(`${text}\nconnect:errno=${errno}\n`);
  return 1;
}

interface SessionParts {
  readonly raw: Socket;
  readonly options: Options;
  readonly host: string;
  readonly io: CommandIo;
  readonly world: OpensslWorld;
  readonly trusted: readonly Certificate[];
}

/** One connection from its handshake to its end. */
class Session {
  readonly #parts: SessionParts;
  #secured: TLSSocket | undefined;
  /** When the last ticket came. */
  #ticketMs: number | undefined;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  end(): void {
    this.#secured?.destroy();
    this.#parts.raw.destroy();
  }

  async run(): Promise<number> {
    const { io, options, raw } = this.#parts;
    let secured: TLSSocket;
    try {
      secured = await this.#handshake();
    } catch (error) {
      io.err(failureText(error));
      if (!options.has('quiet') && !options.has('brief')) io.out(`CONNECTED(00000003)\n${noPeer(raw)}`);
      return 1;
    }
    const sent = peerChain(secured, this.#parts.trusted);
    const judged = this.#judge(sent);
    if (options.has('verify_return_error') && judged !== undefined && judged.errors.length > 0) {
      io.err('error:0A000086:SSL routines:tls_post_process_server_certificate:certificate verify failed\n');
      return 1;
    }
    if (options.has('brief')) io.err(briefText(secured, sent, judged));
    else if (!options.has('quiet')) io.out(longText({ secured, sent, judged, raw, showAll: options.has('showcerts') }));
    return this.#converse(secured);
  }

  #handshake(): Promise<TLSSocket> {
    const { raw, world, io } = this.#parts;
    return new Promise((resolve, reject) => {
      const secured = connect(this.#tlsOptions());
      this.#secured = secured;
      secured.on('session', () => {
        this.#ticketMs = this.#parts.world.clock.monotonic();
      });
      const timer = world.clock.after(CONNECT_MS, () =>
        secured.destroy(new Error('the server does not answer the ClientHello')),
      );
      const onAbort = (): void => void secured.destroy(new Error('interrupted'));
      io.signal.addEventListener('abort', onAbort, { once: true });
      secured.on('error', () => undefined);
      secured.once('error', reject);
      secured.once('close', () => {
        timer.cancel();
        reject(new Error('the server closed the connection in the handshake'));
      });
      secured.once('secureConnect', () => {
        timer.cancel();
        resolve(secured);
      });
      raw.on('error', () => undefined);
    });
  }

  #tlsOptions(): ConnectionOptions {
    const { raw, options, host, world } = this.#parts;
    const file = (name: string): string | undefined => {
      const path = options.text(name);
      return path === undefined ? undefined : readFile(path, world);
    };
    const cert = file('cert');
    const key = file('key') ?? cert;
    const sni = options.has('noservername') ? '' : (options.text('servername') ?? (isIP(host) ? '' : host));
    const ciphers = [options.text('ciphersuites'), options.text('cipher')].filter((list) => list !== undefined);
    const only = options.has('tls1_2') ? 'TLSv1.2' : options.has('tls1_3') ? 'TLSv1.3' : undefined;
    return {
      socket: raw,
      servername: sni,
      rejectUnauthorized: false,
      ALPNProtocols: (options.text('alpn') ?? '').split(',').filter((name) => name !== ''),
      ca: [],
      ...(cert === undefined ? {} : { cert, key }),
      ...(only === undefined ? {} : { minVersion: only, maxVersion: only }),
      ...(ciphers.length === 0 ? {} : { ciphers: ciphers.join(':') }),
    };
  }

  #judge(sent: readonly Certificate[]): Chain | undefined {
    const { options, world, io, trusted } = this.#parts;
    const [leaf, ...untrusted] = sent;
    if (leaf === undefined) return undefined;
    const chain = judgeChain(leaf, {
      trusted,
      untrusted,
      nowMs: world.clock.now(),
      purpose: 'sslserver',
      hostname: options.text('verify_hostname'),
    });
    if (!options.has('verify_quiet')) io.err(verifyLines(chain));
    return chain;
  }

  /** Sends what was piped in; prints what comes back, and the alert when the server ends it that way. */
  async #converse(secured: TLSSocket): Promise<number> {
    const { io, world, options } = this.#parts;
    let seen = 0;
    let failure: Error | undefined;
    let lastMs = world.clock.monotonic();
    const closed = new Promise<void>((resolve) => secured.once('close', () => resolve()));
    secured.once('error', (error) => {
      failure = error;
    });
    secured.on('data', (bytes: Buffer) => {
      lastMs = world.clock.monotonic();
      seen += bytes.length;
      if (seen > MAX_OUTPUT) secured.destroy();
      else io.out(bytes.toString('utf8'));
    });
    if (io.hasStdin) {
      const input = await readAll(io.stdin);
      if (input !== '') secured.write(input);
    }
    const quiet = new Promise<void>((resolve) => {
      const look = (): void => {
        const idleMs = world.clock.monotonic() - Math.max(lastMs, this.#ticketMs ?? 0);
        const isHeard = this.#ticketMs !== undefined || seen > 0 || secured.getProtocol() !== 'TLSv1.3';
        const listenMs = isHeard ? LISTEN_MS : UNHEARD_MS;
        if (idleMs >= listenMs) resolve();
        else world.clock.after(Math.min(LISTEN_MS, listenMs - idleMs), look);
      };
      world.clock.after(LISTEN_MS, look);
    });
    await Promise.race([closed, quiet]);
    if (failure !== undefined) {
      io.err(failureText(failure));
      return 1;
    }
    if (!options.has('quiet')) io.err(secured.destroyed ? 'closed\n' : 'DONE\n');
    return 0;
  }
}

/** What the server sent, leaf first. A trusted root that only our side added is left out. */
function peerChain(secured: TLSSocket, trusted: readonly Certificate[]): Certificate[] {
  const chain: Certificate[] = [];
  let at: DetailedPeerCertificate | undefined = secured.getPeerCertificate(true);
  while (at?.raw !== undefined) {
    const certificate = readCertificate(der.toPem('CERTIFICATE', at.raw));
    if (chain.some(({ raw }) => raw.equals(certificate.raw))) break;
    if (chain.length > 0 && trusted.some(({ raw }) => raw.equals(certificate.raw)) && at.issuerCertificate === at)
      break;
    chain.push(certificate);
    at = at.issuerCertificate;
  }
  return chain;
}

/** As the verify callback of s_client tells it: from the root down, each certificate good, or with its errors. */
function verifyLines({ path, errors }: Chain): string {
  const named = (depth: number): string => `depth=${depth} ${printName(path[depth]?.subject ?? Buffer.alloc(0))}\n`;
  const good = errors.length === 0 ? path.map((_certificate, depth) => depth).toReversed() : [0];
  const bad = errors.map(
    ({ number, depth }) => `${named(depth)}verify error:num=${number}:${VERIFY_TEXTS[number]}\nverify return:1\n`,
  );
  const lone =
    finalNumber({ path, errors }) === 21
      ? [`${named(0)}verify error:num=21:${VERIFY_TEXTS[21]}\nverify return:1\n`]
      : [];
  return [...bad, ...lone, ...good.map((depth) => `${named(depth)}verify return:1\n`)].join('');
}

/** The last error counts; a lone certificate without an issuer is one that cannot be verified at all. */
function finalNumber({ path, errors }: Chain): number {
  const last = errors.at(-1)?.number ?? 0;
  return last === 20 && path.length === 1 ? 21 : last;
}

const verifyCode = (judged: Chain | undefined): number => (judged === undefined ? 0 : finalNumber(judged));

function briefText(secured: TLSSocket, [leaf]: readonly Certificate[], judged: Chain | undefined): string {
  const code = verifyCode(judged);
  return [
    'CONNECTION ESTABLISHED\n',
    `Protocol version: ${secured.getProtocol()}\nCiphersuite: ${secured.getCipher().standardName}\n`,
    leaf === undefined ? 'No peer certificate\n' : `Peer certificate: ${printName(leaf.subject)}\n`,
    code === 0 ? 'Verification: OK\n' : `Verification error: ${VERIFY_TEXTS[code]}\n`,
    temporaryKey(secured),
  ].join('');
}

function temporaryKey(secured: TLSSocket): string {
  const info = secured.getEphemeralKeyInfo();
  if (info === null || !('name' in info) || info.name === undefined) return '';
  const size = info.size === undefined ? '' : `, ${info.size} bits`;
  return `Server Temp Key: ${info.name === 'prime256v1' ? 'ECDH, prime256v1' : info.name}${size}\n`;
}

interface Shown {
  readonly secured: TLSSocket;
  readonly sent: readonly Certificate[];
  readonly judged: Chain | undefined;
  readonly raw: Socket;
  readonly showAll: boolean;
}

function longText({ secured, sent, judged, raw, showAll }: Shown): string {
  const [leaf] = sent;
  const code = verifyCode(judged);
  const { alpnProtocol } = secured;
  return [
    'CONNECTED(00000003)\n---\n',
    leaf === undefined ? 'no peer certificate available\n---\n' : chainText(sent, showAll),
    `${temporaryKey(secured)}---\n`,
    `SSL handshake has read ${raw.bytesRead} bytes and written ${raw.bytesWritten} bytes\n`,
    code === 0 ? 'Verification: OK\n' : `Verification error: ${VERIFY_TEXTS[code]}\n`,
    `---\nNew, ${secured.getProtocol()}, Cipher is ${secured.getCipher().standardName}\n`,
    leaf === undefined ? '' : `Server public key is ${keyBits(leaf.x509.publicKey)} bit\n`,
    typeof alpnProtocol === 'string' ? `ALPN protocol: ${alpnProtocol}\n` : 'No ALPN negotiated\n',
    `Verify return code: ${code} (${VERIFY_TEXTS[code]})\n---\n`,
  ].join('');
}

function chainText(sent: readonly Certificate[], showAll: boolean): string {
  const rows = sent.map(({ subject, issuer, spki, algorithm, notBeforeMs, notAfterMs, pem, x509 }, depth) =>
    [
      `${String(depth).padStart(2)} s:${printName(subject)}\n   i:${printName(issuer)}\n`,
      `   a:PKEY: ${keyAlgorithm(spki)}, ${keyBits(x509.publicKey)} (bit); sigalg: ${algorithm}\n`,
      `   v:NotBefore: ${printTime(notBeforeMs)}; NotAfter: ${printTime(notAfterMs)}\n`,
      showAll ? pem : '',
    ].join(''),
  );
  const leaf = sent[0];
  if (leaf === undefined) return '';
  const own = showAll ? '' : leaf.pem;
  return `Certificate chain\n${rows.join('')}---\nServer certificate\n${own}subject=${printName(leaf.subject)}\n\nissuer=${printName(leaf.issuer)}\n\n---\n`;
}

const noPeer = (raw: Socket): string =>
  `---\nno peer certificate available\n---\nSSL handshake has read ${raw.bytesRead} bytes and written ${raw.bytesWritten} bytes\n---\nNew, (NONE), Cipher is (NONE)\n---\n`;

/** OpenSSL's line for what ended a connection, without the source file that it stands in. */
function failureText(error: unknown): string {
  const message = errorMessage(error).trim();
  if ((error as { code?: string } | null)?.code === 'ECONNRESET') return 'write:errno=104\n';
  const [, rest] = /(error:[0-9A-F]{8}:.*)/s.exec(message) ?? [];
  return `${(rest ?? message).replace(/:\.\.\/[^:]*:\d+:/, ':')}\n`;
}
