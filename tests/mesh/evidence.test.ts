import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dispatch } from '#api/session';
import { type RunningLab, runLab } from '../support/lab-runner.ts';
import { reviewsWithTesters } from '../support/reviews-rules.ts';

const rule = (first: number): string =>
  reviewsWithTesters(first, 'end-user: { exact: jason }, cookie: { regex: ".*beta.*" }');

const files = (first: number) => [{ file: 'reviews.yaml', text: rule(first) }];

describe('what the lab keeps for its views', () => {
  let lab: RunningLab;
  beforeAll(async () => {
    lab = await runLab('canary');
    await lab.apply(files(100));
  });
  afterAll(() => lab.stop());

  const frontend = () => lab.session.sandbox.pods.find(({ name }) => name.startsWith('frontend'))!;

  it('golden signals count what was sent, by version', async () => {
    lab.session.traffic.set('readers', false);
    await lab.session.traffic.batch('readers', 20, {});
    const view = await dispatch(lab.session, 'metrics.read', {
      by: 'version',
      seconds: 60,
      untilMs: lab.session.sandbox.clock.now() + 2000,
    });
    const reviews = view.series.find(({ key }) => key === 'reviews@v1');
    const seen = lab.session.sandbox.hops.requests(1000).filter(({ destination }) => destination.version === 'v1');
    expect(reviews?.total.requests).toBe(seen.length);
    expect(reviews?.total.requests).toBeGreaterThanOrEqual(20);
    expect(reviews?.total.errors).toBe(seen.filter(({ status }) => status >= 500).length);
    expect(reviews?.total.p50).toBeGreaterThan(0);
  });

  it('a push is told as the difference of each resource, with the line of YAML behind it', async () => {
    const applied = await lab.apply(files(60));
    const pod = frontend();
    const view = await dispatch(lab.session, 'push.changes', {
      push: applied.push?.number ?? 0,
      pod: pod.name,
      namespace: pod.namespace,
    });
    expect(view.responses.map(({ type, state }) => [type, state])).toEqual([['RDS', 'acked']]);
    expect(view.responses[0]?.bytes).toBeGreaterThan(100);
    expect(view.responses[0]?.settledMs).toBeGreaterThanOrEqual(view.responses[0]?.sentMs ?? 0);
    const [change] = view.changes;
    expect(change).toMatchObject({ type: 'RDS', name: '8080', change: 'changed' });
    expect(change?.before).not.toContain('"weight": 60');
    expect(change?.after).toContain('"weight": 60');
    expect(change?.after).not.toContain('meshwork');
    expect(change?.origins).toContainEqual(
      expect.objectContaining({ kind: 'VirtualService', location: expect.objectContaining({ file: 'reviews.yaml' }) }),
    );
  });

  it('every proxy has a chain that its roots vouch for, and the certificate in force heads its rotations', async () => {
    const { proxies, roots, trustDomain } = await dispatch(lab.session, 'certificates.read', {});
    expect(trustDomain).toBe('cluster.local');
    expect(proxies.length).toBe(lab.session.sandbox.pods.filter(({ proxy }) => proxy !== undefined).length);
    for (const { chain, rotations, spiffeId, trusts } of proxies) {
      expect(chain[0]?.names).toEqual([`URI:${spiffeId}`]);
      expect(rotations[0]?.serial).toBe(chain[0]?.serial);
      expect(trusts).toContain(chain.at(-1)?.sha256);
      expect(roots.map(({ sha256 }) => sha256)).toEqual(expect.arrayContaining(trusts));
    }
    expect(JSON.stringify(proxies)).not.toContain('PRIVATE');
  });

  it('the handshake of a request tells what was offered, agreed, proved and by which root', async () => {
    await lab.session.traffic.batch('readers', 1, {});
    const request = lab.session.sandbox.hops.requests(10).findLast(({ mtls }) => mtls)!;
    const { handshakes, plaintext } = await dispatch(lab.session, 'handshakes.read', { request: request.id });
    expect(plaintext).toEqual([]);
    const [client, server] = ['client', 'server'].map((side) => handshakes.find((one) => one.side === side)!);
    expect(client).toMatchObject({
      peer: 'upstream',
      offered: { serverName: expect.stringMatching(/^outbound_\.8080_\.v\d_\.reviews\.default\.svc\.cluster\.local$/) },
      agreed: { version: 'TLSv1.3' },
      names: [expect.stringMatching(/^spiffe:\/\/cluster\.local\/ns\/default\/sa\//)],
      anchor: { isCa: true },
      bundle: 1,
    });
    expect(client?.expected[0]).toContain(client?.names[0]);
    expect(server).toMatchObject({
      peer: 'downstream',
      offered: {
        serverName: client?.offered.serverName,
        alpn: client?.offered.alpn,
        versions: ['TLSv1.3', 'TLSv1.2'],
      },
    });
    expect(server?.shown[0]?.serial).toBe(client?.own[0]?.serial);
    expect(client?.shown[0]?.serial).toBe(server?.own[0]?.serial);
  });

  it('the newest lines of access logs lead to their call', async () => {
    await lab.session.traffic.batch('readers', 1, {});
    const { lines } = await dispatch(lab.session, 'log.read', {});
    const [line] = lines;
    expect(line?.line).toContain('GET /reviews/0');
    const { request } = await dispatch(lab.session, 'request.explain', { request: line?.request ?? '' });
    expect(request).toMatchObject({ source: 'frontend', destination: 'reviews' });
  });

  it('events of the cluster and of the lab stand in one list, newest first', async () => {
    const { events } = await dispatch(lab.session, 'events.read', {});
    expect(new Set(events.map(({ source }) => source))).toEqual(new Set(['kubernetes', 'lab']));
    expect(events.map(({ atMs }) => atMs)).toEqual(events.map(({ atMs }) => atMs).sort((a, b) => b - a));
    expect(events.find(({ reason }) => reason === 'PushInForce')?.message).toMatch(
      /^push \d+ \(reviews\) is in force at \d/,
    );
    expect(events.find(({ reason }) => reason === 'CertificateIssued')?.object).toMatch(/^Pod\//);
  });
});

describe('programs of the terminal', () => {
  let lab: RunningLab;
  beforeAll(async () => {
    lab = await runLab('canary');
  });
  afterAll(() => lab.stop());

  it('jq takes the output of kubectl apart, by a pipe and from a file', async () => {
    const piped = await lab.type("kubectl get pods -o json | jq -r '.items[].metadata.labels.app' | sort | uniq -c");
    expect(
      piped.output
        .trim()
        .split('\n')
        .map((line) => line.trim()),
    ).toEqual(['1 frontend', '2 reviews']);
    const { output } = await lab.type('kubectl get svc reviews -o json > svc.json && jq .spec.ports[0].port svc.json');
    expect(output.trim()).toBe('8080');
    expect((await lab.type("jq '.[' svc.json")).exitCode).toBe(3);
  });

  it('diff prints unified hunks, and says by its exit code whether files differ', async () => {
    const { output, exitCode } = await lab.type('echo -e "a\\nb\\nc" > one; echo -e "a\\nx\\nc" > two; diff one two');
    expect(exitCode).toBe(1);
    expect(output).toBe('--- one\n+++ two\n@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n');
    expect(await lab.type('diff one one')).toMatchObject({ output: '', exitCode: 0 });
  });

  it('watch runs a pipe again until it is stopped', async () => {
    const running = lab.type('watch -n 0.5 "kubectl get pods | grep -c reviews"');
    const seen = (): number =>
      lab.events.filter((event) => event.type === 'terminal' && event.output.text.includes('Every 0.5 s')).length;
    await expect.poll(seen, { timeout: 10_000 }).toBeGreaterThanOrEqual(2);
    lab.session.terminals.interrupt('test');
    const { output, exitCode } = await running;
    expect(exitCode).toBe(130);
    expect(output).toMatch(/Every 0\.5 s: kubectl get pods \| grep -c reviews .*\n\n2\n/);
  });
});

describe('a workload that callers have ejected', () => {
  it('is marked on the map with how many callers took it out', async () => {
    const lab = await runLab('outlier-ejection');
    await lab.step({ apply: 'steps/allowed' });
    lab.session.traffic.batch('carts', 200, {}).catch(() => undefined);
    const ejected = () => lab.session.state().mesh.nodes.filter((node) => node.ejected !== undefined);
    await lab.session.sandbox.until(() => ejected().length > 0, 20_000, 'a pod is ejected');
    const stored = lab.session.sandbox.pods.flatMap(({ proxy }) => proxy?.admin.endpoints() ?? []);
    const addresses = new Set(stored.filter((one) => one.ejected).map(({ address }) => address.ip));
    expect(ejected().reduce((sum, { ejected: out }) => sum + (out?.pods ?? 0), 0)).toBe(addresses.size);
    expect(ejected().every(({ ejected: out }) => (out?.by ?? 0) >= 1)).toBe(true);
    await lab.stop();
  });
});
