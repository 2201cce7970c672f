import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import fc from 'fast-check';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseClientHello } from '../../../server/data-plane/tls/client-hello.ts';
import { sniffHttp } from '../../../server/data-plane/tls/http-sniffer.ts';
import { inspect, parseSubjectAltNames, SecureContexts } from '../../../server/data-plane/tls/index.ts';
import { subjectText } from '../../../server/data-plane/tls/tls-facts.ts';
import { systemClock } from '../../../server/system.ts';
import { ManualClock } from '../data-plane-h1/harness.ts';
import type { TestCa, TestCertificate } from './certificates.ts';
import { createTestCa } from './certificates.ts';
import type { Listener } from './harness.ts';
import {
  CLIENT_ID,
  clientTransport,
  dial,
  handshake,
  heard,
  inspected,
  SERVER_ID,
  SNI,
  secured,
  serverTransport,
  startListener,
} from './harness.ts';

let ca: TestCa;
let certificate: TestCertificate;
let listener: Listener;

beforeAll(async () => {
  ca = await createTestCa();
  certificate = await ca.issue({ uris: [SERVER_ID] });
});

beforeEach(async () => {
  listener = await startListener();
});

afterEach(() => listener.close());

async function hello(): Promise<Buffer> {
  const [near, far] = await Promise.all([dial(listener.port), listener.accept()]);
  connectTls({ socket: near, servername: SNI, ALPNProtocols: ['istio-http/1.1', 'istio'] }).on(
    'error',
    () => undefined,
  );
  return (await inspected(far)).firstBytes;
}

