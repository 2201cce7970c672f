import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dispatch } from '#api/session';
import { kubectlPath, kubectlWith } from '../support/kube-cluster/kubectl.ts';
import { type RunningLab, runLab } from '../support/lab-runner.ts';
import { sharedReviews } from '../support/reviews-rules.ts';

const rule = ([v1, v2]: readonly [number, number]): string => sharedReviews(v1, v2);

describe('the seed of a lab', () => {
  it('gives the same requests the same versions in every run', async () => {
    const run = async (): Promise<string> => {
      const lab = await runLab('canary');
      await lab.apply([{ file: 'reviews.yaml', text: rule([50, 50]) }]);
      const sent = await lab.session.traffic.batch('readers', 60, {});
      await lab.stop();
      return sent.map(({ headers }) => headers['x-version']).join(' ');
    };
    expect(await run()).toBe(await run());
  });
});

describe('a learner in the lab canary', () => {
  let lab: RunningLab;
  beforeAll(async () => {
    lab = await runLab('canary');
  });
  afterAll(() => lab.stop());

  const apply = (text: string) => lab.apply([{ file: 'reviews.yaml', text }]);
  const weights = () =>
    (
      lab.session.sandbox.store.get('VirtualService', { namespace: 'default', name: 'reviews' })?.spec as
        | { http: { route: { weight: number }[] }[] }
        | undefined
    )?.http[0]?.route.map(({ weight }) => weight);
  const versions = async (count: number): Promise<Record<string, number>> => {
    const seen: Record<string, number> = {};
    for (const { headers } of await lab.session.traffic.batch('readers', count, {})) {
      const version = headers['x-version'] ?? 'none';
      seen[version] = (seen[version] ?? 0) + 1;
    }
    return seen;
  };

  it('is told after how many milliseconds an apply is in force, and at how many proxies', async () => {
    const view = await apply(rule([0, 100]));
    expect(view).toMatchObject({ accepted: true, push: { number: 1, proxies: expect.arrayContaining([]) } });
    expect(view.proxies).toBeGreaterThanOrEqual(3);
    expect(view.effectiveMs).toBeGreaterThan(0);
    expect(view.effectiveMs).toBeLessThan(1000);
    expect(await versions(20)).toEqual({ v2: 20 });
  });

  it('follows 90 to 10 within three sigma over 1,000 requests', async () => {
    await apply(rule([90, 10]));
    const seen = await versions(1000);
    expect(Math.abs((seen['v2'] ?? 0) - 100)).toBeLessThan(3 * Math.sqrt(1000 * 0.9 * 0.1));
  });

  it('keeps the last good configuration and the text when a document is refused', async () => {
    await apply(rule([100, 0]));
    const view = await apply(rule([100, 0]).replace('subset: v1', 'subzet: v1'));
    expect(view.accepted).toBe(false);
    expect(view.diagnostics[0]).toMatchObject({ severity: 'error', location: { file: 'reviews.yaml', line: 17 } });
    expect(view.diagnostics[0]?.hint).toMatch(/subset/);
    expect(weights()).toEqual([100, 0]);
    expect(lab.session.files()[0]?.text).toContain('subzet');
    expect(await versions(10)).toEqual({ v1: 10 });
  });

  it('explains a refused request down to the line that caused it', async () => {
    const broken = rule([100, 0]).replace('subset: v1 }\n          weight: 100', 'subset: v9 }\n          weight: 100');
    const view = await apply(broken);
    expect(view.diagnostics.map(({ code }) => code)).toContain('IST0101');
    const request = await dispatch(lab.session, 'request.send', {});
    expect(request).toMatchObject({ status: 503, flags: ['NC'], destination: 'reviews', answeredBy: 'client-proxy' });
    const explanation = await dispatch(lab.session, 'request.explain', { request: request.id });
    const stop = explanation.hops[0]?.steps.find((step) => step.outcome === 'stopped');
    expect(stop).toMatchObject({ stage: 'cluster', location: { file: 'reviews.yaml', line: 17 } });
    expect(explanation.flags).toEqual([expect.objectContaining({ flag: 'NC' })]);
  });

  it('hears from the proxies that refuse a push, while the last good configuration serves', async () => {
    const hashed = rule([100, 0]).replace(
      '  host: reviews\n',
      '  host: reviews\n  trafficPolicy: { loadBalancer: { consistentHash: { httpHeaderName: x-user, ringHash: { minimumRingSize: 10000000 } } } }\n',
    );
    const view = await apply(hashed);
    expect(view.accepted).toBe(true);
    expect(view.effectiveMs).toBeUndefined();
    const refused = view.push?.proxies.filter((proxy) => proxy.state === 'nacked') ?? [];
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.error).toMatch(/outbound\|8080\|.*reviews.*minimum_ring_size \(10000000\) > maximum_ring_size/);
    expect(await versions(10)).toEqual({ v1: 10 });
    await dispatch(lab.session, 'yaml.undo', {});
    expect((await dispatch(lab.session, 'request.send', {})).status).toBe(503);
  });

  it('takes an apply back, text and mesh alike', async () => {
    const undone = await dispatch(lab.session, 'yaml.undo', {});
    expect(undone).toMatchObject({ accepted: true, push: { title: 'undo' } });
    expect(weights()).toEqual([100, 0]);
    expect(lab.session.files()[0]?.text).toContain('subset: v1 }\n          weight: 100');
    expect(await versions(10)).toEqual({ v1: 10 });
  });

  it('takes a change of the terminal back as well', async () => {
    await lab.type('kubectl delete virtualservice reviews');
    expect(weights()).toBeUndefined();
    await dispatch(lab.session, 'yaml.undo', {});
    expect(weights()).toEqual([100, 0]);
  });

  it('leaves an object in force that the text no longer names, and says so', async () => {
    const view = await apply(rule([100, 0]).split('---\n')[0] ?? '');
    expect(view.diagnostics).toEqual([expect.objectContaining({ code: 'MW0301', severity: 'info' })]);
    expect(weights()).toEqual([100, 0]);
  });

  it.skipIf(!kubectlPath)('lends its mesh to the real kubectl, and what that changes takes effect', async () => {
    const kubectl = kubectlWith((await dispatch(lab.session, 'kube.access', {})).kubeconfig);
    expect((await kubectl.run(['get', 'virtualservice', '-o', 'name'])).out).toBe(
      'virtualservice.networking.istio.io/reviews',
    );
    expect((await kubectl.run(['delete', 'virtualservice', 'reviews'])).code).toBe(0);
    kubectl.dispose();
    expect(weights()).toBeUndefined();
  });

  it('goes back to the start and keeps the text aside', async () => {
    await apply(rule([30, 70]));
    const state = await dispatch(lab.session, 'yaml.reset', {});
    expect(state.pushes).toEqual([]);
    expect(weights()).toBeUndefined();
    expect(state.files[0]?.text).toBe(lab.lab.start[0]?.text);
    const { files } = await dispatch(lab.session, 'yaml.restore', {});
    expect(files[0]?.text).toContain('weight: 70');
  });
});
