import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { ManifestFile } from '#sandbox';
import { createFetch } from '#workloads';
import { systemClock } from '../../server/system.ts';
import { findEntry } from './support/access-log.ts';
import { type Asker, throughOurs } from './support/both-proxies.ts';
import { startHosts } from './support/destination-rules/hosts.ts';
import { echo as echoTopology, manifests, type OracleMesh, startOracleMesh } from './support/mesh.ts';
import { type Oracle, startOracle } from './support/oracle.ts';
import { changes, type Figures, readFigures } from './support/pairs/figures.ts';
import { waitFor } from './support/wait.ts';

interface Step {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** How often; `{i}` in path and headers is the number. */
  readonly times?: number;
  /** So long after one another, whether the earlier are answered or not. */
  readonly apartMs?: number;
  /** What the host and the proxy have to do by themselves before the next step. */
  readonly thenMs?: number;
}

const VERSIONS = ['v1', 'v2', 'down'];
const INJECTED = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: default, labels: { istio-injection: enabled } }\n';
const LATE_MS = 3000;
const CLUSTER = /^cluster\.outbound\|8080\|[^;]*\|echo\.default\.svc\.cluster\.local;?\./;

interface Side {
  readonly asker: Asker;
  figures(): Promise<Figures>;
}

interface Given {
  readonly name: string;
  readonly steps: readonly Step[];
  /** Beginnings of the figures that are compared; all where none is named. */
  readonly only?: readonly string[];
  readonly rule: object;
  readonly http: object;
}

const cases = manifests('tests/envoy/destination-rules').flatMap(({ text }) =>
  parseAllDocuments(text).map((document) => document.toJS() as Given),
);

const object = (kind: string, spec: object): string =>
  JSON.stringify({ apiVersion: 'networking.istio.io/v1', kind, metadata: { name: 'echo' }, spec });
const rulesOf = ({ rule, http }: Given): ManifestFile => ({
  file: 'rules.yaml',
  text: [
    object('DestinationRule', { host: 'echo', ...rule }),
    object('VirtualService', { hosts: ['echo'], http: [http] }),
  ].join('\n---\n'),
});

/** Those that an answer names go in Envoy when a replaced cluster's last connection has ended; the answers themselves are compared. */
const NAMED_BY_ANSWERS = /^((ex|in)ternal\.)?upstream_rq_\d(xx|\d\d)$|^http2\./;

/** The same requests, handed to Envoy's listener as capture would, from the address of the other's pod: sources are hashed. */
const throughEnvoyFrom = (ip: string, oracle: Oracle): Asker => ({
  ip: oracle.ip,
  fetch: createFetch(
    (_host, port) =>
      new Promise((resolve, reject) => {
        const socket = connect({ host: oracle.ip, port, localAddress: ip, noDelay: true });
        socket.once('error', reject);
        socket.once('connect', () => resolve(socket));
      }),
    systemClock(),
  ),
  logLines: () => oracle.accessLog(),
});

describe('our sidecar does with a DestinationRule what a real Envoy does', () => {
  const hosts = startHosts();
  let mesh: OracleMesh;
  let oracle: Oracle;
  let sides: readonly Side[] = [];

  beforeAll(async () => {
    mesh = await startOracleMesh({ file: 'namespace.yaml', text: INJECTED }, ...echoTopology);
    oracle = await startOracle({ sandbox: mesh.sandbox, subnet: mesh.subnet, variant: 'delta' });
    const podOf = (name: string) => mesh.sandbox.pods.find((pod) => pod.name.startsWith(`${name}-`))!;
    for (const version of VERSIONS) await hosts.listen(version, podOf(`echo-${version}`).ip, 8080);
    const pod = podOf('asker');
    sides = [
      {
        asker: throughEnvoyFrom(pod.ip, oracle),
        figures: async () => readFigures(await oracle.admin('/stats?usedonly')),
      },
      {
        asker: throughOurs(pod),
        figures: async () => new Map([...pod.proxy!.admin.stats()].map(([a, b]) => [a, Number(b)])),
      },
    ];
  });
  afterAll(async () => {
    hosts.stop();
    await oracle?.stop();
    await mesh?.stop();
  });

  const ask = async (asker: Asker, { path = '/', headers = {} }: Step, id: string) => {
    const { status, headers: told } = await asker.fetch(`http://echo:8080${path}`, {
      method: 'GET',
      headers: { host: 'echo:8080', 'user-agent': id, ...headers },
      timeoutMs: 10_000,
    });
    const { flags, details } = await waitFor(`the line of ${id}`, LATE_MS, () => findEntry(asker.logLines(), id));
    const cookie = String(told['set-cookie'] ?? '').replace(/=("?)[0-9a-f]{8,16}\1/, '=$1<hash>$1');
    return [status, told['x-version'] ?? '-', told['x-spoken'] ?? '-', flags, details, cookie].join(' ');
  };

  const numbered = (step: Step, times: number): Step[] =>
    Array.from({ length: times }, (_, i) => JSON.parse(JSON.stringify(step).replaceAll('{i}', String(i))) as Step);

  const run = async (asker: Asker, step: Step, id: string): Promise<string[]> => {
    const answers: Promise<string>[] = [];
    for (const [i, each] of numbered(step, step.times ?? 1).entries()) {
      const answer = ask(asker, each, `${id}/${i}`);
      answers.push(answer);
      await (step.apartMs === undefined ? answer : setTimeout(step.apartMs));
    }
    const told = await Promise.all(answers);
    await setTimeout(step.thenMs ?? 0);
    return told;
  };

  const observe = async ({ asker, figures }: Side, { name, steps, only = [''] }: Given): Promise<object> => {
    const before = await figures();
    const answers: string[][] = [];
    for (const [i, step] of steps.entries()) answers.push(await run(asker, step, `${name}/${asker.ip}/${i}`));
    const moved = Object.entries(changes(before, await figures()))
      .filter(([figure]) => CLUSTER.test(figure))
      .map(([figure, by]) => [figure.replace(CLUSTER, ''), by] as const);
    return {
      answers,
      moved: Object.fromEntries(
        moved.filter(([figure]) => !NAMED_BY_ANSWERS.test(figure) && only.some((start) => figure.startsWith(start))),
      ),
    };
  };

  it.each(cases.map((given) => [given.name, given] as const))('%s', async (_, given) => {
    await mesh.apply(rulesOf(given));
    const [envoy, ours] = [await observe(sides[0]!, given), await observe(sides[1]!, given)];
    expect(ours).toEqual(envoy);
  });
});
