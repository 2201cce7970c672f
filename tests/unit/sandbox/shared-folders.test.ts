import { beforeEach, describe, expect, it } from 'vitest';
import { createContainerFiles } from '../../../server/sandbox/exec/container-files.ts';
import type { ContainerSpec, PodObject } from '../../../server/sandbox/kube-types.ts';
import { createEmptyDirs, emptyDirMounts } from '../../../server/sandbox/kubelet/empty-dirs.ts';
import { manualClock } from '../workloads/support.ts';

describe('a volume that containers of a pod share', () => {
  let clock: ReturnType<typeof manualClock>;
  let exceeded: string[];
  beforeEach(() => {
    clock = manualClock();
    exceeded = [];
  });

  /** The files of a pod's containers, each with these mounts. */
  function pod(emptyDir: object, ...containers: readonly (readonly object[])[]) {
    const volumes = [{ name: 'shared', emptyDir }];
    const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: { containers: [], volumes } };
    const dirs = createEmptyDirs(object as PodObject, { clock, onExceeded: (message) => exceeded.push(message) });
    const start = (volumeMounts: readonly object[]) =>
      createContainerFiles(
        { read: (path) => (path === '/etc/app.conf' ? Buffer.from('conf') : undefined), list: () => ['/etc/app.conf'] },
        emptyDirMounts(dirs, { name: 'c', image: 'i', volumeMounts } as unknown as ContainerSpec),
      );
    return { start, files: containers.map(start) };
  }
  const at = (mountPath: string, more: object = {}): object[] => [{ name: 'shared', mountPath, ...more }];

  it('shows what one has written to the other, wherever each has mounted it, and to a container that starts again', () => {
    const { start, files } = pod({}, at('/out/'), at('/in'));
    const [writer, reader] = files;
    writer?.write('/out/a/b.txt', 'hello');
    writer?.write('/elsewhere.txt', 'own');
    expect(reader?.read('/in/a/b.txt')).toBe('hello');
    expect([reader?.isFolder('/in'), reader?.isFolder('/in/a'), reader?.isFolder('/in/c')]).toEqual([
      true,
      true,
      false,
    ]);
    expect(reader?.list('/in')).toEqual(['/in/a/b.txt']);
    expect(reader?.read('/elsewhere.txt')).toBeUndefined();
    reader?.write('/in/a/b.txt', 'changed');
    expect(writer?.read('/out/a/b.txt')).toBe('changed');
    expect(reader?.remove('/in/a/b.txt')).toBe(true);
    expect(writer?.list('/out')).toEqual([]);
    expect(writer?.remove('/out')).toBe(false);
    writer?.write('/out/left', 'x');
    const again = start(at('/out'));
    expect([again.read('/out/left'), again.read('/elsewhere.txt'), again.read('/etc/app.conf')]).toEqual([
      'x',
      undefined,
      'conf',
    ]);
  });

  it('shows a part of it by subPath, and takes nothing where it is mounted to be read', () => {
    const { files } = pod({}, at('/all'), at('/part', { subPath: 'p/q' }), at('/fixed', { readOnly: true }));
    const [all, part, fixed] = files;
    part?.write('/part/x', '1');
    expect(all?.list('/all')).toEqual(['/all/p/q/x']);
    expect(part?.list('/')).toEqual(['/etc/app.conf', '/part/x']);
    expect(fixed?.read('/fixed/p/q/x')).toBe('1');
    expect(() => fixed?.write('/fixed/y', '')).toThrow('/fixed/y: Read-only file system');
    expect(() => fixed?.makeFolder('/fixed/y')).toThrow('Read-only file system');
    expect(fixed?.remove('/fixed/p/q/x')).toBe(false);
  });

  it('holds in memory no more than its limit, which counts for all containers', () => {
    const { files } = pod({ medium: 'Memory', sizeLimit: '1Ki' }, at('/a'), at('/b'));
    const [one, other] = files;
    one?.write('/a/x', 'x'.repeat(1000));
    expect(() => other?.write('/b/y', 'y'.repeat(25))).toThrow('/b/y: No space left on device');
    one?.write('/a/x', 'x'.repeat(24));
    other?.write('/b/y', 'y'.repeat(1000));
    expect(exceeded).toEqual([]);
  });

  it('on disk is told of when the kubelet looks and it holds more than its limit, not where it was emptied before', () => {
    const { files } = pod({ sizeLimit: '1Ki' }, at('/a'));
    files[0]?.write('/a/x', 'x'.repeat(1025));
    clock.advance(9000);
    files[0]?.write('/a/x', '');
    clock.advance(2000);
    files[0]?.write('/a/x', 'x'.repeat(1025));
    expect(exceeded).toEqual([]);
    clock.advance(10_000);
    expect(exceeded).toEqual(['Usage of EmptyDir volume "shared" exceeds the limit "1Ki". ']);
  });

  it('without a limit takes as many files as a container, none of them larger', () => {
    const { files } = pod({}, at('/a'));
    for (let i = 0; i < 200; i++) files[0]?.write(`/a/${i}`, '');
    expect(() => files[0]?.write('/a/200', '')).toThrow('No space left on device');
    expect(() => files[0]?.write('/a/1', 'x'.repeat(1_048_577))).toThrow('No space left on device');
    files[0]?.write('/b', '');
  });
});
