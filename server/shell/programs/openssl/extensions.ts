import { createHash } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import { der } from '#ca';
import { UsageError } from '../../command.ts';
import { dotted, printName } from './names.ts';

/** An extension of a certificate or of a request for one. */
export interface Extension {
  /** Dotted object identifier. */
  readonly id: string;
  readonly critical: boolean;
  /** DER of its value. */
  readonly value: Buffer;
}

const IDS = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

type Name = keyof typeof IDS;

const TITLES: Readonly<Record<Name, string>> = {
  subjectKeyIdentifier: 'X509v3 Subject Key Identifier',
  keyUsage: 'X509v3 Key Usage',
  subjectAltName: 'X509v3 Subject Alternative Name',
  basicConstraints: 'X509v3 Basic Constraints',
  authorityKeyIdentifier: 'X509v3 Authority Key Identifier',
  extendedKeyUsage: 'X509v3 Extended Key Usage',
};

/** The bits of keyUsage in their order, and openssl's long names. */
const USAGES: readonly (readonly [string, string])[] = [
  ['digitalSignature', 'Digital Signature'],
  ['nonRepudiation', 'Non Repudiation'],
  ['keyEncipherment', 'Key Encipherment'],
  ['dataEncipherment', 'Data Encipherment'],
  ['keyAgreement', 'Key Agreement'],
  ['keyCertSign', 'Certificate Sign'],
  ['cRLSign', 'CRL Sign'],
  ['encipherOnly', 'Encipher Only'],
];

const PURPOSES: readonly (readonly [short: string, long: string, id: string])[] = [
  ['serverAuth', 'TLS Web Server Authentication', '1.3.6.1.5.5.7.3.1'],
  ['clientAuth', 'TLS Web Client Authentication', '1.3.6.1.5.5.7.3.2'],
  ['codeSigning', 'Code Signing', '1.3.6.1.5.5.7.3.3'],
  ['emailProtection', 'E-mail Protection', '1.3.6.1.5.5.7.3.4'],
];

const isName = (text: string): text is Name => Object.hasOwn(IDS, text);

/** `subjectAltName=DNS:payments`, `basicConstraints=critical,CA:TRUE`. UsageError for what is not known here. */
export function parseExtension(text: string): Extension {
  const equals = text.indexOf('=');
  const name = text.slice(0, Math.max(0, equals)).trim();
  if (!isName(name))
    throw new UsageError(`Error adding extensions defined via -addext: unknown extension name "${name}"`);
  const words = text
    .slice(equals + 1)
    .split(',')
    .map((word) => word.trim());
  const critical = words[0] === 'critical';
  return { id: IDS[name], critical, value: encodeValue(name, critical ? words.slice(1) : words) };
}

function encodeValue(name: Name, words: readonly string[]): Buffer {
  switch (name) {
    case 'subjectAltName':
      return der.sequence(...words.map(generalName));
    case 'basicConstraints':
      return basicConstraints(words);
    case 'keyUsage':
      return usageBits(words);
    case 'extendedKeyUsage':
      return der.sequence(
        ...words.map((word) => {
          const id = PURPOSES.find(([short]) => short === word)?.[2] ?? (/^\d+(\.\d+)+$/.test(word) ? word : undefined);
          if (id === undefined) throw new UsageError(`Error: unknown extended key usage "${word}"`);
          return der.oid(id);
        }),
      );
    default:
      throw new UsageError(`${name} is set by itself here`);
  }
}

function generalName(word: string): Buffer {
  const colon = word.indexOf(':');
  const [kind, value] = [word.slice(0, Math.max(0, colon)), word.slice(colon + 1)];
  if (kind === 'DNS') return der.implicit(2, Buffer.from(value, 'latin1'));
  if (kind === 'email') return der.implicit(1, Buffer.from(value, 'latin1'));
  if (kind === 'URI') return der.implicit(6, Buffer.from(value, 'latin1'));
  if (kind === 'IP' && isIPv4(value)) return der.implicit(7, Uint8Array.from(value.split('.').map(Number)));
  if (kind === 'IP' && isIPv6(value)) throw new UsageError('Error: IPv6 addresses are not written here');
  throw new UsageError(
    `Error: bad subject alternative name "${word}"; write DNS:name, IP:address, URI:uri or email:address`,
  );
}

function basicConstraints(words: readonly string[]): Buffer {
  const values = new Map(words.map((word) => word.split(':') as [string, string]));
  const isCa = values.get('CA')?.toUpperCase() === 'TRUE';
  const length = values.get('pathlen');
  return der.sequence(
    ...(isCa ? [der.boolean(true)] : []),
    ...(length === undefined ? [] : [der.unsigned(Uint8Array.of(Number(length)))]),
  );
}

function usageBits(words: readonly string[]): Buffer {
  let bits = 0;
  let last = 0;
  for (const word of words) {
    const at = USAGES.findIndex(([name]) => name === word);
    if (at < 0) throw new UsageError(`Error: unknown key usage "${word}"`);
    bits |= 0x80 >> at;
    last = Math.max(last, at);
  }
  return der.bitString(Uint8Array.of(bits), 7 - last);
}

/** What openssl adds by itself: the identifier of the key that is certified, and that of the one that signs. */
export function keyExtensions(spki: Buffer, issuerKeyId: Buffer | undefined): Extension[] {
  const own = { id: IDS.subjectKeyIdentifier, critical: false, value: der.octetString(keyIdOf(spki)) };
  if (issuerKeyId === undefined) return [own];
  return [own, { id: IDS.authorityKeyIdentifier, critical: false, value: der.sequence(der.implicit(0, issuerKeyId)) }];
}

