import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Asker, observe, send, throughEnvoy, throughOurs } from './support/both-proxies.ts';
import { type Case, type CaseRequest, loadCases } from './support/cases.ts';
import { comparable } from './support/comparable.ts';
import { differences } from './support/differences.ts';
import { createEchoServers } from './support/echo-server.ts';
import { bookinfo, echo as echoTopology, type OracleMesh, startOracleMesh } from './support/mesh.ts';
import { type Oracle, startOracle } from './support/oracle.ts';

describe('our sidecar does with a rule what a real Envoy does', () => {
  const echo = createEchoServers();
  let mesh: OracleMesh;
  let oracle: Oracle;
  let askers: { readonly ours: Asker; readonly envoy: Asker };

  beforeAll(async () => {
    mesh = await startOracleMesh(...bookinfo, ...echoTopology);
    oracle = await startOracle({ sandbox: mesh.sandbox, subnet: mesh.subnet, variant: 'delta' });
    const podOf = (deployment: string) => mesh.sandbox.pods.find(({ name }) => name.startsWith(`${deployment}-`))!;
    for (const version of ['v1', 'v2']) await echo.listen(version, podOf(`echo-${version}`).ip, 8080);
    askers = { ours: throughOurs(podOf('asker')), envoy: throughEnvoy(oracle) };
  });
  afterAll(async () => {
    echo.stop();
    await oracle?.stop();
    await mesh?.stop();
  });

  describe.each(loadCases().map((each) => [each.name, each] as const))(
    '%s',
    (file: string, { rules, requests }: Case) => {
      beforeAll(() => mesh.apply(rules));

      const single = requests.filter(({ shares }) => shares === undefined);
      it.each(single.map((request) => [request.name, request] as const))(
        '%s',
        async (name: string, request: CaseRequest) => {
          const question = { request, echo };
          const envoy = await observe({ ...question, asker: askers.envoy, id: `envoy/${file}/${name}` });
          const ours = await observe({ ...question, asker: askers.ours, id: `ours/${file}/${name}` });
          const { status, body, headers = {}, flags = '-', details, upstream, tookMs } = request.expect;
          expect({ status: envoy.seen.status, flags: envoy.seen.log.flags }).toEqual({ status, flags });
          expect(envoy.seen.headers).toMatchObject(headers);
          if (body !== undefined) expect(envoy.seen.body).toBe(body);
          if (details !== undefined) expect(envoy.seen.log.details).toBe(details);
          if (upstream !== undefined) expect(envoy.seen.upstream).toHaveLength(upstream);
          expect(differences(comparable(envoy.seen), comparable(ours.seen))).toEqual(request.unlike ?? []);
          for (const { tookMs: took } of tookMs ? [envoy, ours] : []) {
            expect(took).toBeGreaterThan(tookMs?.[0] ?? 0);
            expect(took).toBeLessThan(tookMs?.[1] ?? 0);
          }
        },
      );

      const shared = requests.filter(({ shares }) => shares !== undefined);
      it.each(shared.map((request) => [request.name, request] as const))(
        '%s',
        async (name: string, request: CaseRequest) => {
          const { count, within, of } = request.shares!;
          for (const asker of [askers.envoy, askers.ours]) {
            const seen: Record<string, number> = {};
            for (let i = 0; i < count; i++) {
              const { status, headers } = await send({ asker, request, id: `${file}/${name}/${i}` });
              const answer = headers['x-version'] ?? String(status);
              seen[answer] = (seen[answer] ?? 0) + 1 / count;
            }
            expect(Object.keys(seen).sort()).toEqual(Object.keys(of).sort());
            for (const [answer, share] of Object.entries(of))
              expect(Math.abs((seen[answer] ?? 0) - share)).toBeLessThan(within);
          }
        },
      );
    },
  );
});
