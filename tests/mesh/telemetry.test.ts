import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HopRecord } from '#domain';
import type { RunningPod } from '#sandbox';
import { until } from './data-plane-harness.ts';
import { INJECTED_DEFAULT, workload } from './manifests.ts';
import { applyAndSettle, type RunningMesh, startMesh } from './sandbox-support.ts';

const deployment = (name: string): string =>
  workload({ name, image: 'go-httpbin', port: 8080, service: { name: 'http', port: 80 } });

const MESH = `
accessLogFile: /dev/stdout
extensionProviders:
- name: json
  envoyFileAccessLog:
    path: /dev/stdout
    logFormat:
      labels:
        code: "%RESPONSE_CODE%"
        took: "%DURATION%"
        pod: "%ENVIRONMENT(POD_NAME)%"
        unset: "%ENVIRONMENT(NOT_SET)%"
        none: "%REQ(X-NONE)%"
        both: "%RESPONSE_CODE%/%REQ(:METHOD)%"
        deep: { path: "%REQ(:PATH)%" }
- name: sparse
  envoyFileAccessLog:
    path: /dev/stdout
    logFormat: { labels: { sparse: "%RESPONSE_CODE%", none: "%REQ(X-NONE)%" } }
    omitEmptyValues: true
- name: text
  envoyFileAccessLog:
    path: /dev/stdout
    logFormat: { text: "text %RESPONSE_CODE% %REQ(:PATH)% %REQ(X-NONE)%" }
- name: zipkin
  zipkin: { service: server.default.svc.cluster.local, port: 80, maxTagLength: 6 }
defaultConfig: { tracing: { sampling: 100 } }
`;

const telemetry = (name: string, spec: object, namespace = 'default') => ({
  file: `${name}.yaml`,
  text: JSON.stringify({ apiVersion: 'telemetry.istio.io/v1', kind: 'Telemetry', metadata: { name, namespace }, spec }),
});

let mesh: RunningMesh;
let client: RunningPod;
let server: RunningPod;
const applied = new Map<string, string>();

beforeAll(async () => {
  const text = [
    INJECTED_DEFAULT,
    deployment('client'),
    deployment('server'),
    `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: istio, namespace: istio-system }\ndata: { mesh: ${JSON.stringify(MESH)} }`,
  ].join('\n');
  mesh = await startMesh([{ file: 'mesh.yaml', text }], false);
  const pod = (app: string): RunningPod => {
    const found = mesh.sandbox.pods.find(({ labels }) => labels['app'] === app);
    if (found === undefined) throw new Error(`no pod of ${app}`);
    return found;
  };
  [client, server] = [pod('client'), pod('server')];
}, 60_000);
afterAll(() => mesh?.stop());

/** Puts these Telemetry objects in force, and no others. */
async function inForce(...objects: readonly ReturnType<typeof telemetry>[]): Promise<void> {
  const names = objects.map(({ text }) => JSON.parse(text).metadata);
  for (const [name, namespace] of applied) {
    if (names.some((kept) => kept.name === name && kept.namespace === namespace)) continue;
    await mesh.sandbox.settled(mesh.sandbox.remove('Telemetry', { name, namespace }), 5000);
    applied.delete(name);
  }
  for (const { name, namespace } of names) applied.set(name, namespace);
  if (objects.length > 0) await applyAndSettle(mesh.sandbox, ...objects);
}

interface Seen {
  readonly client: readonly string[];
  readonly server: readonly string[];
  readonly outbound: HopRecord;
  readonly inbound: HopRecord;
}

/** What a request of the client's program leaves behind: new lines in the logs of both proxies, both hops. */
async function call(path: string, headers: Record<string, string> = {}): Promise<Seen> {
  const { hops } = mesh.sandbox;
  hops.clear();
  const lines = (pod: RunningPod) => pod.logs('istio-proxy');
  const before = [lines(client).length, lines(server).length] as const;
  await client.fetch(`http://server${path}`, { headers });
  const ends = (): HopRecord[] => {
    const [request] = hops.requests(10).filter((each) => each.path === path);
    return request === undefined ? [] : [...hops.trace(request.traceId)];
  };
  await until(() => ends().length === 2, `both hops of ${path}`);
  const [outbound, inbound] = ends();
  return {
    client: lines(client).slice(before[0]),
    server: lines(server).slice(before[1]),
    outbound: outbound!,
    inbound: inbound!,
  };
}

const json = (lines: readonly string[]): unknown[] =>
  lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
const text = (lines: readonly string[]): string[] => lines.filter((line) => line.startsWith('text '));

