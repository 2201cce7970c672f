import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differences } from './support/differences.ts';
import { loadPairs, type PairCase, type PairRequest } from './support/pairs/case-file.ts';
import { compared } from './support/pairs/compared.ts';
import { startTwoProxies, type TwoProxies } from './support/pairs/two-proxies.ts';

const cases = loadPairs('zones');
const [zones] = cases;
const MANY = 600;
/** Four standard deviations of a share of two thirds in so many draws. */
const TOLERANCE = 4 * Math.sqrt((2 / 3) * (1 / 3) * (1 / MANY));

describe('our proxy routes by zones as a real Envoy does that belongs to the same local cluster', () => {
  let proxies: TwoProxies;
  beforeAll(async () => {
    proxies = await startTwoProxies(cases, { name: 'zones.all-callers', region: 'home' });
  });
  afterAll(() => proxies?.stop());

  const requests = cases.flatMap((given) => given.requests.map((request) => ({ name: request.name, given, request })));
  it.each(requests)('$name', async ({ given, request }: { given: PairCase; request: PairRequest }) => {
    const envoy = await proxies.observe(proxies.envoy, given, request);
    const ours = await proxies.observe(proxies.ours, given, request);
    const { status, flags, details, upstream } = request.expect;
    expect(envoy.answer.status).toBe(status);
    if (flags !== undefined) expect(envoy.log[0]?.['flags']).toBe(flags);
    if (details !== undefined) expect(envoy.log[0]?.['details']).toBe(details);
    if (upstream !== undefined) expect(envoy.upstream).toHaveLength(upstream);
    expect(differences(compared(envoy), compared(ours))).toEqual(request.unlike ?? []);
  });

  it('two thirds of the requests stay where a third of the hosts and half of the callers are', async () => {
    for (const side of [proxies.envoy, proxies.ours]) {
      const many: PairRequest = {
        name: 'many',
        path: '/sampled',
        before: [{ times: MANY - 1 }],
        expect: { status: 200 },
      };
      const { stats } = await proxies.observe(side, zones!, many);
      const stayed = stats['cluster.zones.sampled.lb_zone_routing_sampled'] ?? 0;
      const left = stats['cluster.zones.sampled.lb_zone_routing_cross_zone'] ?? 0;
      expect(stayed + left).toBe(MANY);
      expect(Math.abs(stayed / MANY - 2 / 3)).toBeLessThan(TOLERANCE);
    }
  });

  it('every figure of zones is the same for each cluster after all that', async () => {
    const zoned = /^cluster\.zones\..*\.lb_(zone|local|recalculate)/;
    // How often plans are made anew follows from Envoy's own classes where there are subsets.
    const own = /\.sampled\.lb_zone_routing|\.subset\.lb_recalculate/;
    const figures = async (side: TwoProxies['ours']): Promise<object> =>
      Object.fromEntries(
        [...(await side.figures(zoned))].filter(([name, value]) => value > 0 && !own.test(name)).sort(),
      );
    expect(await figures(proxies.ours)).toEqual(await figures(proxies.envoy));
  });
});
