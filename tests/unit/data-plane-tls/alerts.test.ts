import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inspect } from '../../../server/data-plane/tls/index.ts';
import { systemClock } from '../../../server/system.ts';
import { createTestCa, type TestCa, type TestCertificate } from './certificates.ts';
import { CLIENT_ID, type Listener, SERVER_ID, serverTransport, startListener } from './harness.ts';

let folder: string;
let ca: TestCa;
let other: TestCa;
let serverCertificate: TestCertificate;
let listener: Listener;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'meshwork-alerts-'));
  ca = await createTestCa();
  other = await createTestCa('O=other');
  serverCertificate = await ca.issue({ uris: [SERVER_ID] });
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  listener = await startListener();
});
afterEach(() => listener.close());

/** What `openssl s_client` says when it shows a certificate to a server of ours that wants one of `ca`. */
async function refusedBy(certificate: TestCertificate, ...flags: readonly string[]): Promise<string> {
  const file = join(folder, 'client.pem');
  writeFileSync(file, `${certificate.chainPem}\n${certificate.keyPem}`);
  const server = serverTransport({
    credentials: () => ({ certificate: serverCertificate, rootsPem: ca.rootsPem }),
  });
  const accepted = listener.accept().then(async (socket) => {
    const hello = await inspect(socket, { clock: systemClock(), detectHttp: false, timeoutMs: 0 });
    if (hello !== undefined) server.handshake(socket, { secured: () => undefined, failed: () => undefined }, hello);
  });
  const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${listener.port}`, '-cert', file, ...flags]);
  let said = '';
  for (const stream of [client.stdout, client.stderr]) {
    stream.on('data', (bytes: Buffer) => {
      said += bytes.toString();
    });
  }
  const closed = once(client, 'close');
  await accepted;
  await closed;
  return said;
}

describe('openssl s_client hears why a proxy refuses its certificate', () => {
  it.each(['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'])(
    'a foreign CA, with %s',
    async (suite) => {
      const stranger = await other.issue({ uris: [CLIENT_ID] });
      expect(await refusedBy(stranger, '-ciphersuites', suite)).toContain('SSL alert number 48');
    },
  );

  it('an expired certificate', async () => {
    const expired = await ca.issue({ uris: [CLIENT_ID], notAfterMs: Date.now() - 1000 });
    expect(await refusedBy(expired)).toContain('SSL alert number 45');
  });

  it('the same in TLS 1.2, before the handshake is over', async () => {
    const stranger = await other.issue({ uris: [CLIENT_ID] });
    const said = await refusedBy(stranger, '-tls1_2');
    expect(said).toContain('SSL alert number 48');
    expect(said).not.toContain('Verify return code: 0');
    const expired = await ca.issue({ uris: [CLIENT_ID], notAfterMs: Date.now() - 1000 });
    expect(await refusedBy(expired, '-tls1_2')).toContain('SSL alert number 45');
  });
});
