import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { typeUrls, type XdsSnapshot } from '#xds';
import {
  type AdsFixture,
  cluster,
  endpoints,
  listener,
  namesIn,
  node,
  openWhole,
  routes,
  snapshot,
  startAds,
} from './ads-fixture.ts';

type Stream = ReturnType<typeof openWhole>;

describe('state-of-the-world ADS', () => {
  let fixture: AdsFixture;
  let stream: Stream;
  let first: XdsSnapshot | undefined;

  beforeEach(async () => {
    first = snapshot('1', [cluster('a'), cluster('b'), endpoints('a'), endpoints('b'), routes('9080'), listener('l1')]);
    fixture = await startAds(() => first);
    stream = openWhole(fixture.address);
  });
  afterEach(() => {
    stream.close();
    fixture.stop();
  });

  const ack = (response: { typeUrl: string; nonce: string; versionInfo: string }, resourceNames: string[] = []): void =>
    stream.send({
      typeUrl: response.typeUrl,
      responseNonce: response.nonce,
      versionInfo: response.versionInfo,
      resourceNames,
    });

  /** Asks for a route: what arrives next is its answer only if nothing else was sent before. */
  async function nextIsProbe(): Promise<void> {
    stream.send({ typeUrl: typeUrls.route, resourceNames: ['9080'] });
    expect((await stream.next()).typeUrl).toBe(typeUrls.route);
  }

  it('answers an empty first request for clusters with all of them', async () => {
    stream.send({ node: node('n1'), typeUrl: typeUrls.cluster });
    const response = await stream.next();
    expect(namesIn(response)).toEqual(['a', 'b']);
    expect(response.versionInfo).toBe('1');
    expect(response.nonce).not.toBe('');
  });

  it('does not answer an ACK and reports it', async () => {
    stream.send({ node: node('n1'), typeUrl: typeUrls.cluster });
    const response = await stream.next();
    ack(response);
    await nextIsProbe();
    const acked = await fixture.event(({ state }) => state === 'acked');
    expect(acked).toMatchObject({ nodeId: 'n1', nonce: response.nonce, resources: ['a', 'b'], changeId: '1' });
    expect(acked.bytes).toBeGreaterThan(0);
  });

  it('sends all clusters when one changed, but only the changed endpoints', async () => {
    stream.send({ node: node('n1'), typeUrl: typeUrls.cluster });
    ack(await stream.next());
    stream.send({ typeUrl: typeUrls.endpoint, resourceNames: ['a', 'b'] });
    ack(await stream.next(), ['a', 'b']);
    await fixture.event(({ state, typeUrl }) => state === 'acked' && typeUrl === typeUrls.endpoint);
    fixture.ads.setSnapshot(
      'n1',
      snapshot('2', [cluster('a', '2s'), cluster('b'), endpoints('a'), endpoints('b', 9081)]),
    );
    const clusters = await stream.next();
    const changed = await stream.next();
    expect(namesIn(clusters)).toEqual(['a', 'b']);
    // The endpoints of a changed cluster come again too: the proxy warms it until they do.
    expect(new Set(namesIn(changed))).toEqual(new Set(['a', 'b']));
    ack(clusters);
    ack(changed, ['a', 'b']);
    await fixture.event(({ nonce, state }) => nonce === changed.nonce && state === 'acked');
    fixture.ads.setSnapshot(
      'n1',
      snapshot('3', [cluster('a', '2s'), cluster('b'), endpoints('a', 1), endpoints('b', 9081)]),
    );
    expect(namesIn(await stream.next())).toEqual(['a']);
  });

  it('sends a complete set without the removed listener', async () => {
    first = snapshot('1', [listener('l1'), listener('l2')]);
    stream.send({ node: node('n1'), typeUrl: typeUrls.listener });
    ack(await stream.next());
    await fixture.event(({ state }) => state === 'acked');
    fixture.ads.setSnapshot('n1', snapshot('2', [listener('l2')]));
    expect(namesIn(await stream.next())).toEqual(['l2']);
    expect(fixture.events.at(-1)).toMatchObject({ state: 'sent', removed: ['l1'] });
  });

  it('answers when the names grow, with the new ones only for routes', async () => {
    first = snapshot('1', [routes('80'), routes('9080')]);
    stream.send({ node: node('n1'), typeUrl: typeUrls.route, resourceNames: ['80'] });
    const response = await stream.next();
    ack(response, ['80', '9080']);
    expect(namesIn(await stream.next())).toEqual(['9080']);
  });

  it('answers a name that does not exist as soon as it does', async () => {
    stream.send({ node: node('n1'), typeUrl: typeUrls.route, resourceNames: ['http.80'] });
    stream.send({ typeUrl: typeUrls.cluster });
    ack(await stream.next());
    await fixture.event(({ state }) => state === 'acked');
    fixture.ads.setSnapshot('n1', snapshot('2', [cluster('a'), cluster('b'), routes('http.80')]));
    expect(namesIn(await stream.next())).toEqual(['http.80']);
  });

  it('drops a request with a stale nonce', async () => {
    stream.send({ node: node('n1'), typeUrl: typeUrls.endpoint, resourceNames: ['a'] });
    const one = await stream.next();
    ack(one, ['a']);
    await fixture.event(({ state }) => state === 'acked');
    fixture.ads.setSnapshot('n1', snapshot('2', [endpoints('a', 1), endpoints('b')]));
    const two = await stream.next();
    stream.send({ typeUrl: typeUrls.endpoint, responseNonce: one.nonce, resourceNames: ['a', 'b'] });
    stream.send({ typeUrl: typeUrls.cluster });
    expect((await stream.next()).typeUrl).toBe(typeUrls.cluster);
    ack(two, ['a', 'b']);
    expect(namesIn(await stream.next())).toEqual(['b']);
  });

  it('takes an empty list after names as nothing, not as everything', async () => {
    stream.send({ node: node('n1'), typeUrl: typeUrls.cluster, resourceNames: ['a'] });
    const response = await stream.next();
    expect(namesIn(response)).toEqual(['a']);
    ack(response, []);
    await nextIsProbe();
    fixture.ads.setSnapshot('n1', snapshot('2', [cluster('a', '9s'), routes('9080', 'b')]));
    stream.send({ typeUrl: typeUrls.listener });
    expect((await stream.next()).typeUrl).toBe(typeUrls.listener);
  });

  it('sends a name again that was given up and asked for anew', async () => {
    stream.send({ node: node('n1'), typeUrl: typeUrls.endpoint, resourceNames: ['a', 'b'] });
    const response = await stream.next();
    ack(response, ['a']);
    ack(response, ['a', 'b']);
    expect(namesIn(await stream.next())).toEqual(['b']);
  });

  it('reports a NACK with the text of the client and sends that version no more', async () => {
    stream.send({ node: node('n1'), typeUrl: typeUrls.cluster });
    const response = await stream.next();
    stream.send({
      typeUrl: typeUrls.cluster,
      responseNonce: response.nonce,
      errorDetail: { code: 3, message: 'cluster a: unsupported lb_policy' },
    });
    const refused = await fixture.event(({ state }) => state === 'nacked');
    expect(refused.error).toBe('cluster a: unsupported lb_policy');
    fixture.ads.setSnapshot('n1', snapshot('2', [cluster('a'), cluster('b'), routes('9080')]));
    await nextIsProbe();
    fixture.ads.setSnapshot('n1', snapshot('3', [cluster('a', '3s'), cluster('b'), routes('9080')]));
    expect(namesIn(await stream.next())).toEqual(['a', 'b']);
  });

  it('ends a stream that does not name its node, and only that one', async () => {
    const other = openWhole(fixture.address);
    other.send({ typeUrl: typeUrls.cluster });
    expect((await other.ended()).code).toBe(status.INVALID_ARGUMENT);
    stream.send({ node: node('n1'), typeUrl: typeUrls.cluster });
    expect(namesIn(await stream.next())).toEqual(['a', 'b']);
    other.close();
  });

  it('ends a stream that asks for too many names', async () => {
    const resourceNames = Array.from({ length: 10_001 }, (_, index) => `r${index}`);
    stream.send({ node: node('n1'), typeUrl: typeUrls.route, resourceNames });
    expect((await stream.ended()).code).toBe(status.RESOURCE_EXHAUSTED);
  });

  it('waits for the first snapshot when there is none yet', async () => {
    first = undefined;
    stream.send({ node: node('n1'), typeUrl: typeUrls.cluster });
    stream.send({ typeUrl: typeUrls.listener });
    while (fixture.ads.connected().length === 0) await new Promise((resolve) => setImmediate(resolve));
    fixture.ads.setSnapshot('n1', snapshot('1', [cluster('a'), listener('l1')]));
    expect((await stream.next()).typeUrl).toBe(typeUrls.cluster);
    expect((await stream.next()).typeUrl).toBe(typeUrls.listener);
  });
});
