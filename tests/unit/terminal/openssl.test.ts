import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../server/system.ts';
import { freePort } from '../../support/free-port.ts';
import { createHarness, type Harness, type Ran } from './harness.ts';

const EC = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc';

/** A root, and leaves that each have one fault, as a learner makes them. */
const MATERIAL = [
  `openssl req -x509 ${EC} -keyout root.key -subj "/O=Shop, Inc/CN=Shop root" -days 365 -out root.pem`,
  `openssl req -x509 ${EC} -keyout other.key -subj "/CN=Another root" -out other.pem`,
  'openssl ecparam -name prime256v1 -genkey -noout -out payments.key',
  'openssl req -new -key payments.key -subj /CN=payments -addext "subjectAltName=DNS:payments,IP:127.0.0.1,URI:spiffe://a/b" -addext keyUsage=critical,digitalSignature,keyEncipherment -addext extendedKeyUsage=serverAuth,clientAuth -out payments.csr',
  'openssl x509 -req -in payments.csr -CA root.pem -CAkey root.key -CAcreateserial -copy_extensions copy -days 30 -out payments.pem',
  'openssl x509 -req -in payments.csr -CA root.pem -CAkey root.key -copy_extensions copy -not_before 20250101000000Z -not_after 20250102000000Z -out expired.pem',
  'openssl x509 -req -in payments.csr -CA other.pem -CAkey other.key -copy_extensions copy -out foreign.pem',
  'openssl req -new -key payments.key -subj /CN=payments -out bare.csr',
  'openssl x509 -req -in bare.csr -CA root.pem -CAkey root.key -set_serial 7 -out bare.pem',
  `openssl req -new ${EC} -keyout middle.key -subj /CN=Middle -addext basicConstraints=critical,CA:TRUE,pathlen:0 -out middle.csr`,
  'openssl x509 -req -in middle.csr -CA root.pem -CAkey root.key -copy_extensions copy -out middle.pem',
  'openssl x509 -req -in payments.csr -CA middle.pem -CAkey middle.key -copy_extensions copy -out below.pem',
  `openssl req -new ${EC} -keyout nephew.key -subj /CN=nephew -out nephew.csr`,
  'openssl x509 -req -in nephew.csr -CA bare.pem -CAkey payments.key -out nephew.pem',
  'openssl genrsa -out rsa.key 2048',
  'openssl req -x509 -key rsa.key -subj /C=DE/CN=rsa -out rsa.pem',
  'openssl genpkey -algorithm ED25519 -out ed.key',
  'openssl req -x509 -key ed.key -subj /CN=ed -out ed.pem',
];

let folder: string;
let harness: Harness;

const host = (line: string): { out: string; err: string; code: number | null } => {
  const { stdout, stderr, status } = spawnSync('openssl', line.split(' ').slice(1), { cwd: folder, encoding: 'utf8' });
  return { out: stdout, err: stderr, code: status };
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'meshwork-openssl-'));
  harness = createHarness({ clock: systemClock() });
  const made = await harness.run(...MATERIAL);
  expect(made.code).toBe(0);
  for (const [name, text] of harness.files) writeFileSync(join(folder, name), text);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('what openssl makes in the terminal', () => {
  it.each(['payments', 'root', 'bare', 'middle', 'rsa', 'ed'])(
    '%s.pem reads the same to the openssl of this machine',
    async (name) => {
      const line = `openssl x509 -in ${name}.pem -noout -text -subject -issuer -dates -serial -fingerprint -sha256 -pubkey`;
      const ours = await harness.run(line);
      expect(ours.out).toBe(host(line).out);
      expect(ours.out).toContain('Certificate:');
    },
  );

  it.each(['payments', 'middle'])('%s.csr too, and its signature holds', async (name) => {
    const line = `openssl req -in ${name}.csr -noout -text -verify`;
    const [ours, theirs] = [await harness.run(line), host(line)];
    expect(ours.out.trimEnd()).toBe(theirs.out.trimEnd());
    expect([ours.err, ours.code]).toEqual([theirs.err, theirs.code]);
  });

  it('keys are the ones of their certificates', () => {
    for (const [key, certificate] of [
      ['payments', 'payments'],
      ['rsa', 'rsa'],
      ['ed', 'ed'],
      ['root', 'root'],
    ]) {
      const own = host(`openssl pkey -in ${key}.key -pubout`).out;
      expect(own).toContain('PUBLIC KEY');
      expect(host(`openssl x509 -in ${certificate}.pem -noout -pubkey`).out).toBe(own);
    }
  });

  it('serial numbers of one CA count up', async () => {
    const again = 'openssl x509 -req -in payments.csr -CA root.pem -CAkey root.key -CAcreateserial';
    await harness.run(`${again} -out one.pem`, `${again} -out next.pem`);
    const serials = await harness.run(
      'openssl x509 -in one.pem -noout -serial',
      'openssl x509 -in next.pem -noout -serial',
    );
    const [first, next] = serials.out
      .trim()
      .split('\n')
      .map((line) => BigInt(`0x${line.replace('serial=', '')}`));
    expect(next).toBe((first ?? 0n) + 1n);
  });

  it('never asks for a pass phrase, and shows no private number of a key', async () => {
    const asked = await harness.run('openssl req -x509 -newkey rsa:2048 -subj /CN=a -out a.pem');
    expect([asked.code, asked.err]).toEqual([1, expect.stringContaining('-noenc')]);
    const shown = await harness.run('openssl pkey -in payments.key -noout -text');
    expect(shown.out).toContain('pub:');
    expect(shown.out).not.toContain('priv:');
  });
});

