import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClusterAuthority } from '#ca';
import { findImage, imageName } from '#workloads';
import { bodyOf, eventually, TestNet } from './support.ts';

describe('lab images', () => {
  let net: TestNet;
  beforeEach(() => {
    net = new TestNet();
  });
  afterEach(() => net.close());

  it('frontend asks its upstreams under the same path and forwards what lessons match on', async () => {
    const seen: Record<string, unknown>[] = [];
    await net.serve('reviews', (request, response) => {
      seen.push({ url: request.url, ...request.headers });
      response.end('{"version":"v2"}');
    });
    const frontend = await net.run('meshwork/frontend:1.0', 'frontend', { UPSTREAMS: 'http://reviews:8080' });
    const response = await frontend.get('/books?x=1', {
      headers: { 'x-canary': 'true', 'x-request-id': 'r', cookie: 'a=b' },
    });
    expect(response.status).toBe(200);
    expect(bodyOf(response)).toMatchObject({
      service: 'frontend',
      upstreams: [{ status: 200, body: { version: 'v2' } }],
    });
    expect(seen[0]).toMatchObject({ url: '/books?x=1', 'x-canary': 'true', 'x-request-id': 'r', cookie: 'a=b' });
  });

  it('frontend passes on the worst status, and 502 when nobody answers', async () => {
    await net.serve('reviews', (_request, response) => response.writeHead(503).end());
    const frontend = await net.run('meshwork/frontend', 'frontend', { UPSTREAMS: 'http://reviews' });
    expect((await frontend.get('/')).status).toBe(503);
    net.remove('reviews');
    expect((await frontend.get('/')).status).toBe(502);
  });

  it('cart hangs up after its own 300 ms and answers 503 when it has no fallback', async () => {
    let asked = false;
    let closed = false;
    await net.serve('inventory', (request) => {
      asked = true;
      request.socket.on('close', () => {
        closed = true;
      });
    });
    const cart = await net.run('meshwork/cart', 'cart', { UPSTREAMS: 'http://inventory:8080', TIMEOUT_MS: '300' });
    const answer = cart.get('/');
    await eventually(() => asked);
    net.clock.advance(299);
    expect(net.clock.waiting).toBe(1);
    net.clock.advance(1);
    expect((await answer).status).toBe(503);
    await eventually(() => closed);
  });

  it('cart with a cache answers 200 with a copy that says it is one', async () => {
    let slow = false;
    await net.serve('inventory', (_request, response) => {
      if (!slow) response.end('{"items":[]}');
    });
    const cart = await net.run('meshwork/cart', 'cart', {
      UPSTREAMS: 'http://inventory:8080',
      CACHE: 'on',
      TIMEOUT_MS: '300',
    });
    const fresh = await cart.get('/');
    expect([fresh.headers['x-cached'], bodyOf(fresh)['cached']]).toEqual(['false', false]);
    await eventually(() => net.clock.waiting === 0);
    slow = true;
    const answer = cart.get('/');
    await eventually(() => net.clock.waiting === 1);
    net.clock.advance(300);
    const copy = await answer;
    expect([copy.status, copy.headers['x-cached']]).toEqual([200, 'true']);
    expect(bodyOf(copy)).toMatchObject({ cached: true, inventory: { items: [] } });
  });

  it('inventory is slow and fails as its environment says', async () => {
    const inventory = await net.run('meshwork/inventory', 'inventory', {
      DELAY_MS: '500',
      FAIL_PERCENT: '100',
      FAIL_STATUS: '500',
    });
    const answer = inventory.get('/');
    await eventually(() => net.clock.waiting === 1);
    net.clock.advance(500);
    expect((await answer).status).toBe(500);
  });

  it('reviews signs its answers with its version', async () => {
    const reviews = await net.run('meshwork/reviews:2.0', 'reviews', { SERVICE_VERSION: 'v2' });
    const response = await reviews.get('/');
    expect([response.headers['x-version'], bodyOf(response)['version']]).toEqual(['v2', 'v2']);
  });

  it('an image is found under any registry, tag and digest', () => {
    expect(imageName('registry:5000/a/b/reviews:1.2@sha256:abc')).toBe('reviews');
    expect(findImage('docker.io/istio/examples-bookinfo-reviews-v3:latest')?.name).toBe('examples-bookinfo-reviews-v3');
    expect(findImage('postgres')).toBeUndefined();
  });

  it('service answers every path with its name and version', async () => {
    const service = await net.run('meshwork/service:1.0', 'orders', { SERVICE_NAME: 'orders', SERVICE_VERSION: 'v2' });
    const response = await service.get('/a/b?c=1');
    expect(bodyOf(response)).toMatchObject({ service: 'orders', version: 'v2', path: '/a/b' });
    expect(response.headers['x-version']).toBe('v2');
  });

  it('service asks its upstreams first and fails as its environment says', async () => {
    const asked: string[] = [];
    await net.serve('store', (request, response) => {
      asked.push(`${request.method} ${request.url}`);
      response.end('{}');
    });
    const env = { UPSTREAMS: 'http://store:8080', FAIL_PERCENT: '100', FAIL_STATUS: '500' };
    const service = await net.run('meshwork/service', 'orders', env);
    expect((await service.get('/orders/1')).status).toBe(500);
    expect(asked).toEqual(['GET /orders/1']);
  });

  it('only a share of the answers is slow when a share is asked for', async () => {
    const service = await net.run('meshwork/service', 'orders', { DELAY_MS: '800', DELAY_PERCENT: '0' });
    expect((await service.get('/')).status).toBe(200);
    expect(net.clock.waiting).toBe(0);
  });

  it('service works on as many requests as it has workers, and refuses what its queue does not take', async () => {
    const held: (() => void)[] = [];
    await net.serve('store', (_request, response) => void held.push(() => response.end('{}')));
    const env = { UPSTREAMS: 'http://store:8080', WORKERS: '1', QUEUE: '1' };
    const service = await net.run('meshwork/service', 'orders', env);
    const first = service.get('/1');
    await eventually(() => held.length === 1);
    const second = service.get('/2');
    // The queue takes one: of the next two, each finds it full.
    const third = await service.get('/3');
    expect(third.status).toBe(503);
    expect(held).toHaveLength(1);
    held[0]?.();
    expect((await first).status).toBe(200);
    await eventually(() => held.length === 2);
    held[1]?.();
    expect((await second).status).toBe(200);
  });

  it('service answers well without an upstream that is optional, and says whose failure it passes on otherwise', async () => {
    await net.serve('store', (_request, response) => response.writeHead(500).end('{"error":"no database"}'));
    const needing = await net.run('meshwork/service', 'cart', { UPSTREAMS: 'http://store:8080' });
    const failed = await needing.get('/');
    expect([failed.status, bodyOf(failed)['error']]).toEqual([500, 'store answered 500: no database']);
    const sparing = await net.run('meshwork/service', 'page', { UPSTREAMS: 'http://store:8080', OPTIONAL: 'store' });
    expect((await sparing.get('/')).status).toBe(200);
  });

  it('a strain lies over the environment for as long as it is there', async () => {
    const strain: Record<string, string> = {};
    const service = await net.run('meshwork/service', 'orders', {}, { strain });
    expect((await service.get('/')).status).toBe(200);
    Object.assign(strain, { FAIL_PERCENT: '100', FAIL_STATUS: '500' });
    expect((await service.get('/')).status).toBe(500);
    delete strain['FAIL_PERCENT'];
    expect((await service.get('/')).status).toBe(200);
  });

  it('service speaks TLS with mounted files, and callers that trust its CA reach it', async () => {
    const ca = createClusterAuthority({ clock: { ...net.clock, now: () => Date.now() } });
    const { certPem, keyPem } = ca.issue(['orders']);
    const env = { PORT: '8443', TLS_CERT: '/tls/crt', TLS_KEY: '/tls/key' };
    await net.run('meshwork/service', 'orders', env, { files: { '/tls/crt': certPem, '/tls/key': keyPem } });
    const upstreams = { UPSTREAMS: 'https://orders:8443' };
    const trusting = await net.run(
      'meshwork/frontend',
      'frontend',
      { ...upstreams, UPSTREAMS_CA: '/ca' },
      { files: { '/ca': ca.caPem } },
    );
    expect(bodyOf(await trusting.get('/x'))).toMatchObject({ upstreams: [{ status: 200, body: { path: '/x' } }] });
    const wary = await net.run('meshwork/frontend', 'other', upstreams);
    expect((await wary.get('/x')).status).toBe(502);
  });
});
