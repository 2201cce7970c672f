import { describe, expect, it } from 'vitest';
import { createHarness, turns } from './harness.ts';

const shell = createHarness;

describe('words', () => {
  it('keeps what stands in single quotes as it is', async () => {
    expect((await shell().run(`echo '$HOME "x" \\n'  b`)).out).toBe('$HOME "x" \\n b\n');
  });

  it('expands variables in double quotes without splitting them', async () => {
    expect((await shell().run('A="x  y"', `echo "$A" "$${'{A}'}z" \\$A "\\$A"`)).out).toBe('x  y x  yz $A $A\n');
  });

  it('splits an unquoted variable at blanks', async () => {
    expect((await shell().run('A=" x  y "', 'echo -$A-')).out).toBe('- x y -\n');
  });

  it('keeps an empty quoted word', async () => {
    expect((await shell().run(`echo a "" '' b`)).out).toBe('a   b\n');
  });

  it('joins a line that ends in a backslash with the next', async () => {
    const harness = shell();
    expect((await harness.run('echo a \\')).more).toBe(true);
    expect((await harness.run('  b')).out).toBe('a b\n');
  });

  it('leaves a dollar sign alone that names nothing', async () => {
    expect((await shell().run('echo "a$" $ "$."')).out).toBe('a$ $ $.\n');
  });

  it('passes over comments', async () => {
    expect((await shell().run('echo a # b')).out).toBe('a\n');
    expect((await shell().run('echo a#b')).out).toBe('a#b\n');
  });

  it.each([
    [`echo $${'{A!x}'}`, 'braced variable'],
    ['echo a)', '")" was not expected'],
    ['[[ a = a ]]', '"[[" is not part of this terminal; write ['],
    ['case a in b c) d;; esac', '")" was expected'],
    ['sleep 1 &', 'Background'],
    ['if true; then fi', 'A command was expected'],
    ['kubectl apply -f <(echo a)', 'write to a file first'],
    ['done', '"done" was not expected'],
    ['echo a; ; echo b', 'A command was expected'],
    ['| echo', 'A command was expected'],
    ['for 1 in a; do echo; done', 'name of a variable'],
    ['for a in b; do done', 'A command was expected'],
  ])('refuses %s and says why', async (line, why) => {
    const { err, code } = await shell().run(line);
    expect(err).toContain(why);
    expect(code).toBe(2);
  });
});

describe('words that cannot be made out', () => {
  it.each([
    ['echo $((1+)); echo next', 'arithmetic: a value was expected at the end\n', 1],
    ['echo $((1/0)); echo next', 'arithmetic: division by zero\n', 1],
    ['echo $((08))', 'arithmetic: 08 is no number\n', 1],
    [`echo $${'{A:?give A}'}; echo next`, 'A: give A\n', 127],
  ])('end the whole line: %s', async (line, err, code) => {
    expect(await shell().run(line)).toMatchObject({ out: '', err, code });
  });
});

describe('lists and pipelines', () => {
  it('runs what follows && after success only and what follows || after failure only', async () => {
    expect((await shell().run('true && echo a || echo b; false && echo c || echo d')).out).toBe('a\nd\n');
  });

  it('chooses with if, elif and else', async () => {
    const script = (a: string, b: string): string =>
      `if ${a}; then echo one; elif ${b}; then echo two; else echo three; fi`;
    expect((await shell().run(script('true', 'true'))).out).toBe('one\n');
    expect((await shell().run(script('false', 'true'))).out).toBe('two\n');
    expect((await shell().run(script('false', 'false'))).out).toBe('three\n');
    expect((await shell().run('if true')).more).toBe(true);
  });

  it('runs a sub-shell on variables of its own', async () => {
    expect((await shell().run('A=1; (A=2; echo $A; exit 3); echo $? $A')).out).toBe('2\n3 1\n');
    expect((await shell().run('(echo b; echo a) | sort')).out).toBe('a\nb\n');
    expect((await shell().run('(echo a')).more).toBe(true);
  });

  it('carries a list over the end of a line', async () => {
    const harness = shell();
    expect((await harness.run('false &&')).more).toBe(true);
    expect((await harness.run('echo never')).out).toBe('');
    expect((await harness.run('echo b a |\nsort')).out).toBe('b a\n');
  });

  it('gives the exit code of the last command in $?', async () => {
    expect((await shell().run('false; echo $?; true | false; echo $?; false | true; echo $?')).out).toBe('1\n1\n0\n');
  });

  it('tells an unknown command with exit code 127', async () => {
    const { err, code } = await shell().run('rm-rf /');
    expect(err).toBe('rm-rf: command not found. Type help for the list.\n');
    expect(code).toBe(127);
  });

  it('stops the writer when head has read enough', async () => {
    expect((await shell().run('seq 1 20000 | head -n 2')).out).toBe('1\n2\n');
    const harness = shell();
    harness.sandbox.addPod({ name: 'a', logs: { app: ['one', 'two', 'three'] } });
    expect((await harness.run('kubectl logs -f a | head -2')).out).toBe('one\ntwo\n');
  });

  it('counts equal lines of a loop', async () => {
    const { out } = await shell().run('for i in a b a; do echo $i; done | sort | uniq -c');
    expect(out).toBe('      2 a\n      1 b\n');
  });
});

