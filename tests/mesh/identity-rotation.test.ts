import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox } from '#sandbox';
import { createIdentities, exchange } from './identity-clients.ts';
import {
  operatorCa,
  ownMaterial,
  plugIn,
  podOf,
  REQUESTS_PER_CONNECTION,
  restartIstiod,
  secretOf,
  startLoad,
  startPair,
  writeSecret,
} from './identity-mesh.ts';
import { createOperatorRoot } from './operator-root.ts';
import type { RunningMesh } from './sandbox-support.ts';

const TTL_SECONDS = 4;
const LOAD_PER_SECOND = 500;
const LEAST_SENT = 1500;
const APPS = ['cart', 'inventory'] as const;

describe('certificates that live for seconds', () => {
  let mesh: RunningMesh;
  let sandbox: Sandbox;

  beforeAll(async () => {
    mesh = await startPair(`${TTL_SECONDS}s`);
    ({ sandbox } = mesh);
  });
  afterAll(() => mesh?.stop());

  const roots = (app: string): string[] =>
    (
      secretOf(podOf(sandbox, app), 'ROOTCA')?.pem.match(
        /-----BEGIN CERTIFICATE-----[\w+/=\s]+-----END CERTIFICATE-----/g,
      ) ?? []
    ).map((pem) => `${pem}\n`);
  const signedBy = (app: string, caPem: string): boolean => {
    const leaf = secretOf(podOf(sandbox, app), 'default')?.pem;
    return leaf !== undefined && new X509Certificate(leaf).verify(new X509Certificate(caPem).publicKey);
  };
  const everywhere = (met: (app: string) => boolean, what: string): Promise<void> =>
    sandbox.until(() => APPS.every(met), 15_000, what);
  const published = (): string | undefined => {
    const map = sandbox.store.get('ConfigMap', { namespace: 'default', name: 'istio-ca-root-cert' });
    return (map?.['data'] as Record<string, string> | undefined)?.['root-cert.pem'];
  };

  it('have the life that SECRET_TTL asks for', () => {
    for (const app of APPS) {
      const { notBefore = '', notAfter = '' } = secretOf(podOf(sandbox, app), 'default') ?? {};
      // Clocks may differ by two minutes.
      expect(Date.parse(notAfter) - Date.parse(notBefore)).toBe((TTL_SECONDS + 120) * 1000);
    }
  });

  it('are replaced three times under load, and no request fails', { timeout: 150_000 }, async () => {
    const serials = new Map(APPS.map((app) => [app, new Set<string>()]));
    const load = startLoad(sandbox, LOAD_PER_SECOND);
    await sandbox.until(
      () =>
        APPS.every((app) => {
          const seen = serials.get(app)!;
          seen.add(secretOf(podOf(sandbox, app), 'default')?.serialNumber ?? '');
          return seen.size > 3;
        }),
      30_000,
      'both proxies have had four certificates',
    );
    await sandbox.until(() => load.sent() >= LEAST_SENT, 90_000, `${LEAST_SENT} requests have been sent`);
    expect((await load.stop()).failures).toEqual([]);
  });

  it('outlive a restart of istiod, which signs with the same CA as before', { timeout: 30_000 }, async () => {
    const { caCertPem } = ownMaterial(sandbox);
    const before = secretOf(podOf(sandbox, 'cart'), 'default')?.serialNumber;
    const load = startLoad(sandbox, 100);
    await restartIstiod(sandbox);
    await everywhere((app) => secretOf(podOf(sandbox, app), 'default')?.serialNumber !== before, 'new certificates');
    expect((await load.stop()).failures).toEqual([]);
    expect(APPS.every((app) => signedBy(app, caCertPem))).toBe(true);
  });

  it('move to the root of an operator without an outage: both roots, the new CA, the new root', {
    timeout: 90_000,
  }, async () => {
    const [old, own] = [ownMaterial(sandbox), operatorCa()];
    const load = startLoad(sandbox, 100);
    plugIn(sandbox, old, [old.rootCertPem, own.rootCertPem]);
    await restartIstiod(sandbox);
    await everywhere((app) => roots(app).length === 2, 'everybody trusts both roots');
    expect(APPS.every((app) => signedBy(app, old.caCertPem))).toBe(true);
    // The bundle stays, so istiod takes the other CA as it runs.
    plugIn(sandbox, own, [old.rootCertPem, own.rootCertPem]);
    await everywhere((app) => signedBy(app, own.caCertPem), 'everybody has a certificate of the new CA');
    plugIn(sandbox, own, [own.rootCertPem]);
    const istiodLog = (): string => podOf(sandbox, 'istiod').logs('discovery').join('\n');
    await sandbox.until(() => istiodLog().includes('Multi root is disabled'), 5000, 'istiod refuses another bundle');
    await restartIstiod(sandbox);
    await everywhere((app) => roots(app).join('') === own.rootCertPem, 'nobody trusts the old root');
    const { failures } = await load.stop();
    expect(failures).toEqual([]);
    expect(published()).toBe(own.rootCertPem);
  });

  it('are not given out by an istiod whose CA is incomplete; it says so and the old certificates serve on', {
    timeout: 30_000,
  }, async () => {
    const secret = sandbox.store.get('Secret', { namespace: 'istio-system', name: 'cacerts' })?.['data'] as Record<
      string,
      string
    >;
    const file = (name: string): string => Buffer.from(secret[name] ?? '', 'base64').toString();
    const files = Object.fromEntries(Object.keys(secret).map((name) => [name, file(name)]));
    writeSecret(sandbox, { ...files, 'ca-key.pem': operatorCa().caKeyPem });
    const { name: before } = podOf(sandbox, 'istiod');
    const log = (): string =>
      sandbox.pods
        .filter(({ labels, name }) => labels['app'] === 'istiod' && name !== before)
        .flatMap((pod) => pod.logs('discovery'))
        .join('\n');
    const load = startLoad(sandbox, 50);
    const restarted = restartIstiod(sandbox);
    const reason = 'ca-key.pem is not the key of ca-cert.pem';
    await sandbox.until(() => log().includes(reason), 10_000, 'istiod says what is wrong');
    expect(log()).not.toContain('PRIVATE KEY');
    writeSecret(sandbox, files);
    expect((await load.stop()).failures).toEqual([]);
    await restarted;
  });

  it('are refused when the list of a plugged-in CA names them, or the CA that signed them; others are not', {
    timeout: 60_000,
  }, async () => {
    const operator = await createOperatorRoot();
    const lists = async (revoked: { root?: string[]; intermediate?: string[] }): Promise<string> =>
      (await operator.rootList(...(revoked.root ?? []))) +
      (await operator.intermediateList(...(revoked.intermediate ?? [])));
    const nothing = await lists({});
    writeSecret(sandbox, { ...operator.files, 'ca-crl.pem': nothing });
    await restartIstiod(sandbox);
    await everywhere((app) => signedBy(app, operator.files['ca-cert.pem'] ?? ''), 'certificates of the new CA');

    const material = {
      caCertPem: operator.files['ca-cert.pem'] ?? '',
      caKeyPem: operator.files['ca-key.pem'] ?? '',
      rootCertPem: operator.files['root-cert.pem'] ?? '',
    };
    const [stolen, honest] = await Promise.all([createIdentities(material), createIdentities(material)]);
    const ask = (identities: typeof stolen): Promise<string> => {
      const { ip } = podOf(sandbox, 'inventory');
      return exchange('mesh mTLS', { from: podOf(sandbox, 'cart').ip, ip, port: 8080, protocol: 'HTTP', identities });
    };
    const listed = (): string | undefined => {
      const map = sandbox.store.get('ConfigMap', { namespace: 'default', name: 'istio-ca-crl' });
      return (map?.['data'] as Record<string, string> | undefined)?.['ca-crl.pem'];
    };
    const publish = async (crl: string): Promise<void> => {
      writeSecret(sandbox, { 'ca-crl.pem': crl });
      await sandbox.until(() => listed() === crl, 5000, 'the list is in each namespace');
    };
    expect(listed()).toBe(nothing);
    expect([await ask(stolen), await ask(honest)]).toEqual(['answered', 'answered']);

    const leaf = new X509Certificate(stolen.credentials.get('mesh mTLS')?.cert ?? '');
    await publish(await lists({ intermediate: [leaf.serialNumber] }));
    expect([await ask(stolen), await ask(honest)]).toEqual(['alert certificate revoked', 'answered']);

    // A list without those of every CA of the chain is not taken, and one that is taken away stays in force.
    const before = listed();
    writeSecret(sandbox, { 'ca-crl.pem': await operator.intermediateList() });
    expect(podOf(sandbox, 'istiod').logs('discovery').join('\n')).toContain(
      'missing CRL signed by certificates: [CN=Operator root,O=Shop]',
    );
    writeSecret(sandbox, { 'ca-crl.pem': '' });
    sandbox.store.delete('ConfigMap', { namespace: 'default', name: 'istio-ca-crl' }, { changeId: 'test' });
    await sandbox.until(() => listed() === before, 5000, 'istiod has put the list back');
    expect([await ask(stolen), await ask(honest)]).toEqual(['alert certificate revoked', 'answered']);

    await publish(await lists({ root: [operator.intermediate] }));
    expect(await ask(honest)).toBe('alert certificate revoked');
    // Open connections are not looked at again; they end after twenty requests. How many are open depends on how many calls of before were under way together.
    const call = () => podOf(sandbox, 'cart').fetch('http://inventory:8080/');
    const open = [...(podOf(sandbox, 'cart').proxy?.admin.stats() ?? [])].find(([name]) =>
      /^cluster\.outbound\|8080\|\|inventory\..*\.upstream_cx_active$/.test(name),
    );
    const most = REQUESTS_PER_CONNECTION * ((open?.[1] ?? 0) + 1);
    let answer = await call();
    for (let sent = 1; sent < most && answer.status === 200; sent++) answer = await call();
    expect(answer.status).toBe(503);
    const failed = mesh.events.findLast((event) => event.type === 'hop' && event.hop.response.flags.includes('UF'));
    expect(failed).toMatchObject({ hop: { response: { details: expect.stringContaining('certificate_revoked') } } });
  });
});
