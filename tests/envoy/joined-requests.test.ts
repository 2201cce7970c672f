import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { HopRecord } from '#domain';
import { createEnvoyProxy, findEnvoy } from '#envoy';
import { hostPort } from '#sandbox';
import { type OracleMesh, startMeshWith } from './support/mesh.ts';
import { waitFor } from './support/wait.ts';

interface Sent {
  readonly url: string;
  /** A pod; `outside`: through the gateway. */
  readonly from?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const folder = join(import.meta.dirname, 'joined');
const textOf = (file: string): string => readFileSync(join(folder, file), 'utf8');
const requests = parse(textOf('requests.yaml')) as readonly Sent[];
const STARTS_MS = 120_000;
const LATE_MS = 3000;
const NEWEST = 200;
/** What differs from request to request, and the length of a body that shows it. */
const VOLATILE = /^(date|x-request-id|x-envoy-upstream-service-time|x-b3-.*|traceparent|content-length)$/i;

let [ours, envoys]: OracleMesh[] = [];
beforeAll(async () => {
  const make = createEnvoyProxy({ program: findEnvoy() ?? '', hostPort });
  const topology = { file: 'mesh.yaml', text: textOf('mesh.yaml') };
  [ours, envoys] = await Promise.all([startMeshWith({}, topology), startMeshWith({ proxyFor: () => make }, topology)]);
  await Promise.all([ours.sandbox.ready(), envoys.sandbox.ready()]);
}, STARTS_MS);
afterAll(async () => {
  await Promise.all([ours?.stop(), envoys?.stop()]);
});

/** Addresses of a sandbox and hashes of certificates are its own; Envoy does not take 127.0.0.1 for a client's address. */
const common = (text: string, { subnet }: OracleMesh): string =>
  text
    .replaceAll(new RegExp(`127\\.${subnet}\\.[\\d.]+(:\\d+)?`, 'g'), 'ADDRESS')
    .replaceAll(/Hash=[0-9a-f]+/g, 'Hash=')
    .replaceAll(/127\.0\.0\.1|192\.0\.2\.\d+/g, 'CLIENT');

const steady = (headers: Readonly<Record<string, unknown>>, mesh: OracleMesh): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !VOLATILE.test(name))
      .map(([name, value]): [string, string] => [name.toLowerCase(), common(String(value), mesh)])
      .sort(),
  );

/** The application's answer shows what it was sent. */
function bodyOf(text: string, mesh: OracleMesh): string {
  if (!text.startsWith('{')) return text;
  const shown = JSON.parse(text) as { headers?: Record<string, unknown> };
  return common(JSON.stringify({ ...shown, ...(shown.headers && { headers: steady(shown.headers, mesh) }) }), mesh);
}

function lineOf({ proxy, direction, request, response, ...hop }: HopRecord, mesh: OracleMesh): string {
  const host = mesh.sandbox.pods.find(({ ip }) => hop.upstreamHost.startsWith(`${ip}:`))?.labels['version'] ?? '';
  const asked = `${request.method} ${request.authority}${request.path}`;
  // Envoy does not name a cluster that is not there.
  const cluster = response.flags.includes('NC') ? '' : hop.cluster;
  const told = `${response.status} ${response.flags.join(',')} ${response.details} ${hop.attempts} ${hop.mtls}`;
  return common(`${proxy.service} ${direction} ${asked} ${told} ${cluster} ${hop.routeName} ${host}`, mesh);
}

async function send({ url, from = 'client', ...init }: Sent, mesh: OracleMesh) {
  const { sandbox } = mesh;
  const before = new Set(sandbox.hops.logged(NEWEST).map(({ spanId }) => spanId));
  const options = { timeoutMs: 5000, ...init };
  const { host, pathname, search } = new URL(url);
  const gateway = sandbox.gateways['default/edge-istio']?.['80'];
  const answer =
    from === 'outside'
      ? await sandbox.fetchFromOutside(`http://${gateway}${pathname}${search}`, {
          ...options,
          headers: { host, ...init.headers },
        })
      : await sandbox.pod({ namespace: 'default', name: from })!.fetch(url, options);
  const hops = () => sandbox.hops.logged(NEWEST).filter(({ spanId }) => !before.has(spanId));
  return {
    answer: {
      status: answer.status,
      headers: steady(answer.headers, mesh),
      body: bodyOf(answer.body.toString('utf8'), mesh),
    },
    hops: () =>
      hops()
        .map((hop) => lineOf(hop, mesh))
        .sort(),
  };
}

describe('a mesh of real Envoys beside one of our own proxies', () => {
  it.each(requests.map((request) => [JSON.stringify(request), request] as const))(
    'answers, and tells the hops of, %s',
    async (_, request) => {
      const [own, theirs] = [await send(request, ours!), await send(request, envoys!)];
      expect(theirs.answer).toEqual(own.answer);
      const isTold = () => isDeepStrictEqual(theirs.hops(), own.hops());
      // Hops are told a moment after the answer.
      await waitFor('the same hops', LATE_MS, () => isTold() || undefined).catch(() => undefined);
      expect(theirs.hops()).toEqual(own.hops());
      expect(own.hops().length).toBeGreaterThan(0);
    },
  );
});