describe('the inspector', () => {
  it('looks at a socket that whoever looked before has left paused', async () => {
    const [near, far] = await Promise.all([dial(listener.port), listener.accept()]);
    far.pause();
    near.write('GET / HTTP/1.1\r\n\r\n');
    const seen = await inspect(far, {
      clock: systemClock(),
      detectHttp: true,
      timeoutMs: 5000,
      onTimeout: () => false,
    });
    expect(seen).toMatchObject({ transport: 'raw_buffer', alpn: ['http/1.1'] });
  });

  it('reads SNI and ALPN, and the TLS handshake follows on the same socket', async () => {
    const [near, far] = await Promise.all([dial(listener.port), listener.accept()]);
    const mine = await ca.issue({ uris: [CLIENT_ID] });
    const client = handshake(
      clientTransport({ credentials: () => ({ certificate: mine, rootsPem: ca.rootsPem }) }),
      near,
    );
    const inspection = await inspected(far);
    expect(inspection).toMatchObject({ transport: 'tls', serverName: SNI, alpn: ['istio'] });
    const server = await handshake(
      serverTransport({ credentials: () => ({ certificate, rootsPem: ca.rootsPem }) }),
      far,
    );
    secured(await client).socket.write('hello');
    expect(await heard(secured(server).socket)).toBe('hello');
  });

  it('leaves plaintext in the socket', async () => {
    const [near, far] = await Promise.all([dial(listener.port), listener.accept()]);
    near.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await inspected(far)).toMatchObject({ transport: 'raw_buffer', serverName: '', alpn: ['http/1.1'] });
    expect(await heard(far)).toBe('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  });

  it.each([
    ['GET /x HTTP/1.0\r\n', ['http/1.0']],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', ['h2c']],
    ['SSH-2.0-OpenSSH_9\r\n', []],
    ['GET /\r\n', ['http/1.0']],
    ['GET / HTTP/1.1\n', ['http/1.1']],
    ['*1\r\n$4\r\nPING\r\n', []],
    ['EHLO mail.example\r\n', []],
    ['get\t/\v\0HTTP/2.0 \r\n', ['http/1.0']],
    ['any /\n', ['http/1.0']],
    ['GET h2.c+x://[::1]:80/a?b HTTP/1.1\r\n', ['http/1.1']],
    ['GET a/b HTTP/1.1\r\n', []],
    ['GET http://a@@b HTTP/1.1\r\n', []],
    ['GET /\x80 HTTP/1.1\r\n', []],
    ['GET / HTTP/1.1 HTTP/1.1\r\n', []],
    ['CONNECT a:80 HTTP/1.1\r\n', ['http/1.1']],
    ['CONNECT a@@b:80 HTTP/1.1\r\n', []],
    ['A\x01 / HTTP/1.1\r\n', []],
    [' GET / HTTP/1.1\r\n', []],
    ['\r\nGET / HTTP/1.1\r\n', []],
  ])('finds the protocol of %j', async (text, alpn) => {
    const [near, far] = await Promise.all([dial(listener.port), listener.accept()]);
    for (const character of text) near.write(character, 'latin1');
    expect((await inspected(far)).alpn).toEqual(alpn);
  });

  it('decides by the first five bytes when it need not look for HTTP', async () => {
    const [near, far] = await Promise.all([dial(listener.port), listener.accept()]);
    near.write('hello');
    expect(await inspected(far, false)).toMatchObject({ transport: 'raw_buffer', alpn: [] });
  });

  it.each([
    ['fewer bytes than a header', 'hi\n', 'incomplete'],
    ['a header', 'hello', 'not-tls'],
    ['a version that is none of TLS', '\x16\x02\x01\x00\x05', 'not-tls'],
    ['a record that is too long', '\x16\x03\x01\xff\xff', 'not-tls'],
    ['a record of the longest', '\x16\x03\x01\x41\x01', 'incomplete'],
    ['an empty record', '\x16\x03\x01\x00\x00', 'incomplete'],
    ['another message, cut', '\x16\x03\x01\x00\x05\x02', 'incomplete'],
    ['another message', '\x16\x03\x01\x00\x05\x02abcd', 'not-tls'],
    ['another record, cut', '\x17\x03\x03\x00\x02', 'incomplete'],
    ['another record', '\x17\x03\x03\x00\x02ab', 'not-tls'],
  ])('knows of %s what BoringSSL knows', (_title, text, known) => {
    expect(parseClientHello(Buffer.from(text, 'latin1'))).toBe(known);
  });

  it('decides by what came when its time is over', async () => {
    const clock = new ManualClock();
    const [near, far] = await Promise.all([dial(listener.port), listener.accept()]);
    const waiting = inspect(far, { clock, detectHttp: true, timeoutMs: 100 });
    clock.advance(101);
    expect(await waiting).toMatchObject({ transport: 'raw_buffer', alpn: [] });
    near.write('late');
    expect(await heard(far)).toBe('late');
  });

  it.each([
    ['a request line', `GET /${'a'.repeat(100_000)}`, 'line'],
    ['a ClientHello', `\x16\x03\x01\x40\x01\x01\0\x40\0${'a'.repeat(17_000)}`, 'hello'],
  ])('gives up %s that is too long', async (_title, text, what) => {
    const [near, far] = await Promise.all([dial(listener.port), listener.accept()]);
    near.write(text, 'latin1');
    const tooLarge: string[] = [];
    const onTooLarge = (each: string): void => void tooLarge.push(each);
    expect(await inspect(far, { clock: systemClock(), detectHttp: true, timeoutMs: 0, onTooLarge })).toBeUndefined();
    expect(tooLarge).toEqual([what]);
    expect(far.destroyed).toBe(true);
  });

  it('says nothing of a line that has not ended, whatever protocol begins so', () => {
    const found = (text: string): string => sniffHttp(Buffer.from(text, 'latin1'));
    expect(['hello', 'h', '*1', 'GET / ', 'x'.repeat(65_535)].map(found)).toEqual(Array(5).fill('incomplete'));
    expect(['{"a"', 'A"', '\0', '\x80', ' '].map(found)).toEqual(Array(5).fill('none'));
    expect(found('x'.repeat(65_536))).toBe('too long');
    expect(found(`GET /${'a'.repeat(65_521)} HTTP/1.1\r\n`)).toBe('too long');
  });

  it('gives up when the peer leaves', async () => {
    const [near, far] = await Promise.all([dial(listener.port), listener.accept()]);
    near.end('GE');
    expect(await inspect(far, { clock: systemClock(), detectHttp: true, timeoutMs: 0 })).toBeUndefined();
    expect(far.destroyed).toBe(true);
  });

  it('resets one who leaves, or whose time is over, where what was looked at counts as unread', async () => {
    const clock = new ManualClock();
    const [near, far] = await Promise.all([dial(listener.port), listener.accept()]);
    const left = once(near, 'data').catch((error: unknown) => error);
    near.write('GE');
    const limits = { clock, detectHttp: true, timeoutMs: 100, onlyLooks: true, onTimeout: () => false };
    const waiting = inspect(far, limits);
    await once(far, 'data');
    clock.advance(101);
    expect(await waiting).toBeUndefined();
    expect(await left).toMatchObject({ code: 'ECONNRESET' });
  });

  it('waits for the rest of a ClientHello wherever it is cut, also in several records', async () => {
    const bytes = await hello();
    for (let end = 1; end < bytes.length; end++) expect(parseClientHello(bytes.subarray(0, end))).toBe('incomplete');
    const message = bytes.subarray(5);
    const record = (part: Buffer): Buffer => {
      const header = Buffer.from([0x16, 3, 1, 0, 0]);
      header.writeUInt16BE(part.length, 3);
      return Buffer.concat([header, part]);
    };
    const split = Buffer.concat([record(message.subarray(0, 9)), record(message.subarray(9))]);
    expect(parseClientHello(split)).toMatchObject({
      serverName: SNI,
      alpn: ['istio-http/1.1', 'istio'],
      versions: ['TLSv1.3', 'TLSv1.2'],
      takesTickets: true,
      groups: expect.arrayContaining([29, 23]),
    });
  });

  it('never throws on damaged bytes', async () => {
    const bytes = await hello();
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 6 }), (changes) => {
        const damaged = Buffer.from(bytes);
        for (const [at, value] of changes) damaged[at] = value;
        parseClientHello(damaged);
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (array) => {
        parseClientHello(Buffer.from([0x16, 3, 1, ...array]));
      }),
    );
  });
});

