import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { typeUrls } from '#xds';
import { loadPairs, type PairCase, type PairRequest } from '../envoy/support/pairs/case-file.ts';
import { ask } from '../envoy/support/pairs/client.ts';
import { startHosts, type TestHosts } from '../envoy/support/pairs/hosts.ts';
import { entriesAt } from '../envoy/support/pairs/log-entry.ts';
import { pairResources } from '../envoy/support/pairs/resources.ts';
import { createTestCa, type Pod, startPod, until } from './data-plane-harness.ts';
import { NET } from './own-network.ts';

/** Attacks on policies, with what a real Envoy did to each: `npm run test:envoy` compares, and here Envoy need not be installed. */
const cases = loadPairs().filter(({ name }) => /^(paths|authorization|tokens|ext-authz)-/.test(name));
const FIRST_PORT = 21_000;
const IP = `${NET}.1.30`;

describe('a request that policies judge', () => {
  let hosts: TestHosts;
  let pod: Pod;

  beforeAll(async () => {
    hosts = await startHosts(Number(NET.split('.')[1]));
    const resources = cases.map((given, i) => pairResources(given, { ip: IP, port: FIRST_PORT + i }, hosts.at));
    pod = await startPod({ ip: IP, name: 'policies', role: 'router', signer: await createTestCa() }, (xds) => {
      const clusters = resources.flatMap((each) => each.clusters);
      const listeners = resources.map(({ listener }) => listener);
      const refused = [...xds.push(typeUrls.cluster, clusters), ...xds.push(typeUrls.listener, listeners)];
      expect(refused).toEqual([]);
    });
  });
  afterAll(async () => {
    await pod?.stop();
    await hosts?.stop();
  });

  describe.each(cases.map((given, i) => [given.name, given, FIRST_PORT + i] as const))(
    '%s',
    (_name: string, given: PairCase, port: number) => {
      it.each(given.requests.map((request) => [request.name, request] as const))(
        '%s',
        async (name: string, request: PairRequest) => {
          const before = pod.logs.length;
          const { status, body } = await ask(request, { ip: IP, port }, `${given.name}/${name}`);
          const { details, flags, ...wanted } = request.expect;
          expect(status).toBe(wanted.status);
          const judgedByLog = flags !== undefined || wanted.upstream !== undefined;
          if (!judgedByLog || wanted.body !== undefined) expect(body).toBe(wanted.body ?? '');
          if (details === undefined && flags === undefined) return;
          const written = () => entriesAt(pod.logs.slice(before), port);
          await until(() => written().length > 0, 'a line is written');
          const [entry] = written();
          if (details !== undefined) expect(entry?.['details']).toBe(details);
          if (flags !== undefined) expect(entry?.['flags']).toBe(flags);
        },
      );
    },
  );
});
