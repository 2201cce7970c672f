import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ServerEvent } from '#contract';
import { createEnvoyProxy, findEnvoy } from '#envoy';
import { hostPort } from '#sandbox';
import { root, runLab } from '../support/lab-runner.ts';

const LAB_MS = 300_000;

/** All that there are. Four ask so soon after a change of a listener that open connections still serve as before (README, the last line). */
const LABS = readdirSync(join(root, 'labs'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** The learner's own client of xDS, which refuses what the learner tells it to. */
const PROBE = 'probe';

const refused = (events: readonly ServerEvent[]): string[] =>
  events
    .flatMap((event) => (event.type === 'push' ? event.push.proxies : []))
    .flatMap(({ pod, state, error = '' }) => (state === 'nacked' && pod !== PROBE ? [`${pod}: ${error}`] : []));

it.each(LABS)(
  'real Envoys in the place of all proxies meet each check of lab %s by its solution',
  async (id) => {
    const make = createEnvoyProxy({ program: findEnvoy() ?? '', hostPort });
    const running = await runLab(id, { proxyFor: () => make });
    try {
      for (const step of running.lab.spec.solution) await running.step(step);
      expect(running.session.checks.met()).toEqual(running.lab.spec.checks.map((check) => check.id));
      expect(refused(running.events)).toEqual([]);
    } finally {
      await running.stop();
    }
  },
  LAB_MS,
);
