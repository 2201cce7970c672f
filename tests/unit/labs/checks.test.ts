import { describe, expect, it } from 'vitest';
import { createChecks, createTraffic, detectWrong, nextHint } from '#labs';
import { createFakeSandbox, reply } from '../../support/fake-sandbox.ts';
import { check, hop, lab, readers } from './support.ts';

const LABEL = (label: string) => ({ namespaceLabel: { namespace: 'default', label, value: 'yes' } });
const BATCH = (...expected: object[]) => ({ batch: { traffic: 'readers', requests: 4, expect: expected } });

function start(
  checks: readonly object[],
  more: Readonly<Record<string, unknown>> = {},
  setPace?: (share: number) => void,
) {
  const sandbox = createFakeSandbox();
  sandbox.addPod({ name: 'frontend-1', labels: { app: 'frontend' } });
  const spec = lab({ checks, traffic: [readers], ...more });
  const traffic = createTraffic(spec.traffic, sandbox);
  const context = { sandbox, podsAtStart: new Set<string>(), pushedVersions: new Map<string, string>() };
  const news: string[][] = [];
  const seen: string[] = [];
  const created = createChecks({
    specs: spec.checks,
    context: () => context,
    traffic: () => traffic,
    alreadyMet: [],
    ...(setPace && { setPace }),
    onChange: (views, newlyMet) => {
      if (newlyMet.length > 0) news.push(newlyMet);
      seen.push(views.map(({ state }) => state).join(' '));
    },
  });
  const label = (name: string, value: string | null = 'yes'): void => {
    const patch = { metadata: { labels: { [name]: value } } };
    sandbox.store.patch('Namespace', { namespace: '', name: 'default' }, patch, { changeId: 'test' });
  };
  return { sandbox, spec, context, checks: created, news, seen, label };
}

const states = ({ checks }: ReturnType<typeof start>) => checks.views().map(({ state }) => state);

describe('checks of a state', () => {
  it('are met as soon as the state is seen, and open the next', () => {
    const running = start([check('a', LABEL('a')), check('b', LABEL('b'), { needs: ['a'] })]);
    running.checks.observe();
    expect(states(running)).toEqual(['unmet', 'waiting']);
    running.label('b');
    running.checks.observe();
    expect(states(running)).toEqual(['unmet', 'waiting']);
    running.label('a');
    running.checks.observe();
    expect(states(running)).toEqual(['met', 'met']);
    expect(running.news).toEqual([['a'], ['b']]);
    expect(running.checks.next()).toBeUndefined();
  });

  it('say no longer what was missing once they are met', async () => {
    const running = start([check('a', LABEL('a'))]);
    expect((await running.checks.run())[0]?.seen).toContain('has no label a');
    running.label('a');
    running.checks.observe();
    expect(running.checks.views()[0]).toMatchObject({ state: 'met' });
    expect(running.checks.views()[0]?.seen).toBeUndefined();
  });

  it('stay met when a later step undoes the state', () => {
    const running = start([check('a', LABEL('a'))]);
    running.label('a');
    running.checks.observe();
    running.label('a', null);
    running.checks.observe();
    expect(running.checks.met()).toEqual(['a']);
    running.checks.reset();
    expect(states(running)).toEqual(['unmet']);
  });

  it('send no request while they are observed', () => {
    const running = start([check('a', BATCH({ status: 200, min: 4 }))]);
    running.checks.observe();
    expect(running.sandbox.requests).toEqual([]);
  });
});

