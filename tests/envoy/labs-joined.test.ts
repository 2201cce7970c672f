import { expect, it } from 'vitest';
import { createEnvoyProxy, findEnvoy } from '#envoy';
import { hostPort } from '#sandbox';
import { runLab } from '../support/lab-runner.ts';

const LAB_MS = 300_000;

/**
 * Labs whose checks ask for what a real Envoy tells: answers, hops, routes, counters, certificates that were shown, Istio's metrics of the agent,
 * or for when it leaves out hosts. Four ask so soon after a change of a listener that open connections still serve as before (the last line).
 */
const LABS = [
  ...['canary', 'double-encryption', 'envoy-objects', 'ext-authz', 'first-match-wins', 'flags-tell-the-story'],
  ...['gateway-api', 'gateway-tls', 'ingress-hosts', 'meet-the-mesh'],
  ...['certificates-rotate', 'locality-failover', 'outlier-ejection', 'pools-and-overflow'],
  ...['envoyfilter', 'jwt-claims', 'rogue-pod', 'zero-trust-pairs'],
  ...['inc-one-slow-pod', 'inc-slow-reviews'],
];

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
