import { describe, expect, it } from 'vitest';
import { dispatch } from '#api/session';
import type { InsideView } from '#contract';
import { type RunningLab, runLab } from '../support/lab-runner.ts';
import { reviewsRules } from '../support/reviews-rules.ts';

const withLab = async (id: string, use: (running: RunningLab) => Promise<void>): Promise<void> => {
  const running = await runLab(id);
  try {
    await use(running);
  } finally {
    running.session.slowMotion.set(1);
    await running.stop();
  }
};

/** Looks inside after each event of the mesh until it shows what is wanted. */
async function sees(running: RunningLab, wanted: (view: InsideView) => boolean, what: string): Promise<InsideView> {
  let view = await dispatch(running.session, 'clock.inside', {});
  const deadline = performance.now() + 20_000;
  while (!wanted(view)) {
    if (performance.now() > deadline) throw new Error(`not seen: ${what}; last ${JSON.stringify(view)}`);
    await new Promise((resolve) => setImmediate(resolve));
    view = await dispatch(running.session, 'clock.inside', {});
  }
  return view;
}

describe('slow motion', () => {
  it('shows requests that wait in a pool’s queue, with its limits', async () => {
    await withLab('pools-and-overflow', async (running) => {
      for (const step of running.lab.spec.solution) if ('apply' in step) await running.step(step);
      const traffic = running.lab.spec.traffic[0]?.id ?? '';
      running.session.slowMotion.set(0.1);
      const burst = running.session.traffic.batch(traffic, 105, { atOnce: 105 });
      const view = await sees(running, ({ pools }) => pools.some(({ waiting }) => waiting > 0), 'a queue');
      const pool = view.pools.find(({ waiting }) => waiting > 0);
      expect(pool).toMatchObject({ to: 'payments', limits: { connections: 100, waiting: 10 } });
      expect(pool?.connections).toBeLessThanOrEqual(100);
      expect(view.rate).toBe(0.1);
      await sees(running, ({ lagMs }) => lagMs > 200, 'the clock falls behind');
      running.session.slowMotion.set(1);
      const sent = await burst;
      expect(sent).toHaveLength(105);
    });
  }, 60_000);

  it('step by step, a push reaches one proxy before the other, and a request in between goes by what its caller’s proxy has', async () => {
    await withLab('canary', async (running) => {
      const { session } = running;
      const rules = (subset: string): { file: string; text: string } => ({
        file: 'reviews.yaml',
        text: reviewsRules(`    - route: [{ destination: { host: reviews, subset: ${subset} } }]\n`),
      });
      await running.apply([rules('v1')]);
      session.slowMotion.set(0);
      const applied = running.apply([rules('v2')]);
      let view = await dispatch(session, 'clock.inside', {});
      const states = (): string[] => view.push?.proxies.map(({ state }) => state) ?? [];
      for (let steps = 0; steps < 200; steps++) {
        view = await dispatch(session, 'clock.step', {});
        if (states().some((state) => state === 'acked') && states().some((state) => state === 'waits')) break;
      }
      expect(states()).toContain('acked');
      expect(states()).toContain('waits');
      expect(view.happened.some((text) => text.includes('ACK') || text.includes('arrives'))).toBe(true);
      // The clock stands still between the two: who has the push routes by it, who waits routes as before.
      const frontend = view.push?.proxies.find(({ pod }) => pod.startsWith('frontend'));
      const between = await session.traffic.send(running.lab.spec.traffic[0]?.id ?? '');
      expect(between.headers['x-version']).toBe(frontend?.state === 'acked' ? 'v2' : 'v1');
      session.slowMotion.set(1);
      expect((await applied).accepted).toBe(true);
      const done = await sees(
        running,
        ({ push }) => push?.proxies.every(({ state }) => state === 'acked') === true,
        'ACKs',
      );
      const acked = done.push?.proxies.filter(({ state }) => state === 'acked') ?? [];
      expect(acked.length).toBeGreaterThan(1);
      expect(new Set(acked.map(({ afterMs }) => afterMs)).size).toBeGreaterThan(1);
    });
  }, 60_000);

  it('shows an ejected endpoint and for how long it has been out', async () => {
    await withLab('outlier-ejection', async (running) => {
      const apply = running.lab.spec.solution.filter((step) => 'apply' in step);
      for (const step of apply.slice(0, 2)) await running.step(step);
      const traffic = running.lab.spec.traffic[0]?.id ?? '';
      running.session.slowMotion.set(0.1);
      void running.session.traffic.batch(traffic, 60, { atOnce: 6 });
      const view = await sees(running, ({ ejected }) => ejected.length > 0, 'an ejection');
      expect(view.ejected[0]).toMatchObject({ to: 'inventory', baseMs: 2000 });
      const later = await sees(running, ({ ejected }) => (ejected[0]?.outMs ?? 0) > 20, 'time passes');
      expect(later.ejected[0]?.outMs).toBeLessThan(10_000);
    });
  }, 60_000);
});
