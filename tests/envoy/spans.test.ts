import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differences } from './support/differences.ts';
import { loadPairs, type PairCase, type PairRequest } from './support/pairs/case-file.ts';
import { compared } from './support/pairs/compared.ts';
import { comparableTraces, notesOutOfTime, type SentTraces, tracesFrom } from './support/pairs/sent-spans.ts';
import { startTwoProxies, type TwoProxies } from './support/pairs/two-proxies.ts';
import { waitFor } from './support/wait.ts';

const cases = loadPairs('spans');
/** Spans leave in groups, the last with `flush_interval_ms` (5 s) of both. */
const FLUSH_MS = 10_000;

describe('a collector is sent the spans that a real Envoy sends', () => {
  let proxies: TwoProxies;
  beforeAll(async () => {
    proxies = await startTwoProxies(cases);
  });
  afterAll(() => proxies?.stop());

  const requests = cases.flatMap((given) => given.requests.map((request) => ({ given, request })));
  it.each(requests)(
    '$given.name: $request.name',
    async ({ given, request }: { given: PairCase; request: PairRequest }) => {
      const envoy = await proxies.observe(proxies.envoy, given, request);
      const ours = await proxies.observe(proxies.ours, given, request);
      expect(envoy.answer.status).toBe(request.expect.status);
      expect(differences(compared(envoy, true), compared(ours, true))).toEqual(request.unlike ?? []);
    },
  );

  const sentBy = ({ name }: TwoProxies['ours'], given: PairCase): SentTraces =>
    tracesFrom(proxies.collected(), `${name.padEnd(5, '.')}/${given.name}/`);

  it.each(cases)('$name: every span has the same name, kind, parent, tags and notes', async (given: PairCase) => {
    let apart: object[] = [];
    await waitFor(`spans of ${given.name}`, FLUSH_MS, () => {
      const envoy = sentBy(proxies.envoy, given);
      apart = differences(comparableTraces(envoy), comparableTraces(sentBy(proxies.ours, given)));
      return envoy.size > 0 && apart.length === 0 ? true : undefined;
    }).catch(() => undefined);
    expect(apart).toEqual([]);
    expect(sentBy(proxies.envoy, given).size).toBeGreaterThan(1);
  });

  it('no note of a verbose span lies outside of its time', () => {
    for (const given of cases) expect(notesOutOfTime(sentBy(proxies.ours, given))).toEqual([]);
  });
});
