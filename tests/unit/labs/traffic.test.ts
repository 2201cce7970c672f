import { describe, expect, it } from 'vitest';
import { createTraffic } from '#labs';
import { createFakeSandbox, reply } from '../../support/fake-sandbox.ts';
import { lab, readers } from './support.ts';

const outside = {
  ...readers,
  id: 'outside',
  from: 'outside' as const,
  url: 'http://ingress/productpage?a=1',
  headers: { 'end-user': 'jason' },
};

function start(specs: readonly object[] = [readers]) {
  const sandbox = createFakeSandbox();
  sandbox.addPod({ name: 'frontend-1', labels: { app: 'frontend', version: 'v1' } });
  return { sandbox, traffic: createTraffic(lab({ traffic: specs }).traffic, sandbox) };
}

const traceIds = ({ sandbox }: ReturnType<typeof start>): string[] =>
  sandbox.requests.map(({ init }) => init.headers?.['traceparent']?.split('-')[1] ?? '');

describe('steady traffic', () => {
  it('sends at the pace asked for, on the clock of the lab', async () => {
    const { sandbox, traffic } = start();
    traffic.set('readers', true);
    await sandbox.clock.run(20_000);
    expect(sandbox.requests.length).toBeGreaterThan(150);
    expect(sandbox.requests.length).toBeLessThan(250);
    const before = sandbox.requests.length;
    traffic.set('readers', false);
    await sandbox.clock.run(1000);
    expect(sandbox.requests).toHaveLength(before);
    expect(traffic.states()).toEqual([{ id: 'readers', title: 'Readers', running: false, rps: 10 }]);
  });

  it('changes its pace while it runs', async () => {
    const { sandbox, traffic } = start();
    traffic.set('readers', true);
    traffic.set('readers', true, 100);
    await sandbox.clock.run(5000);
    expect(sandbox.requests.length).toBeGreaterThan(400);
    expect(traffic.states()[0]?.rps).toBe(100);
  });

  it('is the same for the same seed', async () => {
    const sent = [start(), start()].map(async (running) => {
      running.traffic.set('readers', true);
      await running.sandbox.clock.run(2000);
      return traceIds(running);
    });
    const [first, second] = await Promise.all(sent);
    expect(first).toEqual(second);
    expect(new Set(first).size).toBe(first?.length);
  });

  it('holds a bounded number of requests open', async () => {
    const { sandbox, traffic } = start();
    sandbox.answer = () => new Promise(() => undefined);
    traffic.set('readers', true, 200);
    await sandbox.clock.run(5000);
    expect(sandbox.requests).toHaveLength(200);
  });

  it('refuses traffic that the lab does not have', () => {
    expect(() => start().traffic.set('frogs', true)).toThrow('The lab has no traffic "frogs".');
  });
});

describe('a request', () => {
  it('starts a trace and is sent from the pod that the labels choose', async () => {
    const { sandbox, traffic } = start();
    const sent = await traffic.send('readers', { path: '/reviews/1', headers: { a: 'b' } });
    expect(sent).toMatchObject({ status: 200, headers: {} });
    expect(sandbox.requests).toMatchObject([
      {
        from: 'frontend-1',
        url: 'http://reviews:8080/reviews/1',
        init: { method: 'GET', timeoutMs: 15_000, headers: { a: 'b', 'user-agent': 'meshwork-traffic' } },
      },
    ]);
    expect(sandbox.requests[0]?.init.headers?.['traceparent']).toMatch(
      new RegExp(`^00-${sent.traceId}-[0-9a-f]{16}-01$`),
    );
  });

  it('enters through the ingress gateway from outside', async () => {
    const { sandbox, traffic } = start([outside]);
    await traffic.send('outside');
    expect(sandbox.requests).toMatchObject([
      { from: 'outside', url: 'http://127.0.0.9:80/productpage?a=1', init: { headers: { 'end-user': 'jason' } } },
    ]);
    sandbox.ingress = undefined;
    expect(await traffic.send('outside')).toMatchObject({ status: 0 });
  });

  it('counts as unanswered when it fails or when its pod is gone', async () => {
    const { sandbox, traffic } = start();
    sandbox.answer = () => Promise.reject(new Error('reset'));
    expect(await traffic.send('readers')).toMatchObject({ status: 0, headers: {} });
    sandbox.pods.length = 0;
    expect(await traffic.send('readers')).toMatchObject({ status: 0 });
  });
});

