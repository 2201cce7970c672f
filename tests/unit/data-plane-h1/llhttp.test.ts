import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createServerConnection } from '../../../server/data-plane/http/h1/server-connection.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { systemClock } from '../../../server/system.ts';
import { ReceivedRequest } from './harness.ts';

/** A request that a parser read to its end. */
interface Seen {
  readonly method: string;
  readonly target: string;
  readonly body: string;
}

type Parser = (side: Duplex, seen: Seen[]) => void;

const ours: Parser = (side, seen) => {
  // The codec uses nothing of a socket that a Duplex lacks, except the addresses and this.
  const socket = Object.assign(side, { setNoDelay: () => undefined }) as unknown as Socket;
  createServerConnection(socket, {
    clock: systemClock(),
    onRequest: (stream, connection) => {
      // It can be read, and is refused all the same: without a Host for instance.
      if (stream.head.refusal !== undefined) {
        connection.close();
        return;
      }
      const request = new ReceivedRequest(stream, connection);
      request.onEnd = () => {
        seen.push({ method: stream.head.method, target: stream.head.path, body: request.body });
        stream.sendHead({ status: 204, headers: new Headers() }, true);
      };
    },
  });
};

const llhttp: Parser = (side, seen) => {
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request: IncomingMessage, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      seen.push({
        method: request.method ?? '',
        target: request.url ?? '',
        body: Buffer.concat(parts).toString('latin1'),
      });
      response.writeHead(204).end();
    });
    request.on('error', () => undefined);
  });
  server.on('checkContinue', (request, response) => server.emit('request', request, response));
  server.on('clientError', (_error, socket) => socket.destroy());
  side.on('error', () => undefined);
  server.emit('connection', side);
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Feeds `bytes` in the given pieces and returns what the parser read before it closed or had nothing more to say. `ends` is filled with
 * the number of bytes that had been fed when each request was complete.
 */
async function parse(parser: Parser, bytes: Buffer, cuts: readonly number[], ends: number[] = []): Promise<Seen[]> {
  const seen: Seen[] = [];
  const [near, far] = duplexPair();
  let closed = false;
  near.on('close', () => {
    closed = true;
  });
  near.on('end', () => {
    closed = true;
  });
  near.on('error', () => undefined);
  near.resume();
  parser(far, seen);
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    if (cut > at && !closed) near.write(bytes.subarray(at, cut));
    at = Math.max(at, cut);
    await turn();
    while (ends.length < seen.length) ends.push(at);
  }
  for (let quiet = 0, count = seen.length; quiet < 6 && !closed; quiet++) {
    await turn();
    if (seen.length !== count) quiet = 0;
    count = seen.length;
  }
  near.destroy();
  far.destroy();
  return seen;
}

const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9!#$%&'*+\-.^_`|~]{0,12}$/);
const value = fc.stringMatching(/^(?:[!-~](?:[ -~\t]{0,30}[!-~])?)?$/);
const target = fc.stringMatching(/^\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]{0,20}$/);
const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array).toString('latin1'));
const spaces = fc.constantFrom('', ' ', '  ', '\t');

const RESERVED =
  /^(?:host|connection|content-length|transfer-encoding|upgrade|keep-alive|proxy-connection|te|trailer|expect|http2-settings)$/i;
const header = fc
  .tuple(
    token.filter((name) => !RESERVED.test(name)),
    spaces,
    value,
    spaces,
  )
  .map(([name, before, text, after]) => `${name}:${before}${text}${after}\r\n`);
const headers = fc.array(header, { maxLength: 5 }).map((lines) => lines.join(''));

const chunk = fc
  .tuple(bytes, fc.constantFrom('', ';a', ';a=b', ';a="b c"'), fc.boolean())
  .filter(([data]) => data.length > 0)
  .map(([data, extension, upper]) => {
    const size = data.length.toString(16);
    return { data, wire: `${upper ? size.toUpperCase() : `0${size}`}${extension}\r\n${data}\r\n` };
  });

interface Body {
  readonly framing: string;
  readonly wire: string;
  readonly data: string;
}

const body: fc.Arbitrary<Body> = fc.oneof(
  fc.constant({ framing: '', wire: '', data: '' }),
  bytes.map((data) => ({ framing: `Content-Length: ${data.length}\r\n`, wire: data, data })),
  fc.tuple(fc.array(chunk, { maxLength: 4 }), headers).map(([chunks, trailers]) => ({
    framing: 'Transfer-Encoding: chunked\r\n',
    wire: `${chunks.map((part) => part.wire).join('')}0\r\n${trailers}\r\n`,
    data: chunks.map((part) => part.data).join(''),
  })),
);

const message = fc
  .tuple(fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'), target, headers, body)
  .map(([method, path, lines, content]) => ({
    wire: `${method} ${path} HTTP/1.1\r\nHost: a.b:80\r\n${lines}${content.framing}\r\n${content.wire}`,
    seen: { method, target: path, body: content.data },
  }));

const cuts = fc.array(fc.nat(), { maxLength: 8 });

function places(numbers: readonly number[], length: number): number[] {
  return numbers.map((number) => number % (length + 1)).sort((a, b) => a - b);
}

/** Damage that attackers do: bytes that parsers disagree about, put in, put over, or taken out. */
const damage = fc.array(
  fc.record({
    at: fc.nat(),
    kind: fc.constantFrom('insert', 'replace', 'delete'),
    text: fc.constantFrom('\r', '\n', '\r\n', '\0', ' ', '\t', ':', ';', ',', '0', '1', 'a', '\x80', '\x0b', '"', '/'),
  }),
  { minLength: 1, maxLength: 3 },
);

function injure(text: string, wounds: readonly { at: number; kind: string; text: string }[]): string {
  let injured = text;
  for (const wound of wounds) {
    const at = wound.at % (injured.length + 1);
    const rest = wound.kind === 'insert' ? at : at + 1;
    injured = injured.slice(0, at) + (wound.kind === 'delete' ? '' : wound.text) + injured.slice(rest);
  }
  return injured;
}

const RUNS = Number(process.env['MESHWORK_FUZZ_RUNS'] ?? 150);

it('reads valid pipelined messages as llhttp does, wherever they are cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 3 }), cuts, async (messages, numbers) => {
      const wire = Buffer.from(messages.map(({ wire }) => wire).join(''), 'latin1');
      const at = places(numbers, wire.length);
      const expected = messages.map(({ seen }) => seen);
      expect(await parse(ours, wire, at)).toEqual(expected);
      expect(await parse(llhttp, wire, at)).toEqual(expected);
    }),
    { numRuns: RUNS },
  );
});

it('reads no damaged message otherwise than llhttp: what it accepts, llhttp accepts with the same body and end', async () => {
  await fc.assert(
    fc.asyncProperty(message, message, damage, cuts, async (first, second, wounds, numbers) => {
      const wire = Buffer.from(injure(first.wire + second.wire, wounds), 'latin1');
      const ends: number[] = [];
      const each = Array.from(wire, (_, i) => i);
      const accepted = await parse(ours, wire, each, ends);
      expect(await parse(ours, wire, places(numbers, wire.length))).toEqual(accepted);
      const end = ends.at(-1) ?? 0;
      const reference = await parse(llhttp, wire.subarray(0, end), []);
      expect(reference).toEqual(accepted);
      const early = await parse(llhttp, wire.subarray(0, Math.max(0, end - 1)), []);
      expect(early.length).toBe(Math.max(0, accepted.length - 1));
    }),
    { numRuns: RUNS },
  );
});
