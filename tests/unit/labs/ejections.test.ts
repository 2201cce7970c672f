import { describe, expect, it } from 'vitest';
import type { Proxy } from '#data-plane';
import { createTraffic } from '#labs';
import { type EjectionsVerdict, watchEjections } from '../../../server/labs/probes/ejections.ts';
import { createFakeSandbox } from '../../support/fake-sandbox.ts';
import { lab } from './support.ts';

const cluster = 'outbound|8080||inventory.default.svc.cluster.local';
const spec = {
  traffic: 'carts',
  rps: 10,
  namespace: 'default',
  labels: { app: 'cart' },
  host: 'inventory',
  baseMs: 2000,
  sweepMs: 500,
  limitMs: 20_000,
};

/** A caller whose proxy leaves one endpoint out in these spans of time, in milliseconds from now. */
function start(out: readonly (readonly [number, number])[], host = cluster) {
  const sandbox = createFakeSandbox();
  const beganMs = sandbox.clock.monotonic();
  const endpoint = (ip: string, ejected: boolean) => ({
    cluster: host,
    address: { ip, port: 8080 },
    healthy: true,
    ejected,
    activeRequests: 0,
  });
  const endpoints = () => {
    const atMs = sandbox.clock.monotonic() - beganMs;
    return [
      endpoint('127.0.0.1', false),
      endpoint(
        '127.0.0.2',
        out.some(([from, to]) => atMs >= from && atMs < to),
      ),
    ];
  };
  const proxy = { admin: { endpoints } } as unknown as Proxy;
  sandbox.addPod({ name: 'cart-1', labels: { app: 'cart' }, proxy });
  const from = { namespace: 'default', labels: { app: 'cart' } };
  const traffic = { id: 'carts', title: 'Carts', from, url: 'http://inventory:8080/', rps: 1 };
  return { sandbox, traffic: createTraffic(lab({ traffic: [traffic] }).traffic, sandbox) };
}

async function watch(out: readonly (readonly [number, number])[], host?: string): Promise<EjectionsVerdict> {
  const { sandbox, traffic } = start(out, host);
  const verdict = watchEjections(spec, traffic, sandbox);
  await sandbox.clock.run(21_000);
  return verdict;
}

describe('two ejections in a row', () => {
  it('are as long as the rule says', async () => {
    expect(
      await watch([
        [500, 2900],
        [3400, 7800],
      ]),
    ).toEqual({
      met: true,
      seen: 'An endpoint was out for 2.4 s, then for 4.4 s.',
    });
  });

  it('may be the second and the third: one that was there before is not timed', async () => {
    expect(
      await watch([
        [0, 1000],
        [1500, 5700],
        [6200, 12_500],
      ]),
    ).toMatchObject({ met: true });
  });

  it('may come after one that was forgiven, because the endpoint answered until a sweep', async () => {
    expect(
      await watch([
        [500, 2900],
        [3900, 6300],
        [6800, 11_200],
      ]),
    ).toEqual({ met: true, seen: 'An endpoint was out for 2.4 s, then for 4.4 s.' });
  });

  it('are not when both last the same', async () => {
    expect(
      await watch([
        [500, 2900],
        [3400, 5800],
      ]),
    ).toMatchObject({ met: false });
  });

  it('are not when nobody goes, or the endpoint is another service’s', async () => {
    const none = { met: false, seen: '0 ejections began and ended in 20 s.' };
    expect(await watch([])).toEqual(none);
    expect(
      await watch(
        [
          [500, 2900],
          [3400, 7800],
        ],
        'outbound|8080||reviews.default.svc.cluster.local',
      ),
    ).toEqual(none);
  });

  it('are watched while requests are sent at the pace asked for', async () => {
    const { sandbox, traffic } = start([]);
    const verdict = watchEjections(spec, traffic, sandbox);
    await sandbox.clock.run(21_000);
    await verdict;
    expect(sandbox.requests.length).toBeGreaterThan(150);
    expect(sandbox.requests.length).toBeLessThanOrEqual(201);
  });
});