describe('accessLogging', () => {
  it('writes the logs of all its providers; JSON keeps numbers, and no value is null but of the environment', async () => {
    await inForce(
      telemetry('logs', { accessLogging: [{ providers: [{ name: 'json' }, { name: 'text' }, { name: 'sparse' }] }] }),
    );
    const seen = await call('/status/201');
    for (const [pod, lines] of [
      [client, seen.client],
      [server, seen.server],
    ] as const) {
      expect(text(lines)).toEqual(['text 201 /status/201 -']);
      expect(json(lines)).toEqual([
        {
          both: '201/GET',
          code: 201,
          deep: { path: '/status/201' },
          none: null,
          pod: pod.name,
          took: expect.any(Number),
          unset: '-',
        },
        { sparse: 201 },
      ]);
      expect(lines).toHaveLength(3);
    }
  });

  it('writes what a filter lets through, on the side that is meant', async () => {
    await inForce(
      telemetry('logs', {
        accessLogging: [
          { match: { mode: 'SERVER' }, providers: [{ name: 'text' }], disabled: true },
          {
            match: { mode: 'CLIENT' },
            providers: [{ name: 'text' }],
            filter: { expression: "response.code >= 400 && request.url_path.startsWith('/status')" },
          },
        ],
      }),
    );
    const good = await call('/status/202');
    expect([good.client, good.server]).toEqual([[], []]);
    const bad = await call('/status/418');
    expect([bad.client, bad.server]).toEqual([['text 418 /status/418 -'], []]);
  });

  it('is inherited from the mesh, then the namespace, then the workload, whoever says something last', async () => {
    const logs = (name: string, provider: string, more: object = {}, namespace = 'default') =>
      telemetry(name, { ...more, accessLogging: [{ providers: [{ name: provider }] }] }, namespace);
    await inForce(logs('mesh', 'text', {}, 'istio-system'));
    const meshWide = await call('/status/203');
    expect([text(meshWide.client).length, text(meshWide.server).length]).toEqual([1, 1]);
    await inForce(
      logs('mesh', 'text', {}, 'istio-system'),
      logs('namespace', 'sparse'),
      telemetry('workload', { selector: { matchLabels: { app: 'server' } }, accessLogging: [{ disabled: true }] }),
    );
    const both = await call('/status/204');
    expect([both.client, both.server]).toEqual([['{"sparse":204}'], []]);
  });
});

describe('metrics', () => {
  /** Labels of a metric's samples in a proxy of which a label has a value. */
  async function labels(pod: RunningPod, name: string, path: string): Promise<Record<string, string>[]> {
    const body = await (await fetch(`http://${pod.ip}:15020/stats/prometheus`)).text();
    return body.split('\n').flatMap((line) => {
      if (!line.startsWith(`${name}{`)) return [];
      const all = Object.fromEntries([...line.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]));
      return all['path'] === path ? [all] : [];
    });
  }

  it('are counted with labels set, added and removed, each side in its own way', async () => {
    const set = (value: string) => ({ operation: 'UPSERT', value });
    await inForce(
      telemetry('counts', {
        metrics: [
          {
            providers: [{ name: 'prometheus' }],
            overrides: [
              { tagOverrides: { path: set('request.url_path') } },
              {
                match: { metric: 'REQUEST_COUNT', mode: 'CLIENT' },
                tagOverrides: {
                  response_code: { operation: 'REMOVE' },
                  destination_app: set("'app-' + string(response.code)"),
                  agent: set("request.headers['user-agent']"),
                  missing: set("request.headers['x-none']"),
                  peer: set('filter_state.upstream_peer.workload'),
                  me: set('xds.node.metadata.WORKLOAD_NAME'),
                },
              },
              { match: { metric: 'REQUEST_DURATION', mode: 'SERVER' }, disabled: true },
            ],
          },
        ],
      }),
    );
    await call('/status/205', { 'user-agent': 'tester' });
    const [counted] = await labels(client, 'istio_requests_total', '/status/205');
    expect(counted).toMatchObject({
      destination_app: 'app-205',
      agent: 'tester',
      missing: 'unknown',
      peer: 'server',
      me: 'client',
      destination_service: 'server.default.svc.cluster.local',
    });
    expect(counted).not.toHaveProperty('response_code');
    const [served] = await labels(server, 'istio_requests_total', '/status/205');
    expect(served).toMatchObject({ response_code: '205', destination_app: 'server', source_workload: 'client' });
    expect(served).not.toHaveProperty('agent');
    const took = async (pod: RunningPod) => labels(pod, 'istio_request_duration_milliseconds_count', '/status/205');
    expect([(await took(client)).length, (await took(server)).length]).toEqual([1, 0]);
  });

  it('come with the build of the proxy that counts them', async () => {
    for (const path of [`${client.ip}:15090/stats/prometheus`, `${client.ip}:15020/stats/prometheus`]) {
      const body = await (await fetch(`http://${path}`)).text();
      expect(body).toMatch(/^# TYPE istio_build gauge\nistio_build\{component="proxy",tag="\d+\.\d+\.\d+"\} 1$/m);
    }
  });

  it('are not counted at all where they are switched off', async () => {
    await inForce(
      telemetry('counts', { metrics: [{ overrides: [{ match: { metric: 'ALL_METRICS' }, disabled: true }] }] }),
    );
    const total = async (pod: RunningPod): Promise<number> => {
      const body = await (await fetch(`http://${pod.ip}:15020/stats/prometheus`)).text();
      const values = [...body.matchAll(/^istio_requests_total\{.*\} (\d+)$/gm)].map(([, value]) => Number(value));
      return values.reduce((sum, value) => sum + value, 0);
    };
    const before = [await total(client), await total(server)];
    await call('/status/206');
    expect([await total(client), await total(server)]).toEqual(before);
  });
});

