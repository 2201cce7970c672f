import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, get, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Site, serveStatic } from '../../../server/api/gateway/static-files.ts';
import { createZipped } from '../../../server/api/gateway/zipped-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'site-'));
const site: Site = { folder, zipped: createZipped() };
const server = createServer((request, response) => {
  serveStatic(site, request, response).then((served) => served || response.writeHead(404).end());
});
const text = 'one line of a page\n'.repeat(500);

beforeAll(async () => {
  writeFileSync(join(folder, 'page.html'), text);
  writeFileSync(join(folder, 'short.txt'), 'short');
  writeFileSync(join(folder, 'font.woff2'), Buffer.alloc(4000));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, headers, method, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    }).on('error', reject);
  });
}

test('text comes compressed to those who take gzip, as long as it says', async () => {
  const { status, headers, body } = await ask('/page.html', { 'accept-encoding': 'gzip, deflate, br, zstd' });
  expect([status, headers['content-encoding'], headers.vary]).toEqual([200, 'gzip', 'accept-encoding']);
  expect(headers['content-length']).toBe(String(body.length));
  expect(body.length).toBeLessThan(text.length / 10);
  expect(gunzipSync(body).toString()).toBe(text);
});

test.each([
  ['that asks for no coding', {}],
  ['that refuses gzip', { 'accept-encoding': 'gzip;q=0, br' }],
  ['that refuses every other coding', { 'accept-encoding': 'br, *;q=0' }],
])('a client %s gets the plain text', async (_who, headers) => {
  const answer = await ask('/page.html', headers);
  expect(answer.headers['content-encoding']).toBeUndefined();
  expect(answer.headers.vary).toBe('accept-encoding');
  expect(answer.body.toString()).toBe(text);
});

test.each(['/short.txt', '/font.woff2'])('%s gains nothing by gzip and comes as it is', async (path) => {
  const { headers } = await ask(path, { 'accept-encoding': 'gzip' });
  expect([headers['content-encoding'], headers.vary]).toEqual([undefined, undefined]);
});

test('HEAD tells the length of what GET would send', async () => {
  const takes = { 'accept-encoding': 'gzip' };
  const [head, whole] = [await ask('/page.html', takes, 'HEAD'), await ask('/page.html', takes)];
  expect(head.body.length).toBe(0);
  expect(head.headers['content-length']).toBe(String(whole.body.length));
});

test('the compressed page and the plain one have entity tags of their own, and each is confirmed by its own', async () => {
  const takes = { 'accept-encoding': 'gzip' };
  const [zipped, plain] = [(await ask('/page.html', takes)).headers.etag, (await ask('/page.html')).headers.etag];
  expect(zipped).not.toBe(plain);
  const confirmed = async (etag = '', headers: Record<string, string> = {}) =>
    (await ask('/page.html', { ...headers, 'if-none-match': etag })).status;
  expect([await confirmed(zipped, takes), await confirmed(plain)]).toEqual([304, 304]);
  expect([await confirmed(zipped), await confirmed(plain, takes)]).toEqual([200, 200]);
});

test('a page that was written anew is compressed anew', async () => {
  const takes = { 'accept-encoding': 'gzip' };
  const file = join(folder, 'changing.html');
  for (const word of ['first', 'later']) {
    writeFileSync(file, word.repeat(1000));
    utimesSync(file, new Date(), new Date(word === 'first' ? 1_000_000 : 2_000_000));
    expect(gunzipSync((await ask('/changing.html', takes)).body).toString()).toBe(word.repeat(1000));
  }
});