describe('loops', () => {
  it('reads a loop typed over several lines', async () => {
    const harness = shell();
    expect((await harness.run('for i in $(seq 1 3)')).more).toBe(true);
    expect((await harness.run('do')).more).toBe(true);
    expect((await harness.run('  echo "n$i"')).more).toBe(true);
    expect((await harness.run('done')).out).toBe('n1\nn2\nn3\n');
  });

  it('counts out {1..3}', async () => {
    expect((await shell().run('for i in {1..3}; do echo $i; done; echo {3..1} {a,b}')).out).toBe(
      '1\n2\n3\n3 2 1 {a,b}\n',
    );
  });

  it('repeats while its condition succeeds', async () => {
    const harness = shell();
    expect((await harness.run('A=x; while [ $A ]; do echo once; A=; done')).out).toBe('once\n');
    expect((await harness.run('while false; do echo never; done; echo $?')).out).toBe('0\n');
    expect((await harness.run('A=; until [ -n "$A" ]; do echo once; A=x; done')).out).toBe('once\n');
  });

  it('leaves a loop at break and begins its next turn at continue', async () => {
    const inner = 'if [ $b = 2 ]; then JUMP; fi; echo $a$b';
    const loops = (jump: string): string =>
      `for a in x y; do for b in 1 2 3; do ${inner.replace('JUMP', jump)}; done; done; echo end`;
    expect((await shell().run(loops('break'))).out).toBe('x1\ny1\nend\n');
    expect((await shell().run(loops('continue'))).out).toBe('x1\nx3\ny1\ny3\nend\n');
    expect((await shell().run(loops('break 2'))).out).toBe('x1\nend\n');
    expect((await shell().run(loops('continue 2'))).out).toBe('x1\ny1\nend\n');
    expect((await shell().run('while true; do echo once && break; done; echo $?')).out).toBe('once\n0\n');
    expect((await shell().run('for i in 1 2; do (break; echo inner); done')).out).toBe('inner\ninner\n');
  });

  it('says that break means nothing outside of a loop', async () => {
    const { out, err } = await shell().run('break; echo $?');
    expect(out).toBe('0\n');
    expect(err).toBe("break: only meaningful in a `for', `while', or `until' loop\n");
  });
});

describe('conditions', () => {
  it.each([
    ['[ a = a ]', 0],
    ['[ a == b ]', 1],
    ['[ a != b ]', 0],
    ['[ 2 -lt 10 ]', 0],
    ['[ 2 -ge 10 ]', 1],
    ['[ -z "" ] && [ -n x ]', 0],
    ['[ ! a = a ]', 1],
    ['[ a = a -a b = c ]', 1],
    ['[ a = b -o c = c ]', 0],
    ['test "$NOBODY"', 1],
    ['! true', 1],
    ['! grep -q x /dev/null', 0],
    ['[ x -lt 1 ]', 2],
    ['[ a = a', 2],
  ])('%s ends with %i', async (line, code) => {
    expect((await shell().run(line)).code).toBe(code);
  });

  it('redirects what stands in braces together', async () => {
    const harness = shell();
    await harness.run('{ echo a; echo b; } > x.txt');
    expect(harness.files.get('x.txt')).toBe('a\nb\n');
  });

  it('sends the hundred requests of the Bookinfo guide', async () => {
    const harness = shell();
    const { out, code } = await harness.run(
      'for i in $(seq 1 100); do curl -s -o /dev/null "http://$GATEWAY_URL/productpage"; done',
    );
    expect({ out, code }).toEqual({ out: '', code: 0 });
    expect(harness.sandbox.requests).toHaveLength(100);
    expect(harness.sandbox.requests[99]?.url).toBe('http://127.0.0.9:80/productpage');
  });
});

