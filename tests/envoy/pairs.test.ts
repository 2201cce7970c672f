import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differences } from './support/differences.ts';
import { loadPairs, type PairCase, type PairRequest } from './support/pairs/case-file.ts';
import { compared } from './support/pairs/compared.ts';
import { startTwoProxies, type TwoProxies } from './support/pairs/two-proxies.ts';
import { valuesApart } from './support/pairs/values.ts';
import { waitFor } from './support/wait.ts';

const cases = loadPairs();

/** Figures that pairs themselves name as different. */
const unlikeFigures = new Set(
  cases
    .flatMap(({ requests }) => requests)
    .flatMap(({ unlike = [] }) => unlike)
    .flatMap(({ at }) => (at.startsWith('stats.') ? [at.slice('stats.'.length)] : [])),
);
/** Twice Envoy's default interval of flushes. */
const FLUSH_MS = 10_000;

/** Figures of Envoy's own threads, files, memory, libraries and senders of spans, of the pages that are read here, and hashes of 64 bits. */
const OF_ENVOY_ITSELF =
  /^(filesystem|overload|envoy|(http|listener)\.admin|http\.async-client|dns\.cares)\.|listener\..*\.worker_0|gh?ttp2_(up|down)stream|http2\.(cookie|header)_(count|size|list_size)$|\.version$|tls_inspector\.bytes|server\.stats_recent|^tracing\..*\.(timer_flushed|reports_failed|reports_skipped_no_cluster)$/;

/** Of logs that leave over gRPC and of services that google_grpc names, which Istio seldom configures: named once they count. */
const NAMED_LATE = /^(access_logs|grpc)\./;

describe('our proxy does with the same xDS what a real Envoy does', () => {
  let proxies: TwoProxies;
  beforeAll(async () => {
    proxies = await startTwoProxies(cases);
  });
  afterAll(() => proxies?.stop());

  /** What Envoy lists and ours does not. */
  const missing = async (): Promise<string[]> => {
    const ours = await proxies.ours.listed();
    return [...(await proxies.envoy.listed()).keys()].filter(
      (name) => !ours.has(name) && !OF_ENVOY_ITSELF.test(name) && !NAMED_LATE.test(name),
    );
  };

  it('every statistic that Envoy lists is listed here from the start', async () => {
    expect(await missing()).toEqual([]);
  });

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
        expect(differences(compared(envoy, given.traces), compared(ours, given.traces))).toEqual(request.unlike ?? []);
      },
    );
  });

  it('figures of single hosts have the same labels for Prometheus', async () => {
    const lines = async ({ ip }: TwoProxies['ours']): Promise<string[]> => {
      const answer = await fetch(`http://${ip}:15000/stats/prometheus?filter=endpoint-figures.*[.]endpoint`);
      return (await answer.text()).split('\n').map((line) => line.replace(/ [\d.]+$/, ''));
    };
    const told = await lines(proxies.ours);
    expect(told.some((line) => line.includes('envoy_endpoint_hostname="shop.example"'))).toBe(true);
    expect(told.filter(Boolean).sort()).toEqual((await lines(proxies.envoy)).filter(Boolean).sort());
  });

  it('the same statistics are gauges', async () => {
    const gauges = async ({ ip }: TwoProxies['ours']): Promise<Set<string>> => {
      const answer = await fetch(`http://${ip}:15000/stats?type=Gauges`);
      return new Set((await answer.text()).split('\n').map((line) => line.replaceAll(`${ip}_`, '').split(': ')[0]!));
    };
    const [theirs, told, listed] = [
      await gauges(proxies.envoy),
      await gauges(proxies.ours),
      await proxies.ours.listed(),
    ];
    const known = (name: string): boolean => listed.has(name) && !OF_ENVOY_ITSELF.test(name);
    expect([...theirs].filter((name) => known(name) && !told.has(name))).toEqual([]);
    const listedByEnvoy = await proxies.envoy.listed();
    expect([...told].filter((name) => listedByEnvoy.has(name) && !theirs.has(name))).toEqual([]);
  });

  it('every statistic that Envoy lists after all that is listed here', async () => {
    expect(await missing()).toEqual([]);
  });

  it('every statistic of both has the same value after all that, but those that are named with a reason', async () => {
    let apart = {};
    // Envoy's histograms show values with its next flush.
    await waitFor('values alike', FLUSH_MS, async () => {
      apart = valuesApart(await proxies.envoy.listed(), await proxies.ours.listed(), unlikeFigures);
      return Object.keys(apart).length === 0 ? true : undefined;
    }).catch(() => undefined);
    expect(apart).toEqual({});
  });
});
