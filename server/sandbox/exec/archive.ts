/** A file or a folder in a tar archive; folders have no bytes. */
export interface ArchiveEntry {
  readonly path: string;
  readonly bytes?: Buffer;
}

const BLOCK = 512;
const FOLDER = '5';
const FILES: ReadonlySet<string> = new Set(['0', '\0', '7']);
const LONG_NAME = 'L';
const EXTENDED = 'x';
const NAME_BYTES = 100;
const LONG_LINK = '././@LongLink';

const padded = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;

/** A tar archive of files, in the ustar form with GNU's long names. */
export function writeArchive(entries: readonly ArchiveEntry[], atMs: number): Buffer {
  const parts = entries.flatMap(({ path, bytes }) => {
    const name = Buffer.from(path);
    const long =
      name.length > NAME_BYTES ? member(LONG_LINK, Buffer.concat([name, Buffer.alloc(1)]), LONG_NAME, 0) : [];
    return [...long, ...member(path, bytes ?? Buffer.alloc(0), bytes === undefined ? FOLDER : '0', atMs)];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

function member(path: string, bytes: Buffer, type: string, atMs: number): Buffer[] {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number): void =>
    void header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  Buffer.from(path).copy(header, 0, 0, NAME_BYTES);
  octal(type === FOLDER ? 0o755 : 0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(bytes.length, 124, 12);
  octal(Math.floor(atMs / 1000), 136, 12);
  header.fill(' ', 148, 156);
  header.write(type, 156, 'latin1');
  header.write('ustar\0' + '00', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return [header, bytes, Buffer.alloc(padded(bytes.length) - bytes.length)];
}

/** What a tar archive holds: files and folders, nothing else. Throws Error for bytes that are none. */
export function readArchive(archive: Buffer): ArchiveEntry[] {
  const entries: ArchiveEntry[] = [];
  let longPath: string | undefined;
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const header = archive.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) break;
    if (!isHeader(header)) throw new Error('This does not look like a tar archive');
    const size = sizeIn(header);
    const bytes = archive.subarray(at + BLOCK, at + BLOCK + size);
    if (bytes.length < size) throw new Error('Unexpected EOF in archive');
    at += BLOCK + padded(size);
    const type = String.fromCharCode(header[156] ?? 0);
    if (type === LONG_NAME) longPath = textIn(bytes);
    else if (type === EXTENDED) longPath = extendedPath(bytes) ?? longPath;
    else {
      const path = longPath ?? shortPath(header);
      longPath = undefined;
      if (type === FOLDER) entries.push({ path });
      else if (FILES.has(type)) entries.push({ path, bytes: Buffer.from(bytes) });
    }
  }
  return entries;
}

/** The checksum counts its own field as spaces. */
function isHeader(header: Buffer): boolean {
  const told = Number.parseInt(textIn(header.subarray(148, 156)).trim(), 8);
  return header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0) === told;
}

/** In octal, or (GNU) as a number whose first bit is set. */
function sizeIn(header: Buffer): number {
  const field = header.subarray(124, 136);
  if (((field[0] ?? 0) & 0x80) !== 0) return Number(field.readBigUInt64BE(4));
  return Number.parseInt(textIn(field).trim() || '0', 8);
}

const textIn = (bytes: Buffer): string => {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
};

function shortPath(header: Buffer): string {
  const name = textIn(header.subarray(0, NAME_BYTES));
  const isUstar = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isUstar ? textIn(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Of records as `30 path=a/long/name\n`. */
const extendedPath = (records: Buffer): string | undefined =>
  /(?:^|\n)\d+ path=([^\n]*)\n/.exec(records.toString('utf8'))?.[1];