describe('secure contexts', () => {
  it('are shared by equal credentials and bounded', () => {
    const contexts = new SecureContexts(2);
    const one = contexts.get({ certificate, rootsPem: ca.rootsPem }, {}, { is: 'client' });
    expect(contexts.get({ certificate: { ...certificate }, rootsPem: ca.rootsPem }, {}, { is: 'client' })).toBe(one);
    expect(contexts.get({ certificate, rootsPem: ca.rootsPem }, { min: 'TLSv1.3' }, { is: 'client' })).not.toBe(one);
    contexts.get({ certificate }, {}, { is: 'client' });
    expect(contexts.size).toBe(2);
    expect(contexts.get({ certificate, rootsPem: ca.rootsPem }, {}, { is: 'client' })).not.toBe(one);
  });
});

describe('subject alternative names', () => {
  it('are read as Node writes them, quoted ones too', () => {
    expect(parseSubjectAltNames('URI:spiffe://a/b, DNS:c.d, IP Address:127.0.0.1')).toEqual({
      uris: ['spiffe://a/b'],
      dns: ['c.d'],
      ips: ['127.0.0.1'],
      emails: [],
      inOrder: ['spiffe://a/b', 'c.d', '127.0.0.1'],
    });
    expect(parseSubjectAltNames('DNS:"x, URI:spiffe://evil", URI:spiffe://a')).toEqual({
      uris: ['spiffe://a'],
      dns: ['x, URI:spiffe://evil'],
      ips: [],
      emails: [],
      inOrder: ['x, URI:spiffe://evil', 'spiffe://a'],
    });
    expect(parseSubjectAltNames(undefined)).toEqual({ uris: [], dns: [], ips: [], emails: [], inOrder: [] });
  });

  it('have addresses of IPv6 in their short form', () => {
    const text = 'IP Address:2001:DB8:0:0:0:0:0:1, IP Address:0:0:0:0:0:FFFF:7F00:1, othername:UPN:a@b';
    const { ips, inOrder } = parseSubjectAltNames(text);
    expect(ips).toEqual(['2001:db8::1', '::ffff:127.0.0.1']);
    expect(inOrder).toEqual([...ips, 'a@b']);
  });
});

describe('the subject of a certificate', () => {
  it('is written after RFC 2253, in ASCII', () => {
    const subject = 'C=DE\nST=Bär\nO=A\\, B\\; \\<x\\>\nUID=7 + CN=a \\+ b';
    expect(subjectText(subject)).toBe('CN=a \\+ b+UID=7,O=A\\, B\\; \\<x\\>,ST=B\\C3\\A4r,C=DE');
    expect(subjectText(undefined)).toBe('');
  });
});
