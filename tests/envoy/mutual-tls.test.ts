import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningPod } from '#sandbox';
import { addressPlan } from '../../server/sandbox/network/addresses.ts';
import { observe, throughEnvoy, throughOurs } from './support/both-proxies.ts';
import { comparable } from './support/comparable.ts';
import { differences } from './support/differences.ts';
import { createEchoServers, type Received } from './support/echo-server.ts';
import { bookinfo, echo as echoTopology, type OracleMesh, startOracleMesh } from './support/mesh.ts';
import { type Oracle, oracleSpiffeId, startOracle } from './support/oracle.ts';

const PORT = 9090;
const asker = 'spiffe://cluster.local/ns/default/sa/default';
const xfcc = ({ headers }: Received): string =>
  headers.find(([name]) => name === 'x-forwarded-client-cert')?.[1].replace(/Hash=[0-9a-f]{64}/, 'Hash=<hash>') ?? '';

describe('mutual TLS with a real Envoy', () => {
  const echo = createEchoServers();
  let mesh: OracleMesh;
  let oracle: Oracle;
  let podOf: (deployment: string) => RunningPod;

  beforeAll(async () => {
    mesh = await startOracleMesh(...bookinfo, ...echoTopology);
    oracle = await startOracle({ sandbox: mesh.sandbox, subnet: mesh.subnet, variant: 'delta', servesPort: PORT });
    const { hiddenIp } = addressPlan(mesh.subnet);
    podOf = (deployment) => mesh.sandbox.pods.find(({ name }) => name.startsWith(`${deployment}-`))!;
    await echo.listen('mesh', hiddenIp(podOf('echo-mesh').ip), 8090);
    await echo.listen('oracle', hiddenIp(oracle.ip), PORT);
    await mesh.apply({ file: 'slice.yaml', text: slice(oracle.ip) });
  });
  afterAll(async () => {
    echo.stop();
    await oracle?.stop();
    await mesh?.stop();
  });

  it('lets a real Envoy reach an application through our sidecar, which names its client', async () => {
    const request = { name: '', host: 'echo-mesh:8090', path: '/hello', expect: { status: 200, upstream: 1 } };
    const { seen } = await observe({ asker: throughEnvoy(oracle), request, echo, id: 'envoy to ours' });
    expect(seen).toMatchObject({ status: 200, body: 'mesh GET /hello\n' });
    expect(seen.headers['server']).toBe('envoy');
    expect(seen.upstream.map(xfcc)).toEqual([`By=${asker};Hash=<hash>;Subject="";URI=${oracleSpiffeId}`]);
  });

  it('lets our sidecar reach an application through a real Envoy, which names its client in the same way', async () => {
    const request = { name: '', host: 'oracle:9091', path: '/hello', expect: { status: 200, upstream: 1 } };
    const { seen } = await observe({ asker: throughOurs(podOf('asker')), request, echo, id: 'ours to envoy' });
    expect(seen).toMatchObject({ status: 200, body: 'oracle GET /hello\n' });
    expect(seen.upstream.map(xfcc)).toEqual([`By=${oracleSpiffeId};Hash=<hash>;Subject="";URI=${asker}`]);
  });

  it('shows an application the same request and a client the same answer, whichever proxy stands before the application', async () => {
    const hello = { name: '', path: '/hello?x=1', method: 'POST', body: 'hello', expect: { status: 200, upstream: 1 } };
    const from = { asker: throughOurs(podOf('asker')), echo };
    const ours = await observe({ ...from, request: { ...hello, host: 'echo-mesh:8090' }, id: 'inbound of ours' });
    const envoy = await observe({ ...from, request: { ...hello, host: 'oracle:9091' }, id: 'inbound of envoy' });
    const places = differences(comparable(envoy.seen), comparable(ours.seen)).map(({ at }) => at);
    // Nothing but the names of the two applications: in what they answer, and in where the request was sent.
    const ofTheAnswer = ['body', 'headers.content-length', 'headers.x-version', 'log.bytesSent'];
    const ofTheAddress = ['log.authority', 'log.cluster', 'log.upstreamHost', 'upstream.0.headers.host'];
    const ofTheServer = ['upstream.0.headers.x-forwarded-client-cert', 'upstream.0.version'];
    expect(places).toEqual([...ofTheAnswer, ...ofTheAddress, ...ofTheServer].sort());
  });

  it.each([
    ['details', '/details/0', 'PublisherA'],
    ['ratings', '/ratings/0', 'Reviewer1'],
    ['reviews', '/reviews/0', 'Reviewer1'],
  ])('serves %s of Bookinfo to a real Envoy', async (service, path, text) => {
    const request = { name: '', host: `${service}:9080`, path, expect: { status: 200 } };
    const { seen } = await observe({ asker: throughEnvoy(oracle), request, echo, id: `envoy to ${service}` });
    expect(seen.status).toBe(200);
    expect(seen.body).toContain(text);
    expect(seen.log).toMatchObject({ flags: '-', details: 'via_upstream' });
  });

  it('makes connections of TLS 1.3 only', async () => {
    const stats = await oracle.admin('/stats?filter=ssl.versions');
    expect(stats).toContain('ssl.versions.TLSv1.3');
    expect(stats).not.toContain('ssl.versions.TLSv1.2');
  });
});

const slice = (ip: string): string => `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: oracle-by-hand, labels: { kubernetes.io/service-name: oracle } }
addressType: IPv4
ports: [{ name: http, port: ${PORT}, protocol: TCP }]
endpoints: [{ addresses: ["${ip}"], conditions: { ready: true } }]
`;
