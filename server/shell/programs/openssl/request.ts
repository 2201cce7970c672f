import { type OpensslWorld, readFile, readInput, type Verb, writeOutput } from './context.ts';
import { validity } from './dates.ts';
import { caOf, type Extension, keyExtensions, keyIdOf, parseExtension, subjectKeyId } from './extensions.ts';
import { newKey, pemOfSpki, pkcs8, readKeyFile } from './keys.ts';
import { parseSubject, printName } from './names.ts';
import { randomSerial, readCertificate, readRequest, spkiOf, writeCertificate, writeRequest } from './objects.ts';
import { type Options, readOptions } from './options.ts';
import { type CommandIo, UsageError } from './shell.ts';
import { printRequest } from './text.ts';

const SPEC = {
  new: 'nothing',
  x509: 'nothing',
  newkey: 'value',
  pkeyopt: 'many',
  nodes: 'nothing',
  noenc: 'nothing',
  key: 'value',
  keyout: 'value',
  subj: 'value',
  addext: 'many',
  days: 'value',
  not_before: 'value',
  not_after: 'value',
  CA: 'value',
  CAkey: 'value',
  in: 'value',
  out: 'value',
  noout: 'nothing',
  text: 'nothing',
  subject: 'nothing',
  verify: 'nothing',
  pubkey: 'nothing',
  batch: 'nothing',
  sha256: 'nothing',
} as const;

/** `openssl req`: makes a request for a certificate, or with `-x509` a certificate; without `-new`, shows a request. */
export const req: Verb = async (args, io, world) => {
  const options = readOptions('req', args, SPEC);
  const makes = options.has('new') || options.has('newkey') || (options.has('x509') && !options.has('in'));
  return makes ? make(options, io, world) : show(options, io, world);
};

async function make(options: Options, io: CommandIo, world: OpensslWorld): Promise<number> {
  const keyFile = options.text('key');
  const fresh = keyFile === undefined;
  const key = fresh
    ? await newKey('req', options.text('newkey') ?? 'rsa:2048', options.all('pkeyopt'))
    : readKeyFile('private key', keyFile, readFile(keyFile, world));
  const subj = options.text('subj');
  if (subj === undefined)
    throw new UsageError('req: give the subject, for example -subj /CN=payments: this terminal asks no questions');
  const subject = parseSubject(subj);
  const wanted = options.all('addext').map(parseExtension);
  if (fresh) {
    if (!options.has('nodes') && !options.has('noenc'))
      throw new UsageError(
        'req: this terminal asks for no pass phrase; add -noenc, and the key is written unencrypted',
      );
    const keyOut = options.text('keyout') ?? 'privkey.pem';
    writeOutput(keyOut, pkcs8(key), io, world);
    io.err('-----\n');
  }
  if (!options.has('x509')) {
    if (!options.has('noout')) writeOutput(options.text('out'), writeRequest(subject, key, wanted), io, world);
    return 0;
  }
  const spki = spkiOf(key);
  const issuer = issuerOf(options, world) ?? { key, subject, keyId: keyIdOf(spki) };
  const extensions = [...keyExtensions(spki, issuer.keyId), ...withConstraints(wanted)];
  const pem = writeCertificate({
    serial: randomSerial(),
    issuer: issuer.subject,
    subject,
    spki,
    key: issuer.key,
    extensions,
    ...validity('req', options, world.clock.now()),
  });
  if (!options.has('noout')) writeOutput(options.text('out'), pem, io, world);
  return 0;
}

/** `req -x509` makes a CA unless it is told otherwise, as openssl's own configuration has it. */
function withConstraints(wanted: readonly Extension[]): Extension[] {
  const given = wanted.some(({ id }) => id === '2.5.29.19');
  return given ? [...wanted] : [parseExtension('basicConstraints=critical,CA:TRUE'), ...wanted];
}

function issuerOf(options: Options, world: OpensslWorld) {
  const path = options.text('CA');
  if (path === undefined) return undefined;
  const certificate = readCertificate(readFile(path, world));
  const keyPath = options.text('CAkey') ?? path;
  const key = readKeyFile('issuer private key', keyPath, readFile(keyPath, world));
  if (!certificate.x509.checkPrivateKey(key))
    throw new UsageError('req: CA certificate and CA private key do not match');
  if (caOf(certificate.extensions).mayNotSign)
    throw new UsageError(`req: the key usage of ${path} does not allow signing`);
  return { key, subject: certificate.subject, keyId: subjectKeyId(certificate.extensions) };
}

async function show(options: Options, io: CommandIo, world: OpensslWorld): Promise<number> {
  const text = await readInput(options.text('in'), io, world);
  const request = readRequestOr(text, options.text('in'));
  if (options.has('verify'))
    io.err(`Certificate request self-signature verify ${request.verified ? 'OK' : 'failure'}\n`);
  if (options.has('text')) io.out(printRequest(request));
  if (options.has('subject')) io.out(`subject=${printName(request.subject)}\n`);
  if (options.has('pubkey')) io.out(pemOfSpki(request.spki));
  if (!options.has('noout')) writeOutput(options.text('out'), request.pem, io, world);
  return options.has('verify') && !request.verified ? 1 : 0;
}

/** UsageError in openssl's words when it cannot be read. */
export function readRequestOr(text: string, path: string | undefined): ReturnType<typeof readRequest> {
  try {
    return readRequest(text);
  } catch {
    throw new UsageError(`Unable to load X509 request from ${path ?? '<stdin>'}: it is no PEM certificate request`);
  }
}