describe('variables and substitution', () => {
  it('exports as the Istio guides print it', async () => {
    const harness = shell();
    const { out } = await harness.run(
      'export INGRESS_HOST=127.0.0.1',
      "export INGRESS_PORT=$(echo '80 81')",
      'export GATEWAY_URL=$INGRESS_HOST:$INGRESS_PORT',
      'echo "$GATEWAY_URL"',
    );
    expect(out).toBe('127.0.0.1:80 81\n');
  });

  it('sees an assignment before a command in that command only', async () => {
    const { out } = await shell().run('A=1', 'A=2 B=3 env | grep "^[AB]="', 'echo $A-$B');
    expect(out).toBe('A=2\nB=3\n1-\n');
  });

  it('takes no assignment from a quoted or expanded word', async () => {
    expect((await shell().run('X=A=b', '$X')).code).toBe(127);
    expect((await shell().run(`'A=b'`)).code).toBe(127);
  });

  it('gives an assignment the exit code of its substitution', async () => {
    expect((await shell().run('A=$(false) || echo failed; A=x; echo $?')).out).toBe('failed\n0\n');
  });

  it('reads quotes and parentheses inside a substitution', async () => {
    expect((await shell().run(`echo "$(echo ")" '(' "$(echo 'a)b')")"`)).out).toBe(') ( a)b\n');
  });

  it('waits for the end of a substitution and of its quotes', async () => {
    expect((await shell().run('echo $(echo ")"')).more).toBe(true);
    expect((await shell().run('echo "a')).more).toBe(true);
  });
});

describe('redirection and here-documents', () => {
  it('writes, appends and reads files', async () => {
    const harness = shell();
    await harness.run('echo a > x.txt', 'echo b >> x.txt', 'grep b < x.txt > y.txt');
    expect(Object.fromEntries(harness.files)).toEqual({ 'x.txt': 'a\nb\n', 'y.txt': 'b\n' });
  });

  it('hides errors behind 2>/dev/null and joins them behind 2>&1', async () => {
    expect(await shell().run('cat nope 2>/dev/null')).toMatchObject({ out: '', err: '', code: 1 });
    expect((await shell().run('cat nope 2>&1 | wc -l')).out).toBe('1\n');
    expect(await shell().run('cat nope > /dev/null 2>&1; cat nope &>/dev/null')).toMatchObject({ out: '', err: '' });
    expect(await shell().run('cat nope 2>&1 >/dev/null')).toMatchObject({
      out: 'cat: nope: No such file or directory\n',
      err: '',
    });
    expect((await shell().run('echo oops >&2')).err).toBe('oops\n');
  });

  it('redirects a whole loop', async () => {
    const harness = shell();
    await harness.run('for i in a b; do echo $i; done > x.txt', 'while false; do echo; done < x.txt 2>/dev/null');
    expect(harness.files.get('x.txt')).toBe('a\nb\n');
    expect((await harness.run('for i in 1; do cat; done < x.txt')).out).toBe('a\nb\n');
  });

  it('writes a file even when the command fails', async () => {
    const harness = shell();
    await harness.run('grep x < /dev/null > empty.txt');
    expect(harness.files.get('empty.txt')).toBe('');
  });

  it('reads a here-document line by line until its end', async () => {
    const harness = shell();
    for (const line of ['cat <<EOF > a.yaml', 'a: 1', '  EOF', '']) expect((await harness.run(line)).more).toBe(true);
    expect((await harness.run('EOF')).more).toBe(false);
    expect(harness.files.get('a.yaml')).toBe('a: 1\n  EOF\n\n');
  });

  it('expands a here-document unless its end is quoted', async () => {
    expect((await shell().run('A=x', 'cat <<EOF\n$A $(echo y) \\$A "q"\nEOF')).out).toBe('x y $A "q"\n');
    expect((await shell().run('A=x', "cat <<'EOF'\n$A $(echo y)\nEOF")).out).toBe('$A $(echo y)\n');
  });

  it('goes on after a here-document', async () => {
    expect((await shell().run('cat <<A && echo z\nb\nA\necho c')).out).toBe('b\nz\nc\n');
    expect((await shell().run('cat <<-A\n\tb\n\tA')).out).toBe('b\n');
  });

  it('drops an unfinished script at Ctrl+C', async () => {
    const harness = shell();
    expect((await harness.run('cat <<EOF')).more).toBe(true);
    harness.terminal.interrupt();
    expect((await harness.run('echo free')).out).toBe('free\n');
  });
});

