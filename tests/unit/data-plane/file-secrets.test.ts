import { describe, expect, it } from 'vitest';
import { createKeyAndRequest } from '../../../server/data-plane/agent/csr.ts';
import { fileSecretsIn, SecretStore, SYSTEM_ROOTS } from '../../../server/data-plane/agent/secret-store.ts';
import { createTestCa } from '../../mesh/data-plane-harness.ts';

const CERT = 'file-cert:/tls/tls.crt~/tls/tls.key';
const ROOT = 'file-root:/ca/ca.crt';

describe('a secret in files of the proxy’s container', () => {
  it('is there once its files are, is what they hold now, and is listed without its key', async () => {
    const ca = await createTestCa();
    const { csrPem, keyPem } = createKeyAndRequest('spiffe://cluster.local/ns/default/sa/a');
    const { chainPem, rootsPem } = await ca.sign(csrPem, 't');
    const files = new Map<string, string>();
    const secrets = new SecretStore(undefined, (path) => files.get(path));
    expect([secrets.certificate(CERT), secrets.roots(ROOT), secrets.list([CERT, ROOT])]).toEqual([
      undefined,
      undefined,
      [],
    ]);
    files.set('/tls/tls.crt', chainPem.join(''));
    expect(secrets.certificate(CERT)).toBeUndefined();
    files.set('/tls/tls.key', keyPem);
    files.set('/ca/ca.crt', rootsPem.join(''));
    expect(secrets.certificate(CERT)).toEqual({ chainPem: chainPem.join(''), keyPem });
    expect(secrets.roots(ROOT)).toBe(rootsPem.join(''));
    const shown = secrets.list([CERT, ROOT]);
    expect(shown.map(({ name, type }) => [name, type])).toEqual([
      [CERT, 'Cert Chain'],
      [ROOT, 'CA'],
    ]);
    expect(JSON.stringify(shown)).not.toContain('PRIVATE KEY');
    files.set('/ca/ca.crt', 'none');
    expect(secrets.list([CERT, ROOT])).toHaveLength(1);
  });

  it('is told from the roots of the web by its name', () => {
    const socket = { names: [CERT, ROOT, SYSTEM_ROOTS, CERT] };
    expect(fileSecretsIn({ transport_socket: socket })).toEqual([CERT, ROOT]);
  });
});
