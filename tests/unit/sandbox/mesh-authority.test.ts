import { beforeEach, describe, expect, it } from 'vitest';
import { createTokenIssuer } from '#ca';
import type { KubeStore } from '#kube-api';
import { type MeshAuthority, startMeshAuthority } from '../../../server/sandbox/mesh/mesh-authority.ts';
import { createOperatorRoot, type OperatorRoot } from '../../mesh/operator-root.ts';
import { standingClock } from '../ca/support.ts';
import { changeId, newStore, settle } from './support.ts';

const name = { namespace: 'istio-system', name: 'cacerts' };

describe('the CA of a Secret cacerts', () => {
  let store: KubeStore;
  let one: OperatorRoot;
  let two: OperatorRoot;
  let logs: string[];
  let told: number;

  beforeEach(async () => {
    ({ store } = newStore());
    store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: name.namespace } }, { changeId });
    [one, two] = await Promise.all([createOperatorRoot(), createOperatorRoot()]);
    logs = [];
    told = 0;
  });

  const write = (files: Readonly<Record<string, string>>): void => {
    const data = Object.fromEntries(Object.entries(files).map(([key, text]) => [key, btoa(text)]));
    if (store.get('Secret', name) !== undefined) store.delete('Secret', name, { changeId });
    store.create({ apiVersion: 'v1', kind: 'Secret', metadata: name, data }, { changeId });
  };
  const start = (env: Readonly<Record<string, string>> = {}): MeshAuthority => {
    const clock = standingClock(Date.now());
    return startMeshAuthority({
      store,
      clock,
      tokens: createTokenIssuer({ clock }),
      trustDomain: 'cluster.local',
      env,
      log: (line) => logs.push(line),
      onPublished: () => {
        told += 1;
      },
    });
  };
  const file = (root: OperatorRoot, key: string): string => root.files[key] ?? '';
  const published = (authority: MeshAuthority): Record<string, string> =>
    Object.fromEntries(authority.published.map(({ configMap, key, text }) => [`${configMap}/${key}`, text]));
  const bundle = (...roots: readonly OperatorRoot[]): string =>
    roots.map((root) => file(root, 'root-cert.pem')).join('');

  it('may lie in a Secret of the type kubernetes.io/tls, which revokes nothing', async () => {
    const crl = (await one.rootList()) + (await one.intermediateList());
    write({
      'tls.crt': file(one, 'ca-cert.pem'),
      'tls.key': file(one, 'ca-key.pem'),
      'ca.crt': bundle(one),
      'ca-crl.pem': crl,
    });
    expect(published(start())).toEqual({
      'istio-ca-root-cert/root-cert.pem': bundle(one),
      'istio-ca-crl/ca-crl.pem': '',
    });
    expect(logs).toEqual([
      'info\tUsing kubernetes.io/tls secret type for signing ca files',
      'info\tUse local CA certificate',
    ]);
  });

  it('is no CA where the Secret has none of its files, and a reason not to start where it has some', () => {
    write({ 'ca-crl.pem': 'x', other: 'x' });
    start().stop();
    expect(logs).toEqual(['info\tUse self-signed certificate as the CA certificate']);
    write({ 'root-cert.pem': bundle(one) });
    expect(() => start()).toThrow('failed to create an istiod CA: incomplete signing CA bundle detected');
    write({ 'tls.crt': file(one, 'ca-cert.pem'), 'tls.key': file(one, 'ca-key.pem') });
    expect(() => start()).toThrow('incomplete signing CA bundle detected');
  });

  it('publishes what it has revoked under the name, and only where, istiod’s environment says so', async () => {
    const crl = (await one.rootList('05')) + (await one.intermediateList());
    write({ ...one.files, 'ca-crl.pem': crl });
    expect(published(start())['istio-ca-crl/ca-crl.pem']).toBe(crl);
    expect(published(start({ PILOT_CRL_CONFIGMAP: 'revoked' }))['revoked/ca-crl.pem']).toBe(crl);
    expect(Object.keys(published(start({ PILOT_ENABLE_CA_CRL: 'false' })))).toEqual([
      'istio-ca-root-cert/root-cert.pem',
    ]);
  });

  it('does not start with a list that another CA signed, or with that of one CA of its chain only', async () => {
    write({ ...one.files, 'ca-crl.pem': (await one.rootList()) + (await two.intermediateList()) });
    expect(() => start()).toThrow('missing CRL signed by certificates: [CN=Intermediate CA,O=Shop]');
    expect(() => start({ PILOT_ENABLE_CA_CRL: 'false' })).not.toThrow();
  });

  it('takes a list, and another intermediate of the same root, while istiod runs', async () => {
    write(one.files);
    const authority = start();
    write({ ...one.files, 'ca-crl.pem': (await one.rootList()) + (await one.intermediateList()) });
    await settle();
    expect(told).toBe(1);
    expect(published(authority)['istio-ca-crl/ca-crl.pem']).not.toBe('');
  });

  describe.each([
    ['without ISTIO_MULTIROOT_MESH', {}, 'warn\tMulti root is disabled, updating new ROOT-CA not supported', false],
    ['with ISTIO_MULTIROOT_MESH', { ISTIO_MULTIROOT_MESH: 'true' }, 'info\tUpdating new ROOT-CA', true],
  ] as const)('%s', (_what, env, line, taken) => {
    it(`${taken ? 'takes' : 'refuses'} a second root, and to give up the first, while istiod runs`, async () => {
      write(one.files);
      const authority = start(env);
      write({ ...one.files, 'root-cert.pem': bundle(one, two) });
      await settle();
      expect(logs).toContain(line);
      expect(published(authority)['istio-ca-root-cert/root-cert.pem']).toBe(taken ? bundle(one, two) : bundle(one));
      write({ ...two.files, 'root-cert.pem': bundle(two) });
      await settle();
      expect(published(authority)['istio-ca-root-cert/root-cert.pem']).toBe(taken ? bundle(two) : bundle(one));
      expect(told).toBe(taken ? 2 : 0);
    });

    it('refuses to change one root for another at once', async () => {
      write(one.files);
      const authority = start(env);
      write(two.files);
      await settle();
      expect(logs.at(-1)).toBe(taken ? 'warn\tUpdating new ROOT-CA not supported' : line);
      expect(published(authority)['istio-ca-root-cert/root-cert.pem']).toBe(bundle(one));
    });
  });
});
