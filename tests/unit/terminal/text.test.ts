import { describe, expect, it } from 'vitest';
import { createHarness } from './harness.ts';

const samples = { 'samples/a.yaml': 'one\ntwo\nthree\n', 'samples/deep/b.yaml': 'b\n' };
const run = (...lines: string[]) => createHarness({ samples }).run(...lines);

describe('text commands', () => {
  it.each([
    ['cat samples/a.yaml samples/deep/b.yaml', 'one\ntwo\nthree\nb\n'],
    ['cat ./samples/../samples/deep/b.yaml', 'b\n'],
    ['ls', 'samples/\n'],
    ['ls samples', 'a.yaml\ndeep/\n'],
    ['ls -l ./samples/', '      14 a.yaml\n       - deep/\n'],
    ['ls samples/a.yaml', 'samples/a.yaml\n'],
    ['head -n 1 samples/a.yaml', 'one\n'],
    ['tail -2 samples/a.yaml', 'two\nthree\n'],
    ['wc -l samples/a.yaml', '3 samples/a.yaml\n'],
    ['wc -l < samples/a.yaml', '3\n'],
    ['echo "a b" | wc', '      1       2       4\n'],
    ['sort -r samples/a.yaml', 'two\nthree\none\n'],
    ['seq 8 11 | sort', '10\n11\n8\n9\n'],
    ['seq 8 11 | sort -n | head -1', '8\n'],
    ['seq 10 -5 0', '10\n5\n0\n'],
    ['seq 1 2 5', '1\n3\n5\n'],
    ['grep -c o samples/a.yaml', '2\n'],
    ['grep -v o samples/a.yaml', 'three\n'],
    ['grep -n ^t samples/a.yaml', '2:two\n3:three\n'],
    ['grep -io "T." samples/a.yaml', 'tw\nth\n'],
    ['grep -oE "e+" samples/a.yaml', 'e\nee\n'],
    ['grep -F . samples/a.yaml; echo $?', '1\n'],
    ['grep -q two samples/a.yaml && echo yes', 'yes\n'],
    ['grep -e one -e two samples/a.yaml', 'one\ntwo\n'],
    ['grep "one\\|three" samples/a.yaml', 'one\nthree\n'],
    ['grep -w tw samples/a.yaml; grep -w two samples/a.yaml', 'two\n'],
    ['seq 1 9 | grep -A2 3', '3\n4\n5\n'],
    ['seq 1 14 | grep -n -A1 -B2 "4\\|9"', '2-2\n3-3\n4:4\n5-5\n--\n7-7\n8-8\n9:9\n10-10\n--\n12-12\n13-13\n14:14\n'],
    ['seq 1 14 | grep -C 1 3', '2\n3\n4\n--\n12\n13\n14\n'],
    ['seq 1 9 | grep -c -A2 3', '1\n'],
    ['echo -n a; echo -e "b\\tc"; echo - -x', 'ab\tc\n- -x\n'],
    ['/bin/echo a', 'a\n'],
  ])('%s', async (line, out) => {
    expect(await run(line)).toMatchObject({ out, err: '' });
  });

  it.each([
    ['cat nope', 'cat: nope: No such file or directory', 1],
    ['ls nope', "ls: cannot access 'nope': No such file or directory", 2],
    ['grep', 'usage: grep', 2],
    ['grep -E "(" samples/a.yaml', 'grep: ', 2],
    ['grep -A x 3', 'grep: x: invalid context length argument', 2],
    ['grep --frog x', "grep: unrecognized option '--frog'", 2],
    ['head -n x samples/a.yaml', "head: invalid number of lines: 'x'", 1],
    ['seq', 'usage: seq', 1],
    ['seq 1 0 5', 'usage: seq', 1],
    ['sleep', "sleep: invalid time interval ''", 1],
    ['cp samples/a.yaml', 'usage: cp from to', 1],
    ['rm samples/a.yaml', "rm: cannot remove 'samples/a.yaml': No such file of yours", 1],
    ['echo a > samples/a.yaml', 'samples are read-only', 1],
    ['echo a > ../../etc/passwd', 'use a plain file name', 1],
    ['man frog', 'No manual entry for frog', 16],
  ])('refuses %s', async (line, text, code) => {
    const ran = await run(line);
    expect(ran.err).toContain(text);
    expect(ran.code).toBe(code);
  });

  it('copies, lists and removes files of the learner', async () => {
    const harness = createHarness({ samples });
    expect((await harness.run('cp samples/a.yaml .', 'cp a.yaml b.yaml', 'rm a.yaml', 'ls')).out).toBe(
      'b.yaml\nsamples/\n',
    );
    expect([...harness.files.keys()]).toEqual(['b.yaml']);
  });

  it('keeps at most a hundred files and 1 MiB in each', async () => {
    const harness = createHarness();
    const { err } = await harness.run('for i in $(seq 1 101); do echo > f$i.txt; done');
    expect(err).toContain('at most 100 files');
    await harness.run(
      'rm f1.txt',
      'for i in $(seq 1 10000); do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done > big.txt',
    );
    expect((await harness.run('cat big.txt > f2.txt; cat big.txt >> f2.txt')).err).toContain(
      'f2.txt: at most 1 MiB a file',
    );
  });

  it('helps with each command', async () => {
    const { out } = await run('help');
    for (const name of ['kubectl', 'istioctl', 'curl', 'fortio', 'grep'])
      expect(out).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect((await run('help grep')).out).toMatch(/^grep \[-i\]/);
    expect((await run('kubectl get --help')).out).toMatch(/^kubectl get <kind>/);
    expect((await run('kubectl help rollout')).out).toMatch(/^kubectl rollout restart/);
    expect((await run('kubectl')).code).toBe(0);
  });

  it('base64 and cut as everywhere', async () => {
    const { out } = await createHarness().run(
      'echo -n Zoë | base64',
      'echo Wm/Dqw== | base64 -d',
      "echo ''",
      'echo a=b=c | cut -d = -f 2',
      'echo abc | cut -d = -f 2',
    );
    expect(out).toBe('Wm/Dqw==\nZoë\nb\nabc\n');
    expect((await createHarness().run('echo %% | base64 -d')).code).toBe(1);
  });
});
