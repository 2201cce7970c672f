import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dispatch } from '#api/session';
import type { LabFile } from '#labs';
import { type RunningLab, runLab } from '../support/lab-runner.ts';
import { sharedReviews } from '../support/reviews-rules.ts';

const rules = (v1: number, v2: number, second?: string): LabFile => ({
  file: 'reviews.yaml',
  text: sharedReviews(v1, v2, second),
});

/** Sends as the lab's steady traffic does, so that there is something to send again. */
async function send(running: RunningLab, count: number): Promise<void> {
  const traffic = running.lab.spec.traffic[0]?.id ?? '';
  await running.session.traffic.batch(traffic, count, { atOnce: 4 });
}

describe('time travel in the canary lab', () => {
  let running: RunningLab;
  beforeAll(async () => {
    running = await runLab('canary');
    await running.apply([rules(100, 0)]);
    await running.apply([rules(90, 10)]);
    await running.type('kubectl label service reviews team=books');
    await running.apply([rules(50, 50, 'v7')]);
    await running.apply([rules(20, 80, 'v7')]);
    await send(running, 60);
  }, 60_000);
  afterAll(() => running.stop());

  it('numbers every apply, of the editor and of the terminal, and shows what each changed', async () => {
    expect(running.session.applies.pushes().map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
    const second = await dispatch(running.session, 'time.moment', { push: 2 });
    expect(second.files).toEqual([rules(90, 10)]);
    expect(second.changed.map(({ kind, name }) => `${kind}/${name}`)).toEqual(['VirtualService/reviews']);
    expect(second.changed[0]?.before).toContain('weight: 100');
    expect(second.changed[0]?.after).toContain('weight: 90');
    expect(second.since.map(({ kind, name }) => `${kind}/${name}`).sort()).toEqual([
      'Service/reviews',
      'VirtualService/reviews',
    ]);
    const third = await dispatch(running.session, 'time.moment', { push: 3 });
    expect(third.changed[0]?.after).toContain('team: books');
    const start = await dispatch(running.session, 'time.moment', { push: 0 });
    expect(start).toMatchObject({ push: 0, newest: 5, changed: [] });
  });

  it('sends the same requests under two pushes to meshes of their own, and tells which came out differently', async () => {
    const view = await dispatch(running.session, 'time.replay', { from: 1, to: 4, requests: 40 });
    expect(view.before).toMatchObject({ requests: 40, failed: 0, statuses: { 200: 40 } });
    expect(view.before.versions['reviews v2']).toBeUndefined();
    expect(view.after.failed).toBeGreaterThan(8);
    const failed = view.rows.filter(({ after }) => after.status !== 200);
    expect(failed).toHaveLength(view.after.failed);
    for (const { differs, after } of failed) {
      expect(differs).toContain('answer');
      expect(after.calls.some(({ to, status, flags }) => to === 'reviews' && status === 503 && flags[0] === 'NC')).toBe(
        true,
      );
    }
  }, 60_000);

  it('the same push twice comes out the same for every request', async () => {
    const view = await dispatch(running.session, 'time.replay', { from: 2, to: 2, requests: 60 });
    expect(view.rows.filter(({ differs }) => differs.includes('way') || differs.includes('answer'))).toEqual([]);
    expect(view.before.versions['reviews v2']).toBeGreaterThan(0);
  }, 60_000);

  it('finds the push that broke it, by the share of failures', async () => {
    const view = await dispatch(running.session, 'bisect.start', {
      good: 0,
      bad: 5,
      judge: { by: 'failures', atMost: 0 },
      requests: 30,
    });
    expect(view.found).toMatchObject({ push: 4, title: 'reviews' });
    expect(view.found?.changed[0]?.after).toContain('subset: v7');
  }, 90_000);

  it('finds it by the learner’s own word, and says when nothing is broken', async () => {
    const { session } = running;
    let view = await dispatch(session, 'bisect.start', { good: 1, bad: 5, judge: { by: 'learner' }, requests: 10 });
    while (view.asked !== undefined) {
      view = await dispatch(session, 'bisect.mark', { verdict: view.asked >= 4 ? 'bad' : 'good' });
    }
    expect(view.found?.push).toBe(4);
    expect(view.tries.every(({ verdict }) => verdict !== 'asked')).toBe(true);
    const fine = await dispatch(session, 'bisect.start', {
      good: 0,
      bad: 2,
      judge: { by: 'failures', atMost: 0 },
      requests: 10,
    });
    expect(fine).toMatchObject({ stuck: expect.stringContaining('Push 2 is good') });
  }, 90_000);

  it('a check of the lab can decide', async () => {
    const { session } = running;
    const judge = { by: 'check', check: 'share' } as const;
    const view = await dispatch(session, 'bisect.start', { good: 2, bad: 5, judge, requests: 5 });
    expect(view.found?.push).toBe(4);
    expect(view.tries[0]).toMatchObject({ push: 2, verdict: 'good' });
    const none = await dispatch(session, 'bisect.start', { good: 1, bad: 0, judge, requests: 5 });
    expect(none.stuck).toBe('There is no push between these two.');
  }, 90_000);

  it('makes a push current again as a new push, in the mesh and in the editor', async () => {
    const view = await dispatch(running.session, 'time.restore', { push: 2 });
    expect(view.accepted).toBe(true);
    expect(view.objects.map(({ kind, name }) => `${kind}/${name}`).sort()).toEqual([
      'Service/reviews',
      'VirtualService/reviews',
    ]);
    expect(running.session.applies.pushes().at(-1)).toMatchObject({ number: 6, title: 'back to push 2' });
    const service = running.session.sandbox.store.get('Service', { namespace: 'default', name: 'reviews' });
    expect(service?.metadata.labels?.['team']).toBeUndefined();
    expect(running.session.files().find(({ readOnly }) => !readOnly)?.text).toBe(rules(90, 10).text);
    const sent = await running.session.traffic.batch(running.lab.spec.traffic[0]?.id ?? '', 40, {});
    expect(sent.every(({ status }) => status === 200)).toBe(true);
    const undone = await dispatch(running.session, 'yaml.undo', {});
    expect(undone.accepted).toBe(true);
    expect(running.session.files().find(({ readOnly }) => !readOnly)?.text).toBe(rules(20, 80, 'v7').text);
  });
});

describe('predict, then run', () => {
  it('lays the run over what was said, for statuses, split and latency, with what nobody expected', async () => {
    const running = await runLab('canary');
    try {
      await running.apply([rules(90, 10)]);
      const view = await dispatch(running.session, 'forecast.run', {
        traffic: running.lab.spec.traffic[0]?.id ?? '',
        requests: 200,
        atOnce: 4,
        statuses: { 200: 100 },
        split: { service: 'reviews', versions: { v1: 50, v2: 50 } },
        p50: 60_000,
      });
      const line = (id: string) => view.lines.find((one) => one.id === id);
      expect(view.requests).toBe(200);
      expect(line('status:200')).toMatchObject({ said: 100, was: 100, close: true });
      expect(line('split:reviews v1')).toMatchObject({ said: 50, close: false });
      expect(line('split:reviews v1')?.was).toBeGreaterThan(80);
      expect(line('latency:p50')).toMatchObject({ said: 60_000, unit: 'ms', close: false });
      await running.apply([rules(0, 100, 'v9')]);
      const broken = await dispatch(running.session, 'forecast.run', {
        traffic: running.lab.spec.traffic[0]?.id ?? '',
        requests: 20,
        atOnce: 4,
        statuses: { 200: 100 },
      });
      expect(broken.lines).toEqual([
        { id: 'status:200', name: '200', kind: 'status', unit: '%', said: 100, was: 0, close: false },
        { id: 'status:503', name: '503', kind: 'status', unit: '%', said: 0, was: 100, close: false },
      ]);
    } finally {
      await running.stop();
    }
  });
});
