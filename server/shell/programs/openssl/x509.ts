import { createHash } from 'node:crypto';
import { type OpensslWorld, readFile, readInput, type Verb, writeOutput } from './context.ts';
import { validity } from './dates.ts';
import { type Extension, keyExtensions, keyIdOf, named, parseExtension, subjectKeyId } from './extensions.ts';
import { pemOfSpki, readKeyFile } from './keys.ts';
import { printName } from './names.ts';
import { type Certificate, randomSerial, readCertificate, writeCertificate } from './objects.ts';
import { type Options, readOptions, wholeNumber } from './options.ts';
import { readRequestOr } from './request.ts';
import { type CommandIo, UsageError } from './shell.ts';
import { printCertificate, printExtensions, printTime } from './text.ts';

const SPEC = {
  in: 'value',
  out: 'value',
  noout: 'nothing',
  text: 'nothing',
  subject: 'nothing',
  issuer: 'nothing',
  dates: 'nothing',
  startdate: 'nothing',
  enddate: 'nothing',
  serial: 'nothing',
  fingerprint: 'nothing',
  sha1: 'nothing',
  sha256: 'nothing',
  pubkey: 'nothing',
  ext: 'value',
  checkend: 'value',
  checkhost: 'value',
  checkip: 'value',
  req: 'nothing',
  CA: 'value',
  CAkey: 'value',
  CAcreateserial: 'nothing',
  CAserial: 'value',
  set_serial: 'value',
  key: 'value',
  signkey: 'value',
  days: 'value',
  not_before: 'value',
  not_after: 'value',
  extfile: 'value',
  extensions: 'value',
  copy_extensions: 'value',
} as const;

/** `openssl x509`: shows a certificate, or with `-req` makes one from a request. */
export const x509: Verb = async (args, io, world) => {
  const options = readOptions('x509', args, SPEC);
  const text = await readInput(options.text('in'), io, world);
  const certificate = readCertificateOr(options.has('req') ? sign(text, options, io, world) : text, options.text('in'));
  for (const print of printed(args)) io.out(print(certificate, options));
  let code = 0;
  const end = options.text('checkend');
  if (end !== undefined) {
    const seconds = wholeNumber('x509', 'checkend', end, { min: 0, max: 999_999_999 });
    const expires = certificate.notAfterMs <= world.clock.now() + seconds * 1000;
    io.out(`Certificate will ${expires ? '' : 'not '}expire\n`);
    code = expires ? 1 : 0;
  }
  for (const [option, word] of [
    ['checkhost', 'Hostname'],
    ['checkip', 'IP'],
  ] as const) {
    const wanted = options.text(option);
    if (wanted === undefined) continue;
    const fits = option === 'checkhost' ? certificate.x509.checkHost(wanted) : certificate.x509.checkIP(wanted);
    io.out(`${word} ${wanted} does ${fits === undefined ? 'NOT ' : ''}match certificate\n`);
  }
  if (!options.has('noout')) writeOutput(options.text('out'), certificate.pem, io, world);
  return code;
};

type Print = (certificate: Certificate, options: Options) => string;

const start: Print = ({ notBeforeMs }) => `notBefore=${printTime(notBeforeMs)}\n`;
const end: Print = ({ notAfterMs }) => `notAfter=${printTime(notAfterMs)}\n`;
const PRINTS: Readonly<Record<string, Print>> = {
  text: printCertificate,
  subject: ({ subject }) => `subject=${printName(subject)}\n`,
  issuer: ({ issuer }) => `issuer=${printName(issuer)}\n`,
  dates: (...all) => start(...all) + end(...all),
  startdate: start,
  enddate: end,
  serial: ({ serial }) => `serial=${serialText(serial)}\n`,
  fingerprint: ({ raw }, options) => {
    const hash = options.has('sha256') ? 'sha256' : 'sha1';
    const hex = createHash(hash).update(raw).digest('hex').toUpperCase().match(/../g) ?? [];
    return `${hash === 'sha256' ? 'sha256' : 'SHA1'} Fingerprint=${hex.join(':')}\n`;
  },
  pubkey: ({ spki }) => pemOfSpki(spki),
  ext: ({ extensions }, options) => {
    const found = named(extensions, options.text('ext') ?? '');
    return found.length === 0 ? 'No extensions matching requested names\n' : printExtensions(found, 0);
  },
};