describe('openssl verify', () => {
  it.each([
    ['-CAfile root.pem payments.pem', 0],
    ['payments.pem', 20],
    ['-CAfile other.pem payments.pem', 20],
    ['-CAfile root.pem foreign.pem', 20],
    ['-CAfile root.pem expired.pem', 10],
    ['-CAfile root.pem -verify_hostname payments payments.pem', 0],
    ['-CAfile root.pem -verify_hostname carts payments.pem', 62],
    ['-CAfile root.pem -verify_ip 127.0.0.2 payments.pem', 64],
    // Without any SAN the common name still counts for openssl.
    ['-CAfile root.pem -verify_hostname payments bare.pem', 0],
    ['root.pem', 18],
    ['-CAfile root.pem root.pem', 0],
    ['-CAfile root.pem below.pem', 20],
    ['-CAfile root.pem -untrusted middle.pem below.pem', 0],
    ['-CAfile root.pem -untrusted middle.pem -show_chain below.pem', 0],
    ['-CAfile middle.pem below.pem', 2],
    ['-CAfile middle.pem -partial_chain below.pem', 0],
    ['-CAfile root.pem -untrusted bare.pem nephew.pem', 79],
    ['-CAfile root.pem -purpose sslserver payments.pem', 0],
    ['-untrusted other.pem foreign.pem', 19],
  ])('%s: says what the openssl of this machine says (%d)', async (flags, number) => {
    const line = `openssl verify ${flags}`;
    const [ours, theirs] = [await harness.run(line), host(line)];
    expect({ out: ours.out, err: ours.err, code: ours.code }).toEqual({
      out: theirs.out,
      err: theirs.err,
      code: theirs.code,
    });
    if (number > 0) expect(ours.err).toContain(`error ${number} at`);
  });
});

