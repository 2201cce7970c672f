import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import { type AdsClient, createAdsClient, type ProxyNode, typeUrls } from '#xds';
import { type AdsFixture, cluster, mailbox, node, snapshot, startAds, wallClock } from './ads-fixture.ts';

describe('the identity of a stream', () => {
  let fixture: AdsFixture;
  let running: AdsClient[];
  const nodes = mailbox<ProxyNode>();
  const losses = mailbox<string>();

  beforeEach(async () => {
    running = [];
    nodes.waiting.length = 0;
    losses.waiting.length = 0;
    fixture = await startAds(
      (each) => {
        nodes.put(each);
        return snapshot('1', [cluster('a')]);
      },
      {
        verify: (token) => (token === 'good' ? { namespace: 'shop', serviceAccount: 'cart' } : undefined),
      },
    );
  });
  afterEach(() => {
    for (const client of running) client.stop();
    fixture.stop();
  });

  function start(token?: string): void {
    const client = createAdsClient({
      address: fixture.address,
      node: node('sidecar~1'),
      ...(token !== undefined && { token: () => token }),
      clock: wallClock,
      random: seededRandom('identity').stream('xds'),
      onUpdate: () => [],
      onStatus: (status, error) => {
        if (status === 'disconnected') losses.put(error ?? '');
      },
    });
    running.push(client);
    client.start();
    client.subscribe(typeUrls.cluster, '*');
  }

  it('is what its token proves', async () => {
    start('good');
    expect((await nodes.next()).identity).toEqual({ namespace: 'shop', serviceAccount: 'cart' });
  });

  it('is nothing without a token, and nothing with one that proves nothing', async () => {
    start();
    expect((await nodes.next()).identity).toBeUndefined();
    start('bad');
    expect((await nodes.next()).identity).toBeUndefined();
  });

  it('cannot be borrowed: a second stream that names the same node must prove the same', async () => {
    start('good');
    await nodes.next();
    start('bad');
    expect(await losses.next()).toContain('somebody else');
    expect(fixture.ads.connected()).toHaveLength(1);
  });
});
