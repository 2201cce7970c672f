import { describe, expect, it } from 'vitest';
import { createHarness } from './harness.ts';

const samples = { 'samples/a.yaml': 'one\ntwo\nthree\n', 'samples/b.yaml': 'b\n', 'samples/deep/c.txt': 'c\n' };
const run = (...lines: string[]) => createHarness({ samples }).run(...lines);

describe('arithmetic', () => {
  it.each([
    ['echo $((1 + 2 * 3)) $(( (1 + 2) * 3 )) $((7 / 2)) $((-7 / 2)) $((7 % 3)) $((2 ** 10))', '7 9 3 -3 1 1024'],
    ['i=5; echo $((i * 2)) $(($i + 1)) $((i++)) $i $((--i)) $((i += 10)) $i', '10 6 5 6 5 15 15'],
    ['echo $((0x1f)) $((017)) $((1 << 4)) $((6 & 3)) $((6 ^ 3)) $((~0)) $((!5))', '31 15 16 2 5 -1 0'],
    ['echo $((3 > 2)) $((3 < 2)) $((2 == 2 && 1 != 1)) $((0 || 4)) $((1 ? 7 : 8))', '1 0 0 1 7'],
    ['echo $((9223372036854775807 + 1))', '-9223372036854775808'],
    ['a=1; echo $((0 && (a = 5))) $a $((unset_name + 1))', '0 1 1'],
    ['n=$(seq 3 | wc -l); echo $((n - 1)) "$((n))x" $((\n1 +\n1))', '2 3x 2'],
    ['for ((i = 0; i < 3; i++)); do echo -n $i; done; ((i == 3)) && echo yes; ((0)) || echo no', '012yes\nno'],
    ['((i = 4)); while ((i-- > 2)); do echo -n $i; done; ( (echo a); echo b )', '32a\nb'],
  ])('%s', async (line, out) => {
    expect(await run(line)).toMatchObject({ out: `${out}\n`, err: '' });
  });
});

describe('variables in braces', () => {
  it.each([
    ['echo $${A:-none} $${A:-} $${A-x y} "$${A:-a  b}"', 'none x y a  b'],
    ['A=1; echo $${A:-none} $${A:+set} $${B:+set}', '1 set'],
    ['echo $${A:=first} $A', 'first first'],
    ['A=; echo "[$${A-x}]" "[$${A:-x}]" "[$${A+x}]" "[$${A:+x}]"', '[] [x] [x] []'],
    ['A=v1.2.3.yaml; echo $${A%.yaml} $${A%%.*} $${A#*.} $${A##*.} $${#A}', 'v1.2.3 v1 2.3.yaml yaml 11'],
    [
      'P=pod/reviews-v1; echo $${P#pod/} $${P/-v1/-v2} $${P//e/E} $${P:4} $${P:4:3} $${P: -2}',
      'reviews-v1 pod/reviews-v2 pod/rEviEws-v1 reviews-v1 rev v1',
    ],
    ['A="a b"; B=" c"; echo [$${X:-$A}] "[$${X:-"$B"}]"', '[a b] [ c]'],
  ])('%s', async (line, out) => {
    const written = line.replaceAll('$$', '$');
    expect(await run(written)).toMatchObject({ out: `${out}\n`, err: '' });
  });
});

describe('patterns', () => {
  it.each([
    ['echo samples/*', 'samples/a.yaml samples/b.yaml samples/deep'],
    ['echo samples/*.yaml ./samples/[!a].yaml', 'samples/a.yaml samples/b.yaml ./samples/b.yaml'],
    ['echo samples/*/c.txt s*/?.yaml', 'samples/deep/c.txt samples/a.yaml samples/b.yaml'],
    ['echo *.none "samples/*" samples/\\*', '*.none samples/* samples/*'],
    ['echo {.items[0].name} a?b', '{.items[0].name} a?b'],
    ['A="samples/*.yaml"; echo $A "$A"', 'samples/a.yaml samples/b.yaml samples/*.yaml'],
    ['for f in samples/*.yaml; do echo -n "$f "; done; cat samples/*.yaml | wc -l', 'samples/a.yaml samples/b.yaml 4'],
  ])('%s', async (line, out) => {
    expect(await run(line)).toMatchObject({ out: `${out}\n`, err: '' });
  });

  it('chooses a branch of case by pattern, the first that matches', async () => {
    const script =
      'case $1 in v[12]*|v3) echo old;; "*") echo star ;; *.yaml) echo file; echo end;; *) echo other; esac';
    for (const [word, out] of [
      ['v2x', 'old\n'],
      ['v3', 'old\n'],
      ["'*'", 'star\n'],
      ['a.yaml', 'file\nend\n'],
      ['v4', 'other\n'],
    ])
      expect((await run(`A=${word}; ${script.replace('$1', '"$A"')}`)).out).toBe(out);
    expect((await run('case x in y) false;; esac; echo $?')).out).toBe('0\n');
    expect((await run('case x in')).more).toBe(true);
    expect((await run('case x in\n  (x)\n    ;;\nesac; echo $?')).out).toBe('0\n');
  });
});

describe('reading lines', () => {
  it.each([
    ['printf "a 1\\nb 2 3\\n" | while read name rest; do echo "$rest-$name"; done', '1-a\n2 3-b'],
    ['while read -r line; do echo "[$line]"; done < samples/a.yaml', '[one]\n[two]\n[three]'],
    ['printf "a:b:c\\n" | { IFS=: read x y; echo $x; echo $y; echo "[$IFS]"; }', 'a\nb:c\n[]'],
    ['read a b <<< "x  y z"; echo $a; echo $b', 'x\ny z'],
    ['read x < /dev/null; echo $?', '1'],
    ['{ read first; cat; } < samples/a.yaml', 'two\nthree'],
    ['printf "a\\\\\\\\tb" | { read -r x; echo "$? $x"; }', '1 a\\tb'],
  ])('%s', async (line, out) => {
    expect(await run(line)).toMatchObject({ out: `${out}\n`, err: '' });
  });
});

describe('arguments', () => {
  it.each([
    [`sh -c 'echo $1-$2 $#' x a b; echo "[$1]"`, 'a-b 2\n[]'],
    [`set -- a "b c"; for w in "$@"; do echo "<$w>"; done; shift; echo $1 $#`, '<a>\n<b c>\nb c 1'],
    [`echo 'echo $0 $1; exit 3' > s.sh; sh s.sh x; echo $?`, 's.sh x\n3'],
    [`echo 'echo hi' | sh; A=1; bash -c 'echo "$A"; A=2'; echo $A`, 'hi\n1\n1'],
  ])('%s', async (line, out) => {
    expect(await run(line)).toMatchObject({ out: `${out}\n`, err: '' });
  });
});

describe('the shell’s own commands', () => {
  it('unsets, finds, and does nothing', async () => {
    expect((await run('A=1; unset A; echo "[$A]"; : ; command -v grep && ! command -v frog; type read')).out).toBe(
      '[]\n/usr/bin/grep\nread is a shell builtin\n',
    );
  });

  it('times a pipeline on the error stream, by the clock of the lab', async () => {
    const { out, err } = await run('time echo a | cat');
    expect(out).toBe('a\n');
    expect(err).toBe('\nreal\t0m0.000s\nuser\t0m0.000s\nsys\t0m0.000s\n');
  });

  it('reads back quotes as $(…)', async () => {
    expect((await run('echo `echo a \\`echo b\\`` "`echo "c  d"`"')).out).toBe('a b c  d\n');
    expect((await run('echo `echo a')).more).toBe(true);
  });
});