/** What to show, in the order of the words. */
const printed = (args: readonly string[]): Print[] =>
  args.map((arg) => PRINTS[arg.replace(/^--?/, '')]).filter((print) => print !== undefined);

const serialText = (serial: Buffer): string =>
  serial
    .toString('hex')
    .toUpperCase()
    .replace(/^00(?=[89A-F])/, '');

/** UsageError in openssl's words when it cannot be read. */
export function readCertificateOr(text: string, path: string | undefined): Certificate {
  try {
    return readCertificate(text);
  } catch {
    throw new UsageError(`Could not read certificate from ${path ?? '<stdin>'}: it is no PEM certificate`);
  }
}

function sign(text: string, options: Options, io: CommandIo, world: OpensslWorld): string {
  const request = readRequestOr(text, options.text('in'));
  if (!request.verified) {
    throw new UsageError('Certificate request self-signature did not match the contents');
  }
  io.err(`Certificate request self-signature ok\nsubject=${printName(request.subject)}\n`);
  const signer = signerOf(options, world);
  const own = extensionsOf(options, world);
  const copied = ['copy', 'copyall'].includes(options.text('copy_extensions') ?? '') ? request.extensions : [];
  const pem = writeCertificate({
    serial: serialOf(options, world),
    issuer: signer.issuer ?? request.subject,
    subject: request.subject,
    spki: request.spki,
    key: signer.key,
    extensions: [
      ...copied.filter(({ id }) => !own.some((each) => each.id === id)),
      ...own,
      ...keyExtensions(request.spki, signer.keyId ?? (signer.issuer === undefined ? keyIdOf(request.spki) : undefined)),
    ],
    ...validity('x509', options, world.clock.now()),
  });
  return pem;
}

/** The CA, or the key of the request itself. */
function signerOf(options: Options, world: OpensslWorld) {
  const ownKey = options.text('key') ?? options.text('signkey');
  if (ownKey !== undefined) {
    return { key: readKeyFile('private key', ownKey, readFile(ownKey, world)), issuer: undefined, keyId: undefined };
  }
  const caPath = options.text('CA');
  if (caPath === undefined)
    throw new UsageError('x509: We need a private key to sign with, use -key or -CA and -CAkey');
  const keyPath = options.text('CAkey') ?? caPath;
  const certificate = readCertificateOr(readFile(caPath, world), caPath);
  const key = readKeyFile('CA private key', keyPath, readFile(keyPath, world));
  if (!certificate.x509.checkPrivateKey(key))
    throw new UsageError('x509: CA certificate and CA private key do not match');
  return { key, issuer: certificate.subject, keyId: subjectKeyId(certificate.extensions) };
}

/** `-extfile`: `name=value` a line, of a section when one is named. */
function extensionsOf(options: Options, world: OpensslWorld): Extension[] {
  const path = options.text('extfile');
  if (path === undefined) return [];
  const wanted = options.text('extensions');
  let section = '';
  return readFile(path, world)
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .flatMap((line) => {
      const [, name] = /^\[\s*(\S+)\s*\]$/.exec(line) ?? [];
      if (name !== undefined) section = name;
      const counts =
        name === undefined &&
        line !== '' &&
        (wanted === undefined ? section === '' || section === 'default' : section === wanted);
      return counts ? [parseExtension(line)] : [];
    });
}

/** Of `-set_serial`, of the file beside the CA, counted up, or drawn. */
function serialOf(options: Options, world: OpensslWorld): Buffer {
  const set = options.text('set_serial');
  if (set !== undefined) {
    if (!/^(0x[0-9a-fA-F]{1,40}|\d{1,40})$/.test(set)) throw new UsageError(`x509: bad serial number ${set}`);
    return bytesOf(BigInt(set));
  }
  const caPath = options.text('CA');
  if (caPath === undefined) return randomSerial();
  const path = options.text('CAserial') ?? `${caPath.replace(/\.[^./]*$/, '')}.srl`;
  const kept = world.files.read(path)?.trim();
  if (kept === undefined && !options.has('CAcreateserial')) return randomSerial();
  const serial =
    kept !== undefined && /^[0-9A-Fa-f]{1,40}$/.test(kept) ? bytesOf(BigInt(`0x${kept}`) + 1n) : randomSerial();
  world.files.write(path, `${serial.toString('hex').toUpperCase()}\n`);
  return serial;
}

function bytesOf(value: bigint): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}