describe('checks with batches', () => {
  it('are met by their outcomes and say what was seen', async () => {
    const running = start([
      check('a', BATCH({ status: 200, min: 4 })),
      check('b', BATCH({ status: 200, max: 0 }), { needs: ['a'] }),
    ]);
    const views = await running.checks.run();
    expect(views.map(({ state, seen }) => [state, seen])).toEqual([
      ['met', '4 of 4 answered 200.'],
      ['unmet', '4 of 4 answered 200.'],
    ]);
    expect(running.seen).toContain('running waiting');
    expect(running.sandbox.requests).toHaveLength(8);
  });

  it('send nothing before the mesh is in their state', async () => {
    const running = start([check('a', { all: [LABEL('a'), BATCH({ status: 200, min: 4 })] })]);
    const [view] = await running.checks.run();
    const seen = 'The mesh is not in the state that this check is about yet. The namespace default has no label a.';
    expect(view).toMatchObject({ state: 'unmet', seen });
    expect(running.sandbox.requests).toEqual([]);
    running.label('a');
    expect((await running.checks.run())[0]?.state).toBe('met');
  });

  it('send nothing before the proxies of the mesh have answered what was stored', async () => {
    const running = start([check('a', BATCH({ status: 200, min: 4 }))]);
    const push = Promise.withResolvers<boolean>();
    Object.assign(running.context, { sandbox: { ...running.sandbox, answered: () => push.promise } });
    const run = running.checks.run();
    await new Promise(setImmediate);
    expect(running.sandbox.requests).toEqual([]);
    push.resolve(true);
    expect((await run)[0]?.state).toBe('met');
  });

  /** A machine whose timers are `lateMs` late, and whose requests fail where that is more than 50 ms of the mesh's time. */
  function onBusyMachine(lateMs: number, paces: number[] | undefined) {
    const running = start([check('a', BATCH({ status: 200, min: 4 }))], {}, paces && ((share) => paces.push(share)));
    const { clock } = running.sandbox;
    const late = (): number => lateMs * (paces?.at(-1) ?? 1);
    const after: typeof clock.after = (delayMs, fire) => clock.after(delayMs + late(), fire);
    Object.assign(running.context, { sandbox: { ...running.sandbox, clock: { ...clock, after } } });
    running.sandbox.answer = () => {
      clock.advance(2 * lateMs);
      return reply(late() > 50 ? 503 : 200);
    };
    return running;
  }

  it('are sent again with a slower clock where they fail while the machine’s timers are late, and say so', async () => {
    const paces: number[] = [];
    const running = onBusyMachine(150, paces);
    const [view] = await running.checks.run();
    expect(view?.state).toBe('met');
    expect(view?.seen).toBe(
      "4 of 4 answered 200. Sent again with the lab's clock at 10 %. This machine's timers were 150 ms late.",
    );
    expect(paces.map((share) => share.toFixed(1))).toEqual(['0.1', '1.0']);
    expect(running.sandbox.requests).toHaveLength(8);
  });

  it('are not sent again where they fail on a machine whose timers are in time, or whose clock cannot be slowed', async () => {
    for (const running of [onBusyMachine(0, []), onBusyMachine(150, undefined)]) {
      running.sandbox.answer = () => {
        running.sandbox.clock.advance(300);
        return reply(503);
      };
      expect((await running.checks.run())[0]).toMatchObject({
        state: 'unmet',
        seen: '0 of 4 answered 200; 4 answered 503.',
      });
      expect(running.sandbox.requests).toHaveLength(4);
    }
  });

  it('wait for hops that are recorded after the answers', async () => {
    const running = start([check('a', BATCH({ call: { to: 'reviews', flag: 'DC' }, min: 4 }))]);
    const ids: string[] = [];
    running.sandbox.answer = (_url, init) => {
      ids.push(init.headers?.['traceparent']?.split('-')[1] ?? '');
      return reply(200);
    };
    const run = running.checks.run();
    await running.sandbox.clock.run(500);
    expect(states(running)).toEqual(['running']);
    for (const traceId of ids)
      running.sandbox.addHop(
        hop({
          traceId,
          spanId: traceId.slice(16),
          direction: 'outbound',
          service: 'cart',
          cluster: 'outbound|80||reviews.default',
          flags: ['DC'],
        }),
      );
    await running.sandbox.clock.run(100);
    expect((await run)[0]).toMatchObject({ state: 'met', seen: '4 of 4 called reviews with flag DC.' });
  });

  it('are sent again where a listener served some of them as before it changed, and no more than three times', async () => {
    const running = start([check('a', BATCH({ status: 403, min: 4 }))]);
    let former = 2;
    running.sandbox.answer = (_url, init) => {
      if (former-- <= 0) return reply(403);
      const traceId = init.headers?.['traceparent']?.split('-')[1] ?? '';
      const served = hop({ traceId, spanId: traceId.slice(16), direction: 'inbound', service: 'reviews' });
      const step = { stage: 'filter_chain', outcome: 'applied', name: '', evidence: { formerListener: true }, atMs: 0 };
      running.sandbox.addHop({ ...served, steps: [step] } as typeof served);
      return reply(200);
    };
    expect((await running.checks.run())[0]).toMatchObject({ state: 'met', seen: '4 of 4 answered 403.' });
    expect(running.sandbox.requests).toHaveLength(8);
    const wrong = start([check('a', BATCH({ status: 404, min: 4 }))]);
    wrong.sandbox.answer = running.sandbox.answer;
    expect((await wrong.checks.run())[0]?.state).toBe('unmet');
    expect(wrong.sandbox.requests).toHaveLength(4);
  });

  it('wait no longer than three seconds for them', async () => {
    const running = start([check('a', BATCH({ call: { to: 'reviews' }, min: 4 }))]);
    const run = running.checks.run();
    await running.sandbox.clock.run(3100);
    expect((await run)[0]).toMatchObject({ state: 'unmet', seen: '0 of 4 reached reviews.' });
  });

  it('begin when no pod is starting or leaving', async () => {
    const running = start([check('a', BATCH({ status: 200, min: 4 }))]);
    const { store, clock, requests } = running.sandbox;
    const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    store.create(
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'cart' },
        spec: { selector: { matchLabels: { a: 'b' } }, template },
      },
      { changeId: 'test' },
    );
    const run = running.checks.run();
    await clock.run(500);
    expect(requests).toEqual([]);
    const status = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 };
    store.updateStatus('Deployment', { namespace: 'default', name: 'cart' }, status, { changeId: 'test' });
    expect((await run)[0]?.state).toBe('met');
  });

  it('judge a mesh that does not come to rest as it is', async () => {
    const running = start([check('a', BATCH({ status: 200, min: 4 }))]);
    const [pod] = running.sandbox.pods;
    running.sandbox.store.delete('Pod', { namespace: 'default', name: pod?.name ?? '' }, { changeId: 'test' });
    const run = running.checks.run();
    await running.sandbox.clock.run(8100, 100);
    expect((await run)[0]?.state).toBe('met');
  });

  it('are not run twice at once', async () => {
    const running = start([check('a', BATCH({ status: 503, min: 4 }))]);
    const [first, second] = await Promise.all([running.checks.run(), running.checks.run()]);
    expect(first).toEqual(second);
    expect(running.sandbox.requests).toHaveLength(4);
  });

  it('judge nothing that a reset has swept away', async () => {
    const running = start([check('a', BATCH({ status: 200, min: 4 }))]);
    const run = running.checks.run();
    running.checks.reset();
    await run;
    expect(states(running)).toEqual(['unmet']);
  });
});

