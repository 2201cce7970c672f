import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { der } from '#ca';
import { readInput, type Verb, writeOutput } from './context.ts';
import { readKey, spkiOf } from './objects.ts';
import { readOptions, wholeNumber } from './options.ts';
import { UsageError } from './shell.ts';
import { keyBits, printPublicKey } from './text.ts';

const generate = promisify(generateKeyPair) as (type: string, options: object) => Promise<{ privateKey: KeyObject }>;
const MIN_RSA_BITS = 512;
/** Longer ones take seconds. */
const MAX_RSA_BITS = 4096;
const DEFAULT_RSA_BITS = 2048;

const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  'P-256': 'P-256',
  secp384r1: 'P-384',
  'P-384': 'P-384',
  secp521r1: 'P-521',
  'P-521': 'P-521',
};

/** A new private key: `rsa`, `rsa:2048`, `ec` with its curve, `ed25519`. UsageError for what is not known here. */
export async function newKey(verb: string, algorithm: string, parameters: readonly string[]): Promise<KeyObject> {
  const [kind = '', size] = algorithm.toLowerCase().split(':');
  const parameter = (name: string): string | undefined =>
    parameters.find((each) => each.startsWith(`${name}:`))?.slice(name.length + 1);
  if (kind === 'rsa') {
    const bits = wholeNumber(verb, 'newkey', size ?? parameter('rsa_keygen_bits') ?? String(DEFAULT_RSA_BITS), {
      min: MIN_RSA_BITS,
      max: MAX_RSA_BITS,
    });
    return (await generate('rsa', { modulusLength: bits })).privateKey;
  }
  if (kind === 'ed25519') return (await generate('ed25519', {})).privateKey;
  if (kind !== 'ec')
    throw new UsageError(`${verb}: Unknown algorithm ${algorithm}; rsa, ec and ed25519 are known here`);
  return newCurveKey(verb, parameter('ec_paramgen_curve') ?? '');
}

async function newCurveKey(verb: string, name: string): Promise<KeyObject> {
  const namedCurve = CURVES[name];
  if (namedCurve === undefined)
    throw new UsageError(`${verb}: unknown curve name (${name}); prime256v1, secp384r1 and secp521r1 are known here`);
  return (await generate('ec', { namedCurve })).privateKey;
}

export const pkcs8 = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string;

export const genrsa: Verb = async (args, io, world) => {
  const options = readOptions('genrsa', args, { out: 'value', traditional: 'nothing' });
  const key = await newKey('genrsa', `rsa:${options.words[0] ?? DEFAULT_RSA_BITS}`, []);
  writeOutput(options.text('out'), pkcs8(key), io, world);
  return 0;
};

export const genpkey: Verb = async (args, io, world) => {
  const options = readOptions('genpkey', args, { algorithm: 'value', pkeyopt: 'many', out: 'value', quiet: 'nothing' });
  const key = await newKey('genpkey', options.text('algorithm') ?? '', options.all('pkeyopt'));
  writeOutput(options.text('out'), pkcs8(key), io, world);
  return 0;
};

export const ecparam: Verb = async (args, io, world) => {
  const options = readOptions('ecparam', args, {
    name: 'value',
    genkey: 'nothing',
    noout: 'nothing',
    out: 'value',
    list_curves: 'nothing',
  });
  if (options.has('list_curves')) {
    io.out(
      '  secp384r1 : NIST/SECG curve over a 384 bit prime field\n  secp521r1 : NIST/SECG curve over a 521 bit prime field\n  prime256v1: X9.62/SECG curve over a 256 bit prime field\n',
    );
    return 0;
  }
  const key = await newCurveKey('ecparam', options.text('name') ?? '');
  if (!options.has('genkey')) throw new UsageError('ecparam: only -genkey is known here');
  writeOutput(options.text('out'), key.export({ type: 'sec1', format: 'pem' }) as string, io, world);
  return 0;
};

/** `pkey`, `rsa` and `ec`: shows a key, or writes its public half. */
export const pkey =
  (verb: string): Verb =>
  async (args, io, world) => {
    const options = readOptions(verb, args, {
      in: 'value',
      out: 'value',
      pubout: 'nothing',
      noout: 'nothing',
      text: 'nothing',
      check: 'nothing',
    });
    const text = await readInput(options.text('in'), io, world);
    const key = keyOf(verb, text);
    if (options.has('check')) io.err('Key is valid\n');
    // Unlike openssl, -text keeps the private numbers to itself: who wants them has the file.
    if (options.has('text')) io.out(`Private-Key: (${keyBits(key)} bit)\n${printPublicKey(spkiOf(key), 0)}`);
    if (options.has('noout')) return 0;
    const half = options.has('pubout') ? publicPem(key) : pkcs8(key);
    writeOutput(options.text('out'), half, io, world);
    return 0;
  };

function keyOf(verb: string, pem: string): KeyObject {
  try {
    return readKey(pem);
  } catch {
    throw new UsageError(
      `Could not read private key${verb === 'pkey' ? '' : ` with ${verb}`}: it is no unencrypted PEM key`,
    );
  }
}

export const publicPem = (key: KeyObject): string => pemOfSpki(spkiOf(key));

export const pemOfSpki = (spki: Buffer): string => der.toPem('PUBLIC KEY', spki);

/** The key in a file; UsageError in openssl's words. */
export function readKeyFile(what: string, path: string, text: string): KeyObject {
  try {
    return readKey(text);
  } catch {
    throw new UsageError(`Could not read ${what} from ${path}: it is no unencrypted PEM key`);
  }
}
