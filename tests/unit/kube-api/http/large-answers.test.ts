import { get, type IncomingHttpHeaders } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { configMap } from '../cluster.ts';
import { startServer } from './server.ts';

const server = startServer();
const path = '/api/v1/namespaces/default/configmaps';

beforeAll(() => {
  for (let i = 0; i < 10; i++) {
    server.store.create({ ...configMap(`map-${i}`), data: { text: 'x'.repeat(20_000) } }, { changeId: 'test' });
  }
});

/** The answer as its bytes are: fetch would unpack them. */
const raw = (url: string, encoding: string): Promise<{ headers: IncomingHttpHeaders; body: Buffer }> =>
  new Promise((resolve, reject) => {
    get(server.url + url, { headers: { 'accept-encoding': encoding } }, (response) => {
      buffer(response).then((body) => resolve({ headers: response.headers, body }), reject);
    }).once('error', reject);
  });

describe('an answer of more than 128 KiB', () => {
  it.each(['gzip', 'deflate, gzip;q=1.0', 'GZIP'])('is compressed for a client that takes %s', async (encoding) => {
    const { headers, body } = await raw(path, encoding);
    expect(headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    expect(Number(headers['content-length'])).toBe(body.length);
    expect(body.length).toBeLessThan(10_000);
    expect(JSON.parse(gunzipSync(body).toString()).items).toHaveLength(10);
  });

  it.each(['', 'identity', 'br', 'gzip;q=0'])('stays as it is for a client that takes "%s"', async (encoding) => {
    const { headers, body } = await raw(path, encoding);
    expect(headers['content-encoding']).toBeUndefined();
    expect(JSON.parse(body.toString()).items).toHaveLength(10);
  });

  it('is compressed only from that size on', async () => {
    const { headers } = await raw(`${path}/map-0`, 'gzip');
    expect(headers['content-encoding']).toBeUndefined();
  });
});