describe('tracing', () => {
  it('puts tags into the spans of the side that is meant, from all four sources', async () => {
    await inForce(
      telemetry('traces', {
        tracing: [
          { providers: [{ name: 'zipkin' }], randomSamplingPercentage: 100 },
          {
            match: { mode: 'CLIENT' },
            customTags: {
              team: { literal: { value: 'web' } },
              pod: { environment: { name: 'POD_NAME' } },
              region: { environment: { name: 'NOT_SET', defaultValue: 'nowhere' } },
              unset: { environment: { name: 'NOT_SET' } },
              tenant: { header: { name: 'x-tenant', defaultValue: 'nobody' } },
              line: { formatter: { value: '%REQ(:METHOD)% %RESPONSE_CODE%' } },
            },
          },
          { match: { mode: 'SERVER' }, enableIstioTags: false },
        ],
      }),
    );
    const { outbound, inbound } = await call('/status/207', { 'x-tenant': 'acme' });
    expect(outbound.tracing).toMatchObject({ maxPathLength: 6, tags: { 'istio.canonical_service': 'client' } });
    const { tags } = outbound.tracing!;
    expect(Object.fromEntries(Object.entries(tags).filter(([name]) => !name.startsWith('istio.')))).toEqual({
      team: 'web',
      pod: client.name,
      region: 'nowhere',
      tenant: 'acme',
      line: 'GET 207',
    });
    expect(inbound.tracing?.tags).toEqual({});
    expect(inbound.operation).toBe('server.default.svc.cluster.local:80/*');
  });

  it('tells a client without a proxy the operation of the route, for a span of its own', async () => {
    const operation = async (headers: Record<string, string>) =>
      (
        await mesh.sandbox.fetchFromOutside(`http://${server.ip}:${server.appListeners[0]?.port}/status/211`, {
          headers,
        })
      ).headers['x-envoy-decorator-operation'];
    expect(await operation({})).toMatch(/^server\.default\.svc\.cluster\.local:\d+\/\*$/);
    expect(await operation({ 'x-envoy-decorator-operation': 'mine' })).toBe(undefined);
  });

  it('samples nothing at 0 percent, and on the server’s side alone where only the client’s reports nothing', async () => {
    await inForce(telemetry('traces', { tracing: [{ providers: [{ name: 'zipkin' }], randomSamplingPercentage: 0 }] }));
    const none = await call('/status/208');
    expect([none.outbound.sampled, none.inbound.sampled]).toEqual([false, false]);
    expect(none.outbound.requestId[14]).toBe('4');
    await inForce(
      telemetry('traces', {
        tracing: [
          { providers: [{ name: 'zipkin' }], randomSamplingPercentage: 100 },
          { match: { mode: 'CLIENT' }, disableSpanReporting: true },
        ],
      }),
    );
    const half = await call('/status/209');
    expect([half.outbound.sampled, half.inbound.sampled]).toEqual([false, undefined]);
    expect(half.inbound.parentSpanId).toBe(half.outbound.spanId);
    expect(half.inbound.requestId[14]).toBe('9');
  });

  it('follows a request id that says sampled, unless it is told not to', async () => {
    const id = 'd8828350-ef9b-96d4-9736-93d83191ae9f';
    const spec = { providers: [{ name: 'zipkin' }], randomSamplingPercentage: 0 };
    await inForce(telemetry('traces', { tracing: [spec] }));
    const told = await call('/status/210', { 'x-request-id': id });
    expect([told.outbound.sampled, told.inbound.sampled]).toEqual([undefined, undefined]);
    await inForce(telemetry('traces', { tracing: [{ ...spec, useRequestIdForTraceSampling: false }] }));
    const untold = await call('/status/211', { 'x-request-id': id });
    // As Envoy: without the id, no share is drawn either.
    expect([untold.outbound.sampled, untold.inbound.sampled]).toEqual([undefined, undefined]);
    expect(untold.inbound.requestId).toBe(id);
  });
});
