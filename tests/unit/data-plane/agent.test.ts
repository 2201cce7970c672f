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
