import { expect, test } from 'vitest';
import type { SandboxView } from '#contract';
import { LabClient, LabError } from '../../../src/lab-client/index.ts';
import { HandTimers, HandTransport } from './by-hand.ts';

const text = {
  id: 'canary',
  title: 'Canary',
  day: 8,
  minutes: 20,
  incident: false,
  blame: false,
  steps: [],
  runbook: '',
};
const pods: Pick<SandboxView, 'steps' | 'pods'> = { steps: [], pods: [] };

test('what was asked while the mesh was away is said once: the word that it runs again takes its place', async () => {
  const transport = new HandTransport();
  const lab = new LabClient({
    text,
    view: { dock: 'req', panel: 'edit' },
    transport,
    timers: new HandTimers(),
    chance: () => 0,
    drafts: { read: () => [], write: () => true, clear: () => undefined },
    publish: () => undefined,
  });
  lab.start();
  await new Promise((done) => setImmediate(done));
  transport.events?.open();
  const checked = lab.runChecks();
  transport.say({ seq: 1, event: { type: 'sandbox', sandbox: { status: 'crashed', ...pods } } });
  const id = transport.sent.find(({ method }) => method === 'checks.run')?.id;
  const away = { code: 'sandbox_away', message: 'The mesh process ended (SIGKILL).', hint: 'It starts again.' };
  transport.say({ id, error: away });
  await checked;
  const said = () => lab.stores.toasts.get().map(({ text }) => text);
  expect(said()).toEqual(['The mesh process ended (SIGKILL). It starts again.']);
  transport.say({ seq: 2, event: { type: 'sandbox', sandbox: { status: 'running', startMs: 402.4, ...pods } } });
  expect(said()).toEqual(['The mesh ended and runs again, with your resources. It needed 402 ms.']);
  lab.fail(new LabError(away));
  transport.say({ seq: 3, event: { type: 'sandbox', sandbox: { status: 'stopped', ...pods } } });
  expect(said()).toEqual([]);
});
