import { expect, it } from 'vitest';
import { createEnvoyProxy, findEnvoy } from '#envoy';
import { hostPort } from '#sandbox';
import { runLab } from '../support/lab-runner.ts';

const LAB_MS = 180_000;

/**
 * Labs whose checks ask for what a real Envoy tells: answers, hops, routes. Others read what it does not tell: counters of proxies while a
 * batch runs, handshakes, Istio's own metrics.
 */
const LABS = ['canary', 'first-match-wins', 'flags-tell-the-story', 'gateway-api', 'gateway-tls', 'ingress-hosts'];

it.each(LABS)(
  'real Envoys in the place of all proxies meet each check of lab %s by its solution',
  async (id) => {
    const make = createEnvoyProxy({ program: findEnvoy() ?? '', hostPort });
    const running = await runLab(id, { proxyFor: () => make });
    try {
      for (const step of running.lab.spec.solution) await running.step(step);
      expect(running.session.checks.met()).toEqual(running.lab.spec.checks.map((check) => check.id));
    } finally {
      await running.stop();
    }
  },
  LAB_MS,
);