/** RFC 5280 §4.2.1.2 (1): SHA-1 of the bits of the key. */
export function keyIdOf(spki: Buffer): Buffer {
  const [, bits] = der.members(der.first(der.decodeAll(spki)));
  return createHash('sha1')
    .update(bits?.content.subarray(1) ?? Buffer.alloc(0))
    .digest();
}

/** The subject key identifier among a certificate's extensions. */
export function subjectKeyId(extensions: readonly Extension[]): Buffer | undefined {
  const found = extensions.find(({ id }) => id === IDS.subjectKeyIdentifier);
  return found === undefined ? undefined : der.first(der.decodeAll(found.value)).content;
}

/** Whether the certificate may sign others, how many CAs may stand below it, and whether its key usage forbids signing. */
export function caOf(extensions: readonly Extension[]): { ca: boolean; pathLength?: number; mayNotSign: boolean } {
  const basic = extensions.find(({ id }) => id === IDS.basicConstraints);
  const usage = extensions.find(({ id }) => id === IDS.keyUsage);
  const values = basic === undefined ? [] : der.members(der.first(der.decodeAll(basic.value)));
  const length = values.find(({ tag }) => tag === der.tags.integer);
  return {
    ca: values.some(({ tag, content }) => tag === der.tags.boolean && content[0] !== 0),
    ...(length && { pathLength: length.content.at(-1) ?? 0 }),
    mayNotSign: usage !== undefined && ((der.first(der.decodeAll(usage.value)).content[1] ?? 0) & 0x04) === 0,
  };
}

/** The object identifiers of extendedKeyUsage by their short names; undefined when every purpose is allowed. */
export function purposesOf(extensions: readonly Extension[]): readonly string[] | undefined {
  const found = extensions.find(({ id }) => id === IDS.extendedKeyUsage);
  if (found === undefined) return undefined;
  return der.members(der.first(der.decodeAll(found.value))).map(({ content }) => {
    const id = dotted(content);
    return PURPOSES.find(([, , each]) => each === id)?.[0] ?? id;
  });
}

export const encodeExtension = ({ id, critical, value }: Extension): Buffer =>
  critical
    ? der.sequence(der.oid(id), der.boolean(true), der.octetString(value))
    : der.sequence(der.oid(id), der.octetString(value));

/** Reads the Extensions sequence. */
export const readExtensions = (list: ReturnType<typeof der.first>): Extension[] =>
  der.members(list).map((item) => {
    const parts = der.members(item);
    return {
      id: dotted(parts[0]?.content ?? Buffer.alloc(0)),
      critical: parts.length > 2 && parts[1]?.content[0] !== 0,
      value: parts.at(-1)?.content ?? Buffer.alloc(0),
    };
  });

/** `-ext subjectAltName,keyUsage`: those of these names. */
export function named(extensions: readonly Extension[], names: string): Extension[] {
  const wanted: readonly string[] = names
    .split(',')
    .map((name) => name.trim())
    .filter(isName)
    .map((name) => IDS[name]);
  return extensions.filter(({ id }) => wanted.includes(id));
}

/** Lines of `-text` and `-ext`, without indentation: a title, and its value one step further in. */
export function printExtension(extension: Extension): [title: string, value: string] {
  const name = (Object.keys(IDS) as Name[]).find((each) => IDS[each] === extension.id);
  const title = `${name === undefined ? extension.id : TITLES[name]}: ${extension.critical ? 'critical' : ''}`;
  return [title, name === undefined ? extension.value.toString('latin1') : printValue(name, extension)];
}

const colons = (bytes: Buffer): string => (bytes.toString('hex').toUpperCase().match(/../g) ?? []).join(':');

function printValue(name: Name, { value }: Extension): string {
  const root = der.first(der.decodeAll(value));
  switch (name) {
    case 'subjectKeyIdentifier':
      return colons(root.content);
    case 'authorityKeyIdentifier':
      return colons(der.members(root).find(({ tag }) => tag === 0x80)?.content ?? Buffer.alloc(0));
    case 'basicConstraints': {
      const { ca, pathLength } = caOf([{ id: IDS.basicConstraints, critical: false, value }]);
      return `CA:${ca ? 'TRUE' : 'FALSE'}${pathLength === undefined ? '' : `, pathlen:${pathLength}`}`;
    }
    case 'keyUsage':
      return USAGES.filter((_usage, at) => ((root.content[1] ?? 0) & (0x80 >> at)) !== 0)
        .map(([, long]) => long)
        .join(', ');
    case 'extendedKeyUsage':
      return der
        .members(root)
        .map(({ content }) => PURPOSES.find(([, , id]) => id === dotted(content))?.[1] ?? dotted(content))
        .join(', ');
    case 'subjectAltName':
      return der.members(root).map(printGeneralName).join(', ');
  }
}

function printGeneralName({ tag, content }: { readonly tag: number; readonly content: Buffer }): string {
  if (tag === 0x81) return `email:${content.toString('latin1')}`;
  if (tag === 0x82) return `DNS:${content.toString('latin1')}`;
  if (tag === 0x86) return `URI:${content.toString('latin1')}`;
  if (tag === 0x87 && content.length === 4) return `IP Address:${[...content].join('.')}`;
  if (tag === 0xa4) return `DirName:${printName(content)}`;
  return 'othername: <unsupported>';
}
