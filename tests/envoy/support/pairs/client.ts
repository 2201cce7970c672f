import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as http2Connect } from 'node:http2';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { PairRequest } from './case-file.ts';

/** What a client sees of an answer. */
export interface Answer {
  /** 0: none came. */
  readonly status: number;
  /** `name: value`, sorted by name. */
  readonly headers: readonly string[];
  readonly body: string;
  readonly trailers: Readonly<Record<string, string>>;
  /** Statuses of 1xx. */
  readonly informational: readonly number[];
  /** How it ended: `complete`, or the client's own error. */
  readonly end: string;
}

const LIMIT_MS = 8000;
/** Bytes whose answer does not end the connection are judged by what has come until then. */
const RAW_LIMIT_MS = 400;

/** Sends one request on a connection of its own. */
export async function ask(request: PairRequest, at: { ip: string; port: number }, id: string): Promise<Answer> {
  if (request.raw !== undefined)
    return askRaw(await withHello(request.raw.replaceAll('{ID}', id).replaceAll('{PORT}', String(at.port))), at);
  return request.protocol === 'h2' ? askHttp2(request, at, id) : askHttp1(request, at, id);
}

const NOTHING: Answer = { status: 0, headers: [], body: '', trailers: {}, informational: [], end: '' };

function askHttp1(given: PairRequest, { ip, port }: { ip: string; port: number }, id: string): Promise<Answer> {
  const { method = 'GET', path = '/', host = 'test', headers = {}, body, trailers } = given;
  return new Promise((resolve) => {
    const informational: number[] = [];
    const call = httpRequest({
      host: ip,
      port,
      localAddress: ip,
      method,
      path,
      headers: { host, 'user-agent': id, connection: 'keep-alive', ...(headers as Record<string, string | string[]>) },
      agent: false,
      timeout: LIMIT_MS,
    });
    call.on('information', ({ statusCode }) => informational.push(statusCode));
    call.on('timeout', () => call.destroy(new Error('no answer')));
    call.on('error', (error: NodeJS.ErrnoException) =>
      resolve({ ...NOTHING, informational, end: error.code ?? error.message }),
    );
    call.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ ...headOf(response), informational, body: '', trailers: {}, end: 'upgraded' });
    });
    call.on('response', (response) => readAnswer(response, informational, resolve));
    for (const [name, value] of Object.entries(trailers ?? {})) call.addTrailers({ [name]: value });
    if (headers['expect'] === '100-continue') call.once('continue', () => call.end(body));
    else if (trailers !== undefined && body !== undefined) {
      call.write(body);
      call.end();
    } else call.end(body);
    if (headers['expect'] === '100-continue') call.flushHeaders();
  });
}

/** Two programs that compress the same text need not write the same bytes. */
function decoded(body: string, encoding: string | undefined): string {
  const bytes = Buffer.from(body, 'latin1');
  if (encoding === 'gzip') return gunzipSync(bytes).toString('latin1');
  return encoding === 'br' && bytes.length > 0 ? brotliDecompressSync(bytes).toString('latin1') : body;
}

const headOf = (response: IncomingMessage): Pick<Answer, 'status' | 'headers'> => ({
  status: response.statusCode ?? 0,
  headers: namedPairs(response.rawHeaders),
});

function readAnswer(response: IncomingMessage, informational: number[], done: (answer: Answer) => void): void {
  const { socket } = response;
  let body = '';
  const finish = (end: string): void =>
    done({
      ...headOf(response),
      informational,
      body: end === 'complete' && body !== '' ? decoded(body, response.headers['content-encoding']) : body,
      trailers: { ...response.trailers } as Record<string, string>,
      end,
    });
  response.setEncoding('latin1');
  response.on('data', (chunk: string) => {
    body += chunk;
  });
  response.on('end', () => {
    // The client leaves first, so that it is known who ended the connection.
    socket.destroy();
    finish('complete');
  });
  response.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
}

const namedPairs = (raw: readonly string[]): string[] =>
  raw.flatMap((name, i) => (i % 2 === 0 ? [`${name.toLowerCase()}: ${raw[i + 1]}`] : [])).sort();

