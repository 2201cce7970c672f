import { describe, expect, it } from 'vitest';
import { DEFAULT_MESH_CONFIG } from '#control-plane';
import type { KubeObject } from '#domain';
import { createMeshInForce } from '../../../server/control-plane/snapshot/mesh-in-force.ts';
import { meshConfigMap } from '../../../server/sandbox/mesh/system.ts';

const map = (mesh: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'istio', namespace: 'istio-system' },
  data: { mesh },
});

function reader() {
  const log: string[] = [];
  const read = createMeshInForce(DEFAULT_MESH_CONFIG, (line) => log.push(line));
  return { log, read: (text: string) => read(map(text)), readNone: () => read(undefined) };
}

describe('the configuration of the mesh', () => {
  it('is the last good one while its text is none that istiod takes, and the defaults when the text is gone', () => {
    const { log, read, readNone } = reader();
    expect(read('trustDomain: a_b').trustDomain).toBe('cluster.local');
    expect(read('trustDomain: first.example\naccessLogFile: ""').trustDomain).toBe('first.example');
    for (const broken of ['[broken', 'trustDomain: a_b', 'proxyListenPort: 0'])
      expect(read(broken)).toMatchObject({ trustDomain: 'first.example', accessLogFile: '' });
    expect(read('trustDomain: next.example')).toMatchObject({
      trustDomain: 'next.example',
      accessLogFile: '',
      tracingSampling: 100,
    });
    expect(readNone()).toEqual(DEFAULT_MESH_CONFIG);
    expect(log).toHaveLength(4);
    expect(log[0]).toContain('warn\tinvalid mesh config, using last known state: ');
    expect(log[0]).toContain('trustDomain: trust domain name "a_b" invalid');
  });

  it('has the last good selectors of namespaces while one is not well formed, with all else as it is now', () => {
    const { log, read } = reader();
    const wrong = 'discoverySelectors: [{ matchExpressions: [{ key: env, operator: Foo }] }]\ntrustDomain: ';
    expect(read(`${wrong}a.example`)).toMatchObject({ trustDomain: 'a.example' });
    expect(read(`${wrong}a.example`)).not.toHaveProperty('discoverySelectors');
    const good = [{ matchLabels: { mesh: 'on' } }];
    expect(read('discoverySelectors: [{ matchLabels: { mesh: "on" } }]').discoverySelectors).toEqual(good);
    expect(read(`${wrong}b.example`)).toMatchObject({ trustDomain: 'b.example', discoverySelectors: good });
    expect(read('trustDomain: b.example')).not.toHaveProperty('discoverySelectors');
    expect(new Set(log)).toEqual(
      new Set([
        'error\terror initializing discovery namespaces filter, invalid discovery selector: "Foo" is not a valid label selector operator',
      ]),
    );
  });

  it('is read by the names of its declaration, too, with numbers in quotes and values of enums by their numbers', () => {
    const { read } = reader();
    const text =
      'access_log_file: /dev/stderr\noutbound_traffic_policy: {mode: 0}\naccessLogEncoding: 1\nproxyHttpPort: "8888"';
    expect(read(text)).toMatchObject({
      accessLogFile: '/dev/stderr',
      outboundTrafficPolicy: 'REGISTRY_ONLY',
      accessLogEncoding: 'JSON',
      proxyHttpPort: 8888,
    });
  });

  it('keeps words as texts that YAML reads as booleans, when the mesh starts with them', () => {
    const { read } = reader();
    const selectors = [{ matchLabels: { mesh: 'on', tier: 'n' } }];
    const started = meshConfigMap(JSON.stringify({ discoverySelectors: selectors }));
    expect(read((started['data'] as { mesh: string }).mesh).discoverySelectors).toEqual(selectors);
  });
});
