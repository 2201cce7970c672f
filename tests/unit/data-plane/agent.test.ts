import { expect, it } from 'vitest';
import { seededRandom } from '#domain';
import { Agent } from '../../../server/data-plane/agent/agent.ts';
import { SecretStore } from '../../../server/data-plane/agent/secret-store.ts';
import { createTestCa } from '../../mesh/data-plane-harness.ts';
import { createFakeClock } from './fake-clock.ts';

it('renews the certificate at about half of its life with a new key, and keeps the old one while the CA refuses', async () => {
  const ca = await createTestCa();
  const clock = createFakeClock(Date.now());
  const secrets = new SecretStore();
  const csrs: string[] = [];
  let refuse = false;
  let settle: () => void = () => undefined;
  const agent = new Agent({
    spiffeId: 'spiffe://cluster.local/ns/default/sa/a',
    token: () => 't',
    settings: {},
    secrets,
    clock,
    random: seededRandom(1),
    signer: {
      sign: (csr, token) => {
        csrs.push(csr);
        return refuse ? Promise.reject(new Error('closed')) : ca.sign(csr, token);
      },
    },
    onLog: () => settle(),
  });
  const logged = (): Promise<void> => new Promise((resolve) => (settle = resolve));
  await agent.start(new AbortController().signal);
  const first = secrets.certificate('default');

  // The test's certificates live for 61 minutes, one of which is over.
  clock.advance(26 * 60_000);
  expect(csrs).toHaveLength(1);
  refuse = true;
  let next = logged();
  clock.advance(7 * 60_000);
  await next;
  expect(secrets.certificate('default')).toBe(first);

  refuse = false;
  next = logged();
  clock.advance(1000);
  await next;
  expect(secrets.certificate('default')?.keyPem).not.toBe(first?.keyPem);
  expect(new Set(csrs).size).toBe(csrs.length);
  agent.stop();
  expect(clock.pending).toBe(0);
});

it.each([
  ['half of its life, a hundredth earlier or later, unless told', {}, [49, 51]],
  ['SECRET_GRACE_PERIOD_RATIO before the end', { gracePeriodRatio: 0.2, gracePeriodJitter: 0 }, [80, 80]],
  [
    'as much earlier or later as SECRET_GRACE_PERIOD_RATIO_JITTER',
    { gracePeriodRatio: 0.5, gracePeriodJitter: 0.3 },
    [20, 80],
  ],
  ['no later than the end', { gracePeriodRatio: 0, gracePeriodJitter: 0.4 }, [60, 100]],
  ['at once, as nobody should want it', { gracePeriodRatio: 2, gracePeriodJitter: 0 }, [0, 0]],
] as const)('renews a certificate at %s', async (_when, settings, [earliest, latest]) => {
  const ca = await createTestCa();
  const shares: number[] = [];
  for (let seed = 0; seed < 40; seed++) {
    const clock = createFakeClock(Date.now());
    const planned: number[] = [];
    const secrets = new SecretStore();
    const agent = new Agent({
      spiffeId: 'spiffe://cluster.local/ns/default/sa/a',
      token: () => 't',
      settings,
      secrets,
      clock: {
        ...clock,
        now: () => clock.now(),
        after: (ms, run) => {
          planned.push(ms);
          return clock.after(ms, run);
        },
      },
      random: seededRandom(seed),
      signer: ca,
      onLog: () => undefined,
    });
    await agent.start(new AbortController().signal);
    agent.stop();
    const [{ notAfter = '' } = {}] = secrets.list();
    shares.push((100 * (planned[0] ?? 0)) / (Date.parse(notAfter) - clock.now()));
  }
  expect(Math.min(...shares)).toBeGreaterThanOrEqual(earliest - 0.1);
  expect(Math.max(...shares)).toBeLessThanOrEqual(latest + 0.1);
  // They do not all come at once.
  expect(Math.max(...shares) - Math.min(...shares)).toBeGreaterThanOrEqual((latest - earliest) * 0.7);
});
