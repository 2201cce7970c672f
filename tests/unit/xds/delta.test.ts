import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { typeUrls, type XdsSnapshot } from '#xds';
import type { DeltaDiscoveryResponse } from '../../../server/xds/wire/discovery.ts';
import {
  type AdsFixture,
  cluster,
  endpoints,
  listener,
  node,
  openDelta,
  routes,
  snapshot,
  startAds,
} from './ads-fixture.ts';

const names = (response: DeltaDiscoveryResponse): string[] => response.resources.map(({ name }) => name);

describe('delta ADS', () => {
  let fixture: AdsFixture;
  let stream: ReturnType<typeof openDelta>;
  let first: XdsSnapshot;

  beforeEach(async () => {
    first = snapshot('1', [cluster('a'), cluster('b'), endpoints('a'), endpoints('b'), routes('9080'), listener('l1')]);
    fixture = await startAds(() => first);
    stream = openDelta(fixture.address);
  });
  afterEach(() => {
    stream.close();
    fixture.stop();
  });

  const ack = ({ typeUrl, nonce }: DeltaDiscoveryResponse): void => stream.send({ typeUrl, responseNonce: nonce });

  async function subscribeAll(): Promise<void> {
    stream.send({ node: node('n1'), typeUrl: typeUrls.cluster, resourceNamesSubscribe: ['*'] });
    ack(await stream.next());
    stream.send({ typeUrl: typeUrls.endpoint, resourceNamesSubscribe: ['a', 'b'] });
    ack(await stream.next());
    stream.send({ typeUrl: typeUrls.listener, resourceNamesSubscribe: ['*'] });
    ack(await stream.next());
    stream.send({ typeUrl: typeUrls.route, resourceNamesSubscribe: ['9080'] });
    const last = await stream.next();
    ack(last);
    await fixture.event(({ nonce, state }) => nonce === last.nonce && state === 'acked');
  }

  it('treats a first request without names as all clusters', async () => {
    stream.send({ node: node('n1'), typeUrl: typeUrls.cluster });
    const response = await stream.next();
    expect(names(response)).toEqual(['a', 'b']);
    expect(response.resources[0]?.version).toBe(cluster('a').version);
    expect(response.systemVersionInfo).toBe('1');
  });

  it('sends only what changed', async () => {
    await subscribeAll();
    fixture.ads.setSnapshot(
      'n1',
      snapshot('2', [...unchanged().filter(({ name }) => name !== '9080'), routes('9080', 'b')]),
    );
    const response = await stream.next();
    expect([response.typeUrl, names(response)]).toEqual([typeUrls.route, ['9080']]);
    expect(stream.unread).toEqual([]);
  });

  const unchanged = () => [...first.resources.values()].flatMap((ofType) => [...ofType.values()]);

  it('names what was removed', async () => {
    await subscribeAll();
    fixture.ads.setSnapshot(
      'n1',
      snapshot(
        '2',
        unchanged().filter(({ name }) => name !== 'l1'),
      ),
    );
    const response = await stream.next();
    expect([response.typeUrl, response.removedResources]).toEqual([typeUrls.listener, ['l1']]);
  });

  it('sends new clusters and endpoints before listeners and routes, and removes clusters after them', async () => {
    await subscribeAll();
    stream.send({ typeUrl: typeUrls.endpoint, resourceNamesSubscribe: ['c'] });
    const missing = await stream.next();
    expect(missing.removedResources).toEqual(['c']);
    ack(missing);
    await fixture.event(({ nonce, state }) => nonce === missing.nonce && state === 'acked');
    fixture.ads.setSnapshot(
      'n1',
      snapshot('2', [
        cluster('b'),
        cluster('c'),
        endpoints('b'),
        endpoints('c'),
        listener('l1', 81),
        routes('9080', 'c'),
      ]),
    );
    const order = [];
    for (let step = 0; step < 4; step++) {
      const response = await stream.next();
      order.push([response.typeUrl, names(response), response.removedResources]);
      ack(response);
    }
    expect(order).toEqual([
      [typeUrls.cluster, ['c'], []],
      [typeUrls.endpoint, ['c'], []],
      [typeUrls.listener, ['l1'], []],
      [typeUrls.route, ['9080'], []],
    ]);
    const last = await stream.next();
    expect([last.typeUrl, names(last), last.removedResources]).toEqual([typeUrls.cluster, [], ['a']]);
  });

  it('sends endpoints to a client that answers clusters only once they are warm, also when more clusters wait behind them', async () => {
    await subscribeAll();
    fixture.ads.setSnapshot('n1', snapshot('2', [...unchanged(), cluster('c'), endpoints('c')]));
    const clusters = await stream.next();
    expect([clusters.typeUrl, names(clusters)]).toEqual([typeUrls.cluster, ['c']]);
    const more = [cluster('c'), endpoints('c'), cluster('d'), endpoints('d'), routes('9090')];
    fixture.ads.setSnapshot('n1', snapshot('3', [...unchanged(), ...more]));
    stream.send({ typeUrl: typeUrls.endpoint, resourceNamesSubscribe: ['c'] });
    const warming = await stream.next();
    expect([warming.typeUrl, names(warming)]).toEqual([typeUrls.endpoint, ['c']]);
    ack(warming);
    ack(clusters);
    const next = await stream.next();
    expect([next.typeUrl, names(next)]).toEqual([typeUrls.cluster, ['d']]);
  });

  it('keeps a dropped cluster for as long as a refused route still needs it', async () => {
    await subscribeAll();
    fixture.ads.setSnapshot('n1', snapshot('2', [cluster('b'), endpoints('b'), listener('l1'), routes('9080', 'b')]));
    const refused = await stream.next();
    stream.send({ typeUrl: refused.typeUrl, responseNonce: refused.nonce, errorDetail: { code: 3, message: 'no' } });
    await fixture.event(({ state }) => state === 'nacked');
    fixture.ads.setSnapshot('n1', snapshot('3', [cluster('b'), endpoints('b'), listener('l1'), routes('9080', 'x')]));
    const accepted = await stream.next();
    expect([accepted.typeUrl, names(accepted)]).toEqual([typeUrls.route, ['9080']]);
    ack(accepted);
    expect((await stream.next()).removedResources).toEqual(['a']);
  });

  it('sends what was refused along with a bad resource again with the next change, and never for its own sake', async () => {
    await subscribeAll();
    fixture.ads.setSnapshot('n1', snapshot('2', [...unchanged(), cluster('bad'), cluster('c')]));
    const refused = await stream.next();
    expect(names(refused)).toEqual(['bad', 'c']);
    stream.send({ typeUrl: refused.typeUrl, responseNonce: refused.nonce, errorDetail: { code: 3, message: 'no' } });
    await fixture.event(({ state }) => state === 'nacked');
    fixture.ads.setSnapshot('n1', snapshot('3', [...unchanged(), cluster('c')]));
    const repaired = await stream.next();
    expect([names(repaired), repaired.removedResources]).toEqual([['c'], ['bad']]);
    ack(repaired);
    fixture.ads.setSnapshot('n1', snapshot('4', [...unchanged(), cluster('c'), cluster('d')]));
    expect(names(await stream.next())).toEqual(['d']);
  });

  it('says at once that a named resource does not exist, and sends it when it does', async () => {
    await subscribeAll();
    stream.send({ typeUrl: typeUrls.route, resourceNamesSubscribe: ['http.80'] });
    const missing = await stream.next();
    expect(missing.removedResources).toEqual(['http.80']);
    ack(missing);
    fixture.ads.setSnapshot('n1', snapshot('2', [...unchanged(), routes('http.80')]));
    expect(names(await stream.next())).toEqual(['http.80']);
  });

  it('sends nothing more of a name that was unsubscribed', async () => {
    await subscribeAll();
    stream.send({ typeUrl: typeUrls.endpoint, resourceNamesUnsubscribe: ['b'] });
    stream.send({ typeUrl: typeUrls.route, resourceNamesSubscribe: ['9080'] });
    ack(await stream.next());
    await fixture.event(({ nonce, state }) => nonce === fixture.events.at(-2)?.nonce && state === 'acked');
    fixture.ads.setSnapshot(
      'n1',
      snapshot('2', [
        ...unchanged().filter((one) => one.typeUrl !== typeUrls.endpoint),
        endpoints('a', 1),
        endpoints('b', 1),
      ]),
    );
    expect(names(await stream.next())).toEqual(['a']);
  });

  it('sends a name again that is subscribed again', async () => {
    await subscribeAll();
    stream.send({ typeUrl: typeUrls.endpoint, resourceNamesSubscribe: ['b'] });
    expect(names(await stream.next())).toEqual(['b']);
  });

  it('tells whether a name that leaves a wildcard subscription is still part of it', async () => {
    stream.send({ node: node('n1'), typeUrl: typeUrls.cluster, resourceNamesSubscribe: ['*', 'a', 'x'] });
    const all = await stream.next();
    expect([names(all), all.removedResources]).toEqual([['a', 'b'], ['x']]);
    ack(all);
    stream.send({ typeUrl: typeUrls.cluster, resourceNamesUnsubscribe: ['a', 'x'] });
    const rest = await stream.next();
    expect([names(rest), rest.removedResources]).toEqual([['a'], ['x']]);
  });

  it('does not send again what a reconnecting client holds', async () => {
    const held = { a: cluster('a').version, b: 'older', gone: 'v' };
    stream.send({
      node: node('n1'),
      typeUrl: typeUrls.cluster,
      resourceNamesSubscribe: ['*'],
      initialResourceVersions: held,
    });
    const response = await stream.next();
    expect([names(response), response.removedResources]).toEqual([['b'], []]);
    // Its routes, which it asks for next, may still lead there: what is gone is named after them.
    stream.send({ typeUrl: typeUrls.route, resourceNamesSubscribe: ['9080'] });
    const table = await stream.next();
    ack(response);
    ack(table);
    expect((await stream.next()).removedResources).toEqual(['gone']);
  });

  it('answers a client that holds everything with an empty response', async () => {
    const held = { a: endpoints('a').version };
    stream.send({
      node: node('n1'),
      typeUrl: typeUrls.endpoint,
      resourceNamesSubscribe: ['a'],
      initialResourceVersions: held,
    });
    const response = await stream.next();
    expect([response.resources, response.removedResources]).toEqual([[], []]);
  });

  it('holds newer snapshots while one is unanswered and then sends the newest only', async () => {
    await subscribeAll();
    const withRoute = (target: string) => [
      ...unchanged().filter(({ name }) => name !== '9080'),
      routes('9080', target),
    ];
    fixture.ads.setSnapshot('n1', snapshot('2', withRoute('v2')));
    const two = await stream.next();
    fixture.ads.setSnapshot('n1', snapshot('3', withRoute('v3')));
    fixture.ads.setSnapshot('n1', snapshot('4', withRoute('v4')));
    expect(fixture.ads.isIdle('n1')).toBe(false);
    ack(two);
    const four = await stream.next();
    expect(four.systemVersionInfo).toBe('4');
    expect(four.resources[0]?.version).toBe(routes('9080', 'v4').version);
    ack(four);
    await fixture.event(({ nonce, state }) => nonce === four.nonce && state === 'acked');
    expect(fixture.ads.isIdle('n1')).toBe(true);
    expect(stream.unread).toEqual([]);
  });

  it('holds routes back while the clusters they need wait for an answer', async () => {
    await subscribeAll();
    const next = (target: string) => [
      cluster('a'),
      cluster('b'),
      cluster(target),
      endpoints('a'),
      endpoints('b'),
      listener('l1'),
      routes('9080', target),
    ];
    fixture.ads.setSnapshot('n1', snapshot('2', next('c')));
    const clusters = await stream.next();
    ack(await stream.next());
    fixture.ads.setSnapshot('n1', snapshot('3', next('d')));
    ack(clusters);
    const d = await stream.next();
    expect([d.typeUrl, names(d)]).toEqual([typeUrls.cluster, ['d']]);
    expect(names(await stream.next())).toEqual(['9080']);
  });
});