describe('checks that ask', () => {
  const question = { prompt: 'Which?', items: ['x', 'y'], choices: ['one', 'two'] };
  const asks = () => start([check('a', { answers: { x: 'one', y: 'two' } }, { question })]);

  it('are met by the right answers only', () => {
    const running = asks();
    expect(running.checks.views()[0]?.question).toEqual(question);
    expect(running.checks.answer('a', { x: 'one', y: 'one' })[0]).toMatchObject({
      state: 'unmet',
      seen: 'Not yet right: y.',
    });
    expect(running.checks.answer('a', { x: 'one' })[0]?.seen).toBe('Not yet right: y.');
    const [view] = running.checks.answer('a', { x: 'one', y: 'two' });
    expect(view).toMatchObject({ state: 'met' });
    expect(view).not.toHaveProperty('question');
  });

  it('are not met by a run, an observation or an answer to another check', async () => {
    const running = asks();
    running.checks.observe();
    await running.checks.run();
    running.checks.answer('nope', {});
    expect(states(running)).toEqual(['unmet']);
  });
});

describe('hints', () => {
  const wrong = { id: 'w', belief: 'Labels do it.', detect: LABEL('a'), question: 'Do they?' };

  it('climb the ladder of the first check that is open', () => {
    const { checks } = start([check('a', LABEL('a'))]);
    const hints = [0, 1, 2, 3].map((opened) => nextHint(checks.next(), opened, undefined));
    expect(hints.map((hint) => [hint?.number, hint?.of, hint?.text, hint?.last])).toEqual([
      [1, 3, 'first', false],
      [2, 3, 'second', false],
      [3, 3, 'third', true],
      [3, 3, 'third', true],
    ]);
    const seen = [0, 1, 2].map((opened) => nextHint(checks.next(), opened, undefined, 'Seen: 3 of 4.')?.text);
    expect(seen).toEqual(hints.slice(0, 3).map((hint, i) => (i < 2 ? `Seen: 3 of 4. ${hint?.text}` : hint?.text)));
    expect(nextHint(undefined, 0, undefined)).toBeUndefined();
  });

  it('ask about the belief behind a wrong answer that the mesh shows', () => {
    const running = start([check('b', LABEL('b'))], { wrong: [wrong] });
    expect(detectWrong(running.spec, running.context)).toBeUndefined();
    running.label('a');
    const found = detectWrong(running.spec, running.context);
    expect(nextHint(running.checks.next(), 1, found)).toEqual({
      number: 0,
      of: 3,
      text: 'Do they?',
      belief: 'Labels do it.',
      last: false,
    });
  });
});
