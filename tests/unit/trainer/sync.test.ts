import { describe, expect, it } from 'vitest';
import type { LogEntry } from '#contract';
import { openLearnerStore } from '#learners';
import { pageStore } from '../../../src/islands/cards/log-store.ts';
import { foldLog } from '../../../src/islands/cards/schedule.ts';
import { type LogServer, syncLog } from '../../../src/islands/cards/sync.ts';
import { day, minute, review, scheduler, start } from './support.ts';

/** The lab server's own store as one learner's browsers see it. */
function serverOf(learner: string): LogServer & { fail: boolean } {
  const store = openLearnerStore({ file: ':memory:', nowMs: () => start });
  const server = {
    learner,
    fail: false,
    exchange: async ({ entries, after }: { entries: readonly LogEntry[]; after: number }) => {
      if (server.fail) throw new Error('the cable is out');
      return store.log.exchange(learner, entries, after);
    },
  };
  return server;
}

const idsOf = async (store: ReturnType<typeof pageStore>) => (await store.all()).map(({ id }) => id).toSorted();

describe('joining two devices', () => {
  it('loses no review when both were used while they were offline', async () => {
    const server = serverOf('one');
    const [phone, laptop] = [pageStore(), pageStore()];
    await phone.add([review('pod:meaning', start, 3), review('mtls:meaning', start, 1)]);
    await laptop.add([review('pod:meaning', start + 10 * minute, 3, 1), review('ack:say', start + day, 2)]);
    expect(await syncLog(phone, server)).toEqual({ received: 0, sent: 2 });
    expect(await syncLog(laptop, server)).toEqual({ received: 2, sent: 2 });
    expect(await syncLog(phone, server)).toEqual({ received: 2, sent: 0 });
    expect(await idsOf(phone)).toEqual(await idsOf(laptop));
    const [a, b] = [foldLog(await phone.all(), scheduler), foldLog(await laptop.all(), scheduler)];
    expect(a).toEqual(b);
    expect(a.get('pod:meaning')?.scheduled_days).toBe(2);
  });

  it('has nothing more to say when nothing happened', async () => {
    const server = serverOf('one');
    const phone = pageStore();
    await phone.add([review('pod:meaning', start, 3)]);
    await syncLog(phone, server);
    expect(await syncLog(phone, server)).toEqual({ received: 0, sent: 0 });
  });

  it('takes a grade back on the other device as well', async () => {
    const server = serverOf('one');
    const [phone, laptop] = [pageStore(), pageStore()];
    const wrong = review('pod:meaning', start, 1);
    await phone.add([wrong]);
    await syncLog(phone, server);
    await syncLog(laptop, server);
    await laptop.add([{ kind: 'undo', id: 'u1', of: wrong.id, atMs: start + minute }]);
    await syncLog(laptop, server);
    await syncLog(phone, server);
    expect(foldLog(await phone.all(), scheduler).size).toBe(0);
  });

  it('sends again what was not answered', async () => {
    const server = serverOf('one');
    const phone = pageStore();
    await phone.add([review('pod:meaning', start, 3)]);
    server.fail = true;
    await expect(syncLog(phone, server)).rejects.toThrow('the cable is out');
    server.fail = false;
    expect(await syncLog(phone, server)).toEqual({ received: 0, sent: 1 });
  });

  it('brings everything to a server that has never seen it, as another learner or with a new database', async () => {
    const phone = pageStore();
    await phone.add([review('pod:meaning', start, 3)]);
    await syncLog(phone, serverOf('one'));
    const other = serverOf('two');
    expect(await syncLog(phone, other)).toEqual({ received: 0, sent: 1 });
    const laptop = pageStore();
    await syncLog(laptop, other);
    expect(await idsOf(laptop)).toEqual(await idsOf(phone));
  });

  it('joins 12,000 entries in parts', async () => {
    const server = serverOf('one');
    const [phone, laptop] = [pageStore(), pageStore()];
    await phone.add(Array.from({ length: 12_000 }, (_, index) => review('pod:meaning', start + index, 3)));
    expect(await syncLog(phone, server)).toEqual({ received: 0, sent: 12_000 });
    expect(await syncLog(laptop, server)).toEqual({ received: 12_000, sent: 0 });
  });
});