function askHttp2(given: PairRequest, { ip, port }: { ip: string; port: number }, id: string): Promise<Answer> {
  const { method = 'GET', path = '/', host = 'test', headers = {}, body, trailers } = given;
  return new Promise((resolve) => {
    const session = http2Connect(`http://${ip}:${port}`, {
      createConnection: () => connect({ host: ip, port, localAddress: ip }),
    });
    const answer: { -readonly [Key in keyof Answer]: Answer[Key] } = { ...NOTHING, informational: [] };
    const finish = (end: string): void => {
      clearTimeout(timer);
      session.destroy();
      resolve({ ...answer, end });
    };
    const timer = setTimeout(() => finish('no answer'), LIMIT_MS);
    session.on('error', (error) => finish(error.message));
    // A plain CONNECT has neither path nor scheme.
    const rest = method === 'CONNECT' && headers[':protocol'] === undefined ? {} : { ':path': path, ':scheme': 'http' };
    const pseudo = { ':method': method, ':authority': host, ...rest };
    const stream = session.request(
      { ...pseudo, 'user-agent': id, ...(headers as Record<string, string | string[]>) },
      { endStream: body === undefined && trailers === undefined, waitForTrailers: trailers !== undefined },
    );
    stream.on('headers', (head) => (answer.informational as number[]).push(Number(head[':status'])));
    stream.on('response', (head, _flags, raw?: readonly string[]) => {
      answer.status = Number(head[':status']);
      answer.headers = (raw === undefined ? [] : namedPairs(raw)).filter((line) => !line.startsWith(':status'));
      if (raw === undefined) answer.headers = plainPairs(head);
    });
    stream.on('trailers', (given_) => {
      answer.trailers = Object.fromEntries(plainPairs(given_).map((line) => line.split(': ') as [string, string]));
    });
    stream.setEncoding('latin1');
    stream.on('data', (chunk: string) => {
      answer.body += chunk;
    });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers ?? {}));
    stream.on('error', () => undefined);
    stream.on('close', () => finish(stream.rstCode === 0 ? 'complete' : `reset ${stream.rstCode}`));
    if (body !== undefined || trailers !== undefined) stream.end(body);
  });
}

const plainPairs = (head: object): string[] =>
  Object.entries(head)
    .filter(([name]) => !name.startsWith(':'))
    .flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${String(one)}`));

const HELLO = /\{HELLO(?: (\S+?))?(?: (\S+?))?\}/;

/** Puts the first bytes of a TLS client in, as Node's own writes them; `-` stands for no name. */
async function withHello(text: string): Promise<string> {
  const [whole, name = '-', protocol] = HELLO.exec(text) ?? [];
  if (whole === undefined) return text;
  const hello = await new Promise<Buffer>((resolve) => {
    const wire = new Duplex({
      read: () => undefined,
      write: (bytes: Buffer, _encoding, done) => {
        resolve(bytes);
        done();
      },
    });
    const client = connectTls({
      socket: wire,
      ...(name !== '-' && { servername: name }),
      ...(protocol !== undefined && { ALPNProtocols: [protocol] }),
    });
    client.on('error', () => undefined);
  });
  return text.replace(whole, () => hello.toString('latin1'));
}

/** Sends bytes and reads until the proxy closes the connection. */
function askRaw(bytes: string, { ip, port }: { ip: string; port: number }): Promise<Answer> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ host: ip, port, localAddress: ip }, () => socket.write(bytes, 'latin1'));
    const finish = (end: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ ...parseRaw(text), end });
    };
    const timer = setTimeout(() => finish('stays open'), RAW_LIMIT_MS);
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
    socket.on('close', () => finish('closed'));
  });
}

/** The first answer's head, and all that follows it as it is. */
function parseRaw(text: string): Answer {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return { ...NOTHING, body: text };
  const [status = '', ...lines] = text.slice(0, end).split('\r\n');
  return {
    ...NOTHING,
    status: Number(status.split(' ')[1]),
    headers: lines.map((line) => line.replace(/^[^:]+/, (name) => name.toLowerCase())),
    body: text.slice(end + 4),
  };
}
