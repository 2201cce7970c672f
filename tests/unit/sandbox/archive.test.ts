import { describe, expect, it } from 'vitest';
import { readArchive, writeArchive } from '../../../server/sandbox/exec/archive.ts';
import { createContainerFiles } from '../../../server/sandbox/exec/container-files.ts';
import { runTar } from '../../../server/sandbox/exec/tar.ts';

const BYTES = Buffer.from(Array.from({ length: 1000 }, (_each, index) => index % 256));
const LONG = `deep/${'x'.repeat(150)}/file`;

describe('a tar archive', () => {
  it('brings back files and folders, of long names, with every byte', () => {
    const entries = [{ path: 'deep/' }, { path: LONG, bytes: BYTES }, { path: 'empty', bytes: Buffer.alloc(0) }];
    expect(readArchive(writeArchive(entries, 0))).toEqual(entries);
  });

  it('that is cut off, or is none, is refused', () => {
    const archive = writeArchive([{ path: 'a', bytes: BYTES }], 0);
    expect(() => readArchive(archive.subarray(0, 800))).toThrow('Unexpected EOF in archive');
    expect(() => readArchive(Buffer.alloc(512, 'x'))).toThrow('This does not look like a tar archive');
  });
});

describe('tar on a container’s streams, as kubectl cp runs it', () => {
  const container = () => createContainerFiles({ read: () => undefined, list: () => [] });
  const run = async (args: string[], files = container(), archive: Buffer = Buffer.alloc(0)) => {
    const out: Buffer[] = [];
    let err = '';
    const io = {
      stdin: (async function* () {
        yield archive;
      })(),
      out: (bytes: Buffer) => void out.push(bytes),
      err: (text: string) => {
        err += text;
      },
    };
    const code = await runTar(args, io, { files, nowMs: 0 });
    return { code, err, out: Buffer.concat(out), files };
  };

  it('unpacks below the folder that -C names, and packs what it finds', async () => {
    const sent = writeArchive([{ path: 'certs/' }, { path: 'certs/ca.crt', bytes: BYTES }], 0);
    const { code, files } = await run(['-xmf', '-', '-C', '/tmp'], container(), sent);
    expect([code, files.bytes('/tmp/certs/ca.crt'), files.isFolder('/tmp/certs')]).toEqual([0, BYTES, true]);
    const { out, err } = await run(['cf', '-', '/tmp/certs'], files);
    expect(readArchive(out)).toEqual([{ path: 'tmp/certs/' }, { path: 'tmp/certs/ca.crt', bytes: BYTES }]);
    expect(err).toBe("tar: Removing leading `/' from member names\n");
  });

  it('leaves its folder to nobody’s wish', async () => {
    const { code, err, files } = await run(
      ['-xf', '-', '-C', '/tmp'],
      container(),
      writeArchive([{ path: '../etc/x', bytes: BYTES }], 0),
    );
    expect([code, files.bytes('/etc/x')]).toEqual([2, undefined]);
    expect(err).toBe("tar: ../etc/x: Member name contains '..'\n");
  });
});
