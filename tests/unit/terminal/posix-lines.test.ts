import { describe, expect, it } from 'vitest';
import { createHarness, turns } from './harness.ts';
import cases from './posix-lines.json' with { type: 'json' };

/** Each line with what bash, coreutils, sed and awk print for it on the same files, and the exit code when it is not 0. */
const programs = Object.entries(cases.programs) as [string, [line: string, out: string, code?: number][]][];

describe.each(programs)('%s', (_program, lines) => {
  it.each(lines)('%s', async (line, out, code = 0) => {
    expect(await createHarness({ files: cases.files }).run(line)).toMatchObject({ out, err: '', code });
  });
});

describe('programs that do not end by themselves', () => {
  it.each([
    'sed ":a;ba" num.txt',
    'sed ":a;s/^/x/;s/x//;ta" num.txt',
    "awk 'BEGIN { while (1) ; }'",
    "awk 'BEGIN { for (;;) n++ }'",
    "awk '{ while (1) s = s }' num.txt",
    'yes | sed -n p',
    "yes | awk '{n++}'",
    'yes | tr y n | grep -c y',
    'seq 500 | xargs -n 1 sleep',
    'timeout 50 sleep 60',
  ])('ends at Ctrl+C: %s', async (line) => {
    const harness = createHarness({ files: cases.files });
    const running = harness.start(line);
    await turns(30);
    running.interrupt();
    await harness.sandbox.clock.run(500);
    expect((await running.done).code).toBe(130);
  });

  it.each([
    ['awk \'BEGIN { s = "x"; while (1) s = s s }\'', 'awk: a text is longer than 1 MiB\n'],
    ['sed ":a;s/.*/&&/;ta" num.txt', 'sed: the pattern space is longer than 4 MiB\n'],
    ["awk 'BEGIN { while (1) a[n++] = 1 }'", 'awk: at most 200000 elements of arrays\n'],
    ["awk 'BEGIN { $20000 = 1 }'", 'awk: at most 10000 fields\n'],
    ['seq 2000 | xargs -n 1 true', 'xargs: at most 1000 calls\n'],
    [`awk 'BEGIN { print ${'('.repeat(200)}1${')'.repeat(200)} }'`, 'awk: line 1: nested too deep\n'],
  ])('is stopped at its bound: %s', async (line, err) => {
    expect(await createHarness({ files: cases.files }).run(line)).toMatchObject({ out: '', err });
  });
});

describe('what is left out says so', () => {
  it.each([
    [
      "awk 'function f(x) { return x } { print f(1) }' num.txt",
      'functions of your own are not part of this terminal',
      2,
    ],
    ["awk '{ getline; print }' num.txt", 'getline, nextfile and return are not part of this terminal', 2],
    ['awk \'BEGIN { system("ls") }\'', 'system() is not part of this terminal', 2],
    ["sed 's/\\(a\\)\\1/x/' num.txt", 'back references (\\1) in a pattern are not part of this terminal', 1],
    ["sed 'e ls' num.txt", "the command `e' is not part of this terminal", 1],
    ["grep '\\(a\\)\\1' num.txt", 'back references (\\1) in a pattern are not part of this terminal', 2],
    ['tail -f num.txt', 'no file of this terminal grows by itself', 1],
  ])('%s', async (line, err, code) => {
    const ran = await createHarness({ files: cases.files }).run(line);
    expect(ran.err).toContain(err);
    expect(ran.code).toBe(code);
  });
});