describe('bounds', () => {
  it.each([
    ['ten thousand nested substitutions', `echo ${'$('.repeat(10_000)}`],
    ['closed deep substitutions', `echo ${'$(echo '.repeat(30)}x${')'.repeat(30)}`],
    ['a loop of a billion turns', 'for i in {1..1000000000}; do echo; done'],
    ['nested loops', `${'for i in $(seq 1 5000); do '.repeat(3)} true; ${'done; '.repeat(3)}`.replace(/; $/, '')],
    ['an endless while', 'while true; do true; done'],
    ['a variable that doubles', 'A=xxxxxxxxxx; for i in $(seq 1 40); do A=$A$A; done'],
    ['too many tokens', 'echo '.repeat(1600) + '; a'.repeat(500)],
    ['seq without end', 'seq 1 999999999'],
    ['too many variables', `${Array.from({ length: 300 }, (_, i) => `A${i}=1`).join('; ')}`],
    ['loops inside one another', `${'for i in 1; do '.repeat(200)} true; ${'done; '.repeat(200)}`],
  ])('ends %s with a message', async (_what, line) => {
    const { err, code, more } = await shell().run(line);
    expect(more).toBe(false);
    expect(err.length).toBeGreaterThan(0);
    expect(err.length).toBeLessThan(400);
    expect(code).not.toBe(0);
  });

  it('drops a script that grows over 64 KiB', async () => {
    const harness = shell();
    let last = await harness.run("echo '");
    for (let i = 0; i < 12 && last.more; i++) last = await harness.run('x'.repeat(8000));
    expect(last).toMatchObject({ more: false, code: 2 });
    expect((await harness.run('echo free')).out).toBe('free\n');
  });

  it('does not fill memory with a pipe that nobody reads', async () => {
    const harness = shell();
    const pod = harness.sandbox.addPod({ name: 'a' });
    const running = harness.start('kubectl logs -f a | sleep 60');
    await turns();
    for (let i = 0; i < 100; i++) pod.log('app', 'x'.repeat(100_000));
    await turns();
    running.interrupt();
    expect((await running.done).code).toBe(130);
  });

  it('answers a costly pattern in time', async () => {
    const harness = shell();
    await harness.run(`echo ${'a'.repeat(8000)} > a.txt`);
    expect((await harness.run("grep -cE '(a+)+$' a.txt")).out).toBe('1\n');
    expect((await harness.run("grep -E '(a+)+b$' a.txt")).code).toBe(1);
    expect((await harness.run(`grep -E '${'(a{1,100}){1,9}'}' a.txt`)).code).toBeLessThan(3);
    expect((await harness.run("grep -P '(?=a)' a.txt")).code).toBe(2);
  });
});

describe('Ctrl+C', () => {
  const interrupted = async (line: string) => {
    const harness = shell();
    harness.sandbox.addPod({ name: 'a', logs: { app: ['one'] } });
    harness.sandbox.answer = (_url, init) =>
      new Promise((_resolve, reject) => init.signal?.addEventListener('abort', () => reject(new Error('aborted'))));
    const running = harness.start(line);
    await turns();
    running.interrupt();
    await harness.sandbox.clock.run(500);
    return running.done;
  };

  it.each([
    'sleep 60',
    'while true; do sleep 1; done',
    'for i in $(seq 1 100); do curl -s http://x/; done',
    'kubectl logs -f a',
    'kubectl logs -f a | grep one | wc -l',
    'kubectl get pods -w',
    'curl http://x/',
    'fortio load -n 100 http://x/',
    'echo $(sleep 60)',
    'kubectl exec a -- curl http://x/',
    'sleep 60 && echo never',
  ])('ends %s', async (line) => {
    const { code, out, err } = await interrupted(line);
    expect(code).toBe(130);
    expect(out + err).not.toContain('never');
    expect(err).not.toContain('abort');
  });

  it('is heard in a loop that never waits', async () => {
    const harness = shell();
    const running = harness.start('for i in $(seq 1 10000); do true; true; true; true; done; echo never');
    await turns(5);
    running.interrupt();
    expect(await running.done).toMatchObject({ code: 130, out: '' });
  });
});

describe('history', () => {
  it('prints the lines that were run, numbered, itself included, and goes through a pipe', async () => {
    const harness = shell();
    await harness.run('echo one', 'echo one', '', 'echo two');
    expect((await harness.run('history')).out).toBe('    1  echo one\n    2  echo two\n    3  history\n');
    expect((await harness.run('history 2 | grep -c history')).out).toBe('2\n');
    expect(harness.terminal.history).toEqual(['echo one', 'echo two', 'history', 'history 2 | grep -c history']);
  });

  it('is forgotten by -c, and says which argument it does not take', async () => {
    const harness = shell();
    await harness.run('echo one', 'history -c');
    expect((await harness.run('history')).out).toBe('    1  history\n');
    expect(await harness.run('history x')).toMatchObject({ err: 'history: x: numeric argument required\n', code: 1 });
  });
});

describe('yes', () => {
  it('ends when what it is piped into has enough', async () => {
    expect(await shell().run('yes | head -n 2')).toMatchObject({ out: 'y\ny\n', code: 0 });
    expect((await shell().run('yes a b | head -n 1')).out).toBe('a b\n');
  });

  it('goes on beside a command that finds nothing, and Ctrl+C stops both', async () => {
    const running = shell().start('yes | grep no');
    await turns(20);
    expect(running.out()).toBe('');
    running.interrupt();
    expect((await running.done).code).toBe(130);
  });
});