describe('several pods with the labels', () => {
  it('send in turn', async () => {
    const { sandbox, traffic } = start();
    sandbox.addPod({ name: 'frontend-2', labels: { app: 'frontend' } });
    await traffic.batch('readers', 10, { atOnce: 1 });
    const senders = sandbox.requests.map(({ from }) => from);
    expect(senders.filter((from) => from === senders[0])).toHaveLength(5);
    expect(new Set(senders).size).toBe(2);
  });
});

describe('a batch', () => {
  it('sends its requests a few at a time', async () => {
    const { sandbox, traffic } = start();
    let open = 0;
    let most = 0;
    sandbox.answer = async () => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setImmediate(resolve));
      open -= 1;
      return reply(200);
    };
    const sent = await traffic.batch('readers', 50, { headers: { 'x-test': 'abort' } });
    expect(sent).toHaveLength(50);
    expect(most).toBe(8);
    expect(sandbox.requests.every(({ init }) => init.headers?.['x-test'] === 'abort')).toBe(true);
  });

  it('opens as many at once as it is told to, or one at each beat of a pace', async () => {
    const { sandbox, traffic } = start();
    const answers: (() => void)[] = [];
    sandbox.answer = () => new Promise((resolve) => answers.push(() => resolve(reply(200))));
    const burst = traffic.batch('readers', 130, { atOnce: 130, path: '/other' });
    await sandbox.clock.run(1);
    expect(answers).toHaveLength(130);
    expect(sandbox.requests[0]?.url).toBe('http://reviews:8080/other');
    for (const answer of answers) answer();
    await burst;
    sandbox.answer = () => reply(200);
    const paced = traffic.batch('readers', 20, { rps: 100 });
    await sandbox.clock.run(95);
    const inTenBeats = sandbox.requests.length - 130;
    expect(inTenBeats >= 9 && inTenBeats <= 10).toBe(true);
    await sandbox.clock.run(200);
    expect(await paced).toHaveLength(20);
  });

  it('holds the steady traffic, which goes on afterwards', async () => {
    const { sandbox, traffic } = start([readers, outside]);
    traffic.set('readers', true, 100);
    traffic.set('outside', true, 100);
    await sandbox.clock.run(200);
    const before = sandbox.requests.length;
    const answers: (() => void)[] = [];
    sandbox.answer = () => new Promise((resolve) => answers.push(() => resolve(reply(200))));
    const batch = traffic.batch('readers', 5, {});
    await sandbox.clock.run(2000);
    expect(sandbox.requests).toHaveLength(before + 5);
    expect(traffic.states().map(({ running }) => running)).toEqual([true, true]);
    for (const answer of answers) answer();
    await batch;
    sandbox.answer = () => reply(200);
    await sandbox.clock.run(1000);
    expect(sandbox.requests.length).toBeGreaterThan(before + 100);
  });

  it('begins after the steady requests that are still open', async () => {
    const { sandbox, traffic } = start();
    let answer = (): void => undefined;
    sandbox.answer = () => new Promise((resolve) => (answer = () => resolve(reply(200))));
    traffic.set('readers', true);
    sandbox.answer = () => reply(200);
    const batch = traffic.batch('readers', 1, {});
    await sandbox.clock.run(100);
    expect(sandbox.requests).toHaveLength(1);
    answer();
    expect(await batch).toHaveLength(1);
  });

  it('does not wait longer than a second for them', async () => {
    const { sandbox, traffic } = start();
    sandbox.answer = () => new Promise(() => undefined);
    traffic.set('readers', true);
    sandbox.answer = () => reply(200);
    const batch = traffic.batch('readers', 1, {});
    await sandbox.clock.run(1100);
    expect(await batch).toHaveLength(1);
  });

  it('draws the same trace ids whatever the steady traffic has drawn', async () => {
    const quiet = start();
    const busy = start();
    busy.traffic.set('readers', true, 100);
    await busy.sandbox.clock.run(1000);
    const [first, second] = [await quiet.traffic.batch('readers', 10, {}), await busy.traffic.batch('readers', 10, {})];
    expect(first.map(({ traceId }) => traceId)).toEqual(second.map(({ traceId }) => traceId));
  });

  it('has trace ids of its own, so that no earlier batch is counted with it', async () => {
    const { traffic } = start();
    const ids = [...(await traffic.batch('readers', 5, {})), ...(await traffic.batch('readers', 5, {}))];
    expect(new Set(ids.map(({ traceId }) => traceId)).size).toBe(10);
  });

  it('ends when the traffic is stopped', async () => {
    const { sandbox, traffic } = start();
    sandbox.answer = () => {
      if (sandbox.requests.length === 10) traffic.stop();
      return reply(200);
    };
    expect((await traffic.batch('readers', 1000, {})).length).toBeLessThan(30);
  });
});