describe('openssl s_client', () => {
  let server: ChildProcess;
  let port: number;

  const serve = async (...flags: readonly string[]): Promise<void> => {
    port = await freePort();
    server = spawn(
      'openssl',
      ['s_server', '-accept', `127.0.0.1:${port}`, '-cert', 'payments.pem', '-key', 'payments.key', ...flags],
      { cwd: folder },
    );
    await new Promise<void>((resolve) =>
      server.stdout?.on('data', (bytes: Buffer) => bytes.toString().includes('ACCEPT') && resolve()),
    );
  };
  afterEach(() => server.kill());

  const client = (flags: string, input = ''): Promise<Ran> =>
    harness.run(`echo -n '${input}' | openssl s_client -connect 127.0.0.1:${port} ${flags}`);

  beforeEach(() => serve('-alpn', 'h2,http/1.1', '-www'));

  it('tells chain, version, ALPN and verdict of a real server', async () => {
    const { out, err, code } = await client('-CAfile root.pem -servername payments -verify_hostname payments -alpn h2');
    expect(code).toBe(0);
    expect(err).toContain(
      'depth=1 O = "Shop, Inc", CN = Shop root\nverify return:1\ndepth=0 CN = payments\nverify return:1\n',
    );
    const line = `openssl s_client -connect 127.0.0.1:${port} -CAfile root.pem -servername payments -verify_hostname payments -alpn h2`;
    const theirs = host(line).out;
    for (const part of [
      /Certificate chain\n[\s\S]*?issuer=.*/,
      /New, .*/,
      /Server Temp Key: .*/,
      /ALPN protocol: .*/,
      /Verify return code: .*/,
    ]) {
      const wanted = part.exec(theirs)?.[0] ?? 'not there';
      expect(out.replaceAll('\n\n', '\n')).toContain(wanted.replaceAll('\n\n', '\n'));
    }
  });

  it.each([
    ['', 21, 'unable to verify the first certificate'],
    ['-CAfile other.pem', 21, 'unable to verify the first certificate'],
    ['-CAfile root.pem -verify_hostname carts', 62, 'hostname mismatch'],
  ])('%s: verify return code %d', async (flags, number, text) => {
    const { out } = await client(flags);
    expect(out).toContain(`Verify return code: ${number} (${text})`);
    expect(host(`openssl s_client -connect 127.0.0.1:${port} ${flags}`.trim()).out).toContain(
      `Verify return code: ${number} (${text})`,
    );
  });

  it('sends what is piped in and prints the answer', async () => {
    const { out } = await harness.run(
      `echo -e 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -quiet -connect 127.0.0.1:${port}`,
    );
    expect(out).toContain('HTTP/1.0 200 ok');
  });

  it('hears the alert when it shows no certificate to a server that wants one', async () => {
    server.kill();
    await serve('-Verify', '1', '-CAfile', 'root.pem', '-verify_return_error');
    const refused = await client('-CAfile root.pem');
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('SSL alert number 116')]);
    expect((await client('-CAfile root.pem -cert payments.pem -key payments.key')).code).toBe(0);
  });

  it('fails as openssl does where nobody listens', async () => {
    const free = await freePort();
    const { code, err } = await harness.run(`openssl s_client -connect 127.0.0.1:${free}`);
    expect([code, err]).toEqual([1, expect.stringContaining('connect:errno=111')]);
  });
});

describe('kubectl create secret and configmap take what openssl made', () => {
  it('makes a TLS Secret of a certificate and its key', async () => {
    const made = await harness.run('kubectl create secret tls payments --cert=payments.pem --key=payments.key');
    expect(made).toMatchObject({ out: 'secret/payments created\n', code: 0 });
    const { data, type } = harness.sandbox.store.get('Secret', { namespace: 'default', name: 'payments' }) as never as {
      data: Record<string, string>;
      type: string;
    };
    expect(type).toBe('kubernetes.io/tls');
    expect(Buffer.from(data['tls.crt'] ?? '', 'base64').toString()).toBe(harness.files.get('payments.pem'));
  });

  it('refuses a key of another certificate', async () => {
    const { code, err } = await harness.run('kubectl create secret tls wrong --cert=payments.pem --key=root.key');
    expect([code, err]).toEqual([1, 'error: tls: private key does not match public key\n']);
  });

  it('prints instead of making with --dry-run=client, so that apply can replace', async () => {
    const line =
      'kubectl create configmap roots --from-file=ca.crt=root.pem --from-literal=a=b --dry-run=client -o yaml';
    const printed = await harness.run(line);
    expect(printed.out).toContain('  a: b\n  ca.crt: |\n    -----BEGIN CERTIFICATE-----\n');
    expect((await harness.run(`${line} | kubectl apply -f -`)).out).toBe('configmap/roots created\n');
  });
});

describe('bad input', () => {
  it.each([
    ['openssl foo', "Invalid command 'foo'"],
    ['openssl x509 -frob', 'x509: Unknown option: -frob'],
    ['openssl x509 -in none.pem', 'Can\'t open "none.pem" for reading, No such file or directory'],
    ['openssl x509 -in payments.key', 'Could not read certificate from payments.key'],
    ['openssl genrsa 1000000', '-newkey takes 512 to 4096 here'],
    ['openssl ecparam -name secret -genkey', 'unknown curve name (secret)'],
    ['openssl req -new -key payments.key -subj CN=a', 'subject name is expected to be in the format'],
    ['openssl req -new -key payments.key -subj /CN=a -addext subjectAltName=payments', 'bad subject alternative name'],
    [
      'openssl x509 -req -in payments.csr -CA root.pem -CAkey other.key',
      'CA certificate and CA private key do not match',
    ],
    ['openssl x509 -req -in payments.csr -CA root.pem -CAkey root.key -days soon', 'Non-number "soon"'],
    ['openssl s_client -connect nowhere', 'malformed or ambiguous'],
  ])('%s is refused in words', async (line, words) => {
    const { code, err } = await harness.run(line);
    expect(code).not.toBe(0);
    expect(err).toContain(words);
  });
});
