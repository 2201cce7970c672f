import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differences } from './support/differences.ts';
import { loadPairs, type PairCase, type PairRequest } from './support/pairs/case-file.ts';
import { compared } from './support/pairs/compared.ts';
import { startTwoProxies, type TwoProxies } from './support/pairs/two-proxies.ts';

const cases = loadPairs();

describe('our proxy does with the same xDS what a real Envoy does', () => {
  let proxies: TwoProxies;
  beforeAll(async () => {
    proxies = await startTwoProxies(cases);
  });
  afterAll(() => proxies?.stop());

  describe.each(cases.map((each) => [each.name, each] as const))('%s', (_file: string, given: PairCase) => {
    it.each(given.requests.map((request) => [request.name, request] as const))(
      '%s',
      async (_name: string, request: PairRequest) => {
        const envoy = await proxies.observe(proxies.envoy, given, request);
        const ours = await proxies.observe(proxies.ours, given, request);
        const { status, body, flags, details, upstream } = request.expect;
        expect(envoy.answer.status).toBe(status);
        if (body !== undefined) expect(envoy.answer.body).toBe(body);
        if (flags !== undefined) expect(envoy.log[0]?.['flags']).toBe(flags);
        if (details !== undefined) expect(envoy.log[0]?.['details']).toBe(details);
        if (upstream !== undefined) expect(envoy.upstream).toHaveLength(upstream);
        expect(differences(compared(envoy), compared(ours))).toEqual(request.unlike ?? []);
      },
    );
  });
});
