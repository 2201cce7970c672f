import { describe, expect, it } from 'vitest';
import { createContainerFiles } from '../../../server/sandbox/exec/container-files.ts';
import type { PodWorld } from '../../../server/sandbox/exec/pod-world.ts';
import { isBareShell, noInput, runCommand } from '../../../server/sandbox/exec/run-command.ts';
import { manualClock } from '../workloads/support.ts';

interface Ran {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

function world(parts: Partial<PodWorld> = {}): PodWorld {
  const mounted = new Map([['/etc/config/a', Buffer.from('mounted\n')]]);
  return {
    clock: manualClock(),
    files: createContainerFiles({ read: (path) => mounted.get(path), list: () => [...mounted.keys()] }),
    pod: { name: 'cart-1', namespace: 'shop', ip: '127.9.1.5', serviceAccount: 'cart' },
    container: 'main',
    image: 'busybox',
    env: { HOSTNAME: 'cart-1', GREETING: 'hi there' },
    fetch: async (url) => ({ status: 200, headers: { 'x-url': url }, body: Buffer.from(`body of ${url}\n`) }),
    dial: () => Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })),
    resolve: (name) => (name === 'reviews' ? ['127.9.128.7'] : []),
    listeners: () => [{ ip: '0.0.0.0', port: 8080 }],
    proxy: () => undefined,
    imageExec: () => undefined,
    ...parts,
  };
}

async function run(command: readonly string[], inside = world(), stdin?: string): Promise<Ran> {
  let [out, err] = ['', ''];
  const code = await runCommand(
    command,
    {
      ...noInput,
      ...(stdin === undefined
        ? {}
        : {
            stdin: (async function* () {
              yield stdin;
            })(),
            hasStdin: true,
          }),
      out: (text) => {
        out += text;
      },
      err: (text) => {
        err += text;
      },
      signal: new AbortController().signal,
    },
    inside,
  );
  return { out, err, code };
}

const sh = (script: string, inside?: PodWorld): Promise<Ran> => run(['sh', '-c', script], inside);

describe('a command in a container', () => {
  it.each([
    [['hostname'], 'cart-1\n'],
    [['printenv', 'GREETING'], 'hi there\n'],
    [['cat', '/etc/config/a'], 'mounted\n'],
    [['/bin/ls', '/etc/config'], 'a\n'],
    [['curl', '-s', 'http://reviews:9080/x'], 'body of http://reviews:9080/x\n'],
    [['wget', '-qO-', 'reviews:9080/x'], 'body of http://reviews:9080/x\n'],
    [['getent', 'hosts', 'reviews'], '127.9.128.7    reviews\n'],
    [['whoami'], 'root\n'],
  ])('%j prints what it would print', async (command, out) => {
    expect(await run(command)).toEqual({ out, err: '', code: 0 });
  });

  it('refuses the archive that kubectl cp asks for, in words, and reads none of its input', async () => {
    for (const command of [
      ['tar', 'cf', '-', '/etc/hosts'],
      ['tar', '-xmf', '-', '-C', '/tmp'],
    ]) {
      const { out, err, code } = await run(command, world(), 'an archive');
      expect({ out, code }).toEqual({ out: '', code: 2 });
      expect(err).toContain('kubectl cp cannot copy');
    }
  });

  it('that does not exist ends with 127 and the runtime’s words', async () => {
    expect(await run(['vi', 'x'])).toEqual({
      out: '',
      err: 'exec: "vi": executable file not found in $PATH\n',
      code: 127,
    });
  });

  it('of the agent exists in the proxy’s container only', async () => {
    expect((await run(['pilot-agent', 'request', 'GET', 'stats'])).code).toBe(127);
    const proxy = world({ container: 'istio-proxy', image: 'proxyv2' });
    expect((await run(['pilot-agent', 'request', 'GET', 'stats'], proxy)).out).toBe(
      'body of http://localhost:15000/stats\n',
    );
    expect((await run(['id'], proxy)).out).toContain('uid=1337');
  });
});

describe('a shell in a container', () => {
  it('runs scripts: variables, loops, pipes, conditions, redirections', async () => {
    expect((await sh('for i in 1 2; do echo "$GREETING $i"; done | grep 2')).out).toBe('hi there 2\n');
    expect((await sh('echo x > /tmp/a && cat /tmp/a; test -f /tmp/b || echo none')).out).toBe('x\nnone\n');
    expect((await sh('[ "$HOSTNAME" = cart-1 ] && echo me')).out).toBe('me\n');
  });

  it('ends with the code of exit, and of the last command', async () => {
    expect(await sh('echo a; exit 3; echo b')).toMatchObject({ out: 'a\n', code: 3 });
    expect((await sh('cat /nope')).code).toBe(1);
    expect(await sh('nope')).toMatchObject({ err: 'sh: nope: not found\n', code: 127 });
  });

  it('keeps what it wrote for the next command of the same container, and never what is mounted', async () => {
    const inside = world();
    await sh('touch /tmp/healthy', inside);
    expect((await run(['cat', '/tmp/healthy'], inside)).code).toBe(0);
    await sh('rm /tmp/healthy', inside);
    expect((await run(['cat', '/tmp/healthy'], inside)).code).toBe(1);
    expect((await sh('echo x > /etc/config/a', inside)).err).toContain('Read-only file system');
  });

  it('reads a script from its input', async () => {
    expect((await run(['sh'], world(), 'echo one\necho two\n')).out).toBe('one\ntwo\n');
  });

  it('is bare when it has no script', () => {
    expect([['sh'], ['/bin/bash', '-il'], ['sh', '-c', 'x'], ['ls']].map(isBareShell)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
