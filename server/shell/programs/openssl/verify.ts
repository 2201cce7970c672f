import { type ChainError, judgeChain, VERIFY_TEXTS } from './chain.ts';
import { type OpensslWorld, readFile, readInput, type Verb } from './context.ts';
import { printName } from './names.ts';
import { type Certificate, readCertificates } from './objects.ts';
import { readOptions } from './options.ts';
import { type CommandIo, UsageError } from './shell.ts';
import { readCertificateOr } from './x509.ts';

const SPEC = {
  CAfile: 'value',
  trusted: 'many',
  untrusted: 'many',
  verify_hostname: 'value',
  verify_ip: 'value',
  purpose: 'value',
  partial_chain: 'nothing',
  show_chain: 'nothing',
  x509_strict: 'nothing',
  attime: 'value',
} as const;

const FAILED = 2;
/** Errors after which `openssl verify` looks on: apps/verify.c. */
const GOES_ON: ReadonlySet<number> = new Set([10, 18, 24, 25, 26, 79]);

/** `openssl verify`: whether the roots vouch for certificates, by openssl's own rules and numbers. */
export const verify: Verb = async (args, io, world) => {
  const options = readOptions('verify', args, SPEC);
  const purpose = options.text('purpose');
  if (purpose !== undefined && purpose !== 'sslserver' && purpose !== 'sslclient')
    throw new UsageError(`verify: unknown purpose ${purpose}; sslserver and sslclient are known here`);
  const trusted = [options.text('CAfile'), ...options.all('trusted')].flatMap((path) => bundle(path, world));
  const untrusted = options.all('untrusted').flatMap((path) => bundle(path, world));
  const given = options.text('attime');
  const nowMs = given === undefined ? world.clock.now() : Number(given) * 1000;
  let code = 0;
  for (const path of options.words.length === 0 ? [undefined] : options.words) {
    const leaf = readCertificateOr(await readInput(path, io, world), path);
    const { path: chain, errors } = judgeChain(leaf, {
      trusted,
      untrusted,
      nowMs,
      purpose,
      hostname: options.text('verify_hostname'),
      ip: options.text('verify_ip'),
      partialChain: options.has('partial_chain'),
    });
    const name = path ?? 'stdin';
    const ok = tell(errors, name, io);
    if (!ok) code = FAILED;
    else if (options.has('show_chain')) showChain(chain, trusted, io);
  }
  return code;
};

function tell(errors: readonly ChainError[], name: string, io: CommandIo): boolean {
  if (errors.length === 0) {
    io.out(`${name}: OK\n`);
    return true;
  }
  for (const { number, depth, certificate } of errors) {
    io.err(`${printName(certificate.subject)}\nerror ${number} at ${depth} depth lookup: ${VERIFY_TEXTS[number]}\n`);
    if (!GOES_ON.has(number)) break;
  }
  io.err(`error ${name}: verification failed\n`);
  return false;
}

function showChain(chain: readonly Certificate[], trusted: readonly Certificate[], io: CommandIo): void {
  io.out('Chain:\n');
  for (const [depth, { subject, raw }] of chain.entries()) {
    const known = trusted.some((each) => each.raw.equals(raw));
    io.out(`depth=${depth}: ${printName(subject)}${known ? '' : ' (untrusted)'}\n`);
  }
}

/** All certificates of a PEM file. */
export function bundle(path: string | undefined, world: OpensslWorld): Certificate[] {
  if (path === undefined) return [];
  const found = readCertificates(readFile(path, world));
  if (found.length > 0) return found;
  throw new UsageError(`Could not read certificates from ${path}: it holds no PEM certificate that can be read`);
}
