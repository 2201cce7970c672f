import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClusterAuthority } from '#ca';
import { NO_SUCH_NAME } from '#domain';
import { createContainerFiles } from '../../../server/sandbox/exec/container-files.ts';
import type { PodWorld } from '../../../server/sandbox/exec/pod-world.ts';
import { isBareShell, noInput, runCommand } from '../../../server/sandbox/exec/run-command.ts';
import { withImageFiles } from '../../../server/sandbox/kubelet/image-files.ts';
import { manualClock, TestNet } from '../workloads/support.ts';

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
    ask: (name, type) =>
      name !== 'reviews.shop.svc.cluster.local'
        ? NO_SUCH_NAME
        : {
            code: 'NOERROR',
            authoritative: true,
            records: type === 'A' ? [{ name, type, ttlS: 5, value: '127.9.128.7' }] : [],
          },
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
    [['host', 'reviews'], 'reviews.shop.svc.cluster.local has address 127.9.128.7\n'],
    [['dig', '+short', 'reviews.shop.svc.cluster.local'], '127.9.128.7\n'],
    [['dig', '+short', '+search', 'reviews'], '127.9.128.7\n'],
    [['dig', '+short', 'reviews'], ''],
    [['whoami'], 'root\n'],
  ])('%j prints what it would print', async (command, out) => {
    expect(await run(command)).toEqual({ out, err: '', code: 0 });
  });

  it('keeps folders, empty ones too, and archives of files', async () => {
    const inside = world();
    const script = (text: string) => run(['sh', '-c', text], inside);
    expect(await script('test -d /tmp && mkdir /tmp/a && test -d /tmp/a && ls /tmp/a && test ! -d /nowhere')).toEqual({
      out: '',
      err: '',
      code: 0,
    });
    expect(await script('echo 1 > /tmp/a/b && tar cf /tmp/a.tar -C /tmp a && tar tf /tmp/a.tar')).toMatchObject({
      out: 'a/\na/b\n',
      code: 0,
    });
    expect(await script('mkdir /opt/x; tar xf /tmp/a.tar -C /opt/x && cat /opt/x/a/b')).toEqual({
      out: '1\n',
      err: '',
      code: 0,
    });
    expect(await script('tar cf /tmp/b.tar /missing')).toMatchObject({
      err: expect.stringContaining('tar: /missing: Cannot stat: No such file or directory\n'),
      code: 2,
    });
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

describe('the client of the echo images', () => {
  const net = new TestNet();
  const files = withImageFiles(
    { read: () => undefined, list: () => [] },
    { image: 'echo-advanced', issue: () => createClusterAuthority({ clock: net.clock }).issue(['echo']) },
  );
  const inside = world({
    image: 'echo-advanced',
    files: createContainerFiles(files),
    fetch: (url, init) => net.fetch(url, init),
    dial: (host, port) => net.dial(host, port),
  });

  beforeAll(async () => {
    const certificate = Object.fromEntries(files.list().map((path) => [path, `${files.read(path)}`]));
    const ports =
      '--port=80 --port=443 --tls=443 --grpc=7070 --tcp=9090 --tcp=9091 --server-first=9091 --tcp=9443 --tls=9443';
    const args = `${ports} --version v1 --crt=/cert.crt --key=/cert.key`.split(' ');
    await net.run('gcr.io/k8s-staging-gateway-api/echo-advanced:v1', 'echo', {}, { args, files: certificate });
  });
  afterAll(() => net.close());

  const client = (line: string): Promise<Ran> => run(['client', ...line.split(' ')], inside);

  it.each([
    [
      'http://echo/a/../b?c -H x-a:1 -H X-A:2',
      ['Url=http://echo/a/../b?c', 'Header=x-a:1', 'StatusCode=200'],
      ['URL=/a/../b?c', 'RequestHeader=X-A:1', 'RequestHeader=X-A:2', 'Proto=HTTP/1.1', 'Host=echo'],
    ],
    ['--http2 -H Host:shop http://echo', ['StatusCode=200'], ['Proto=HTTP/2.0', 'Host=shop', 'URL=/']],
    ['--http2 https://echo', ['StatusCode=200'], ['Proto=HTTP/2.0', 'Alpn=h2', 'Sni=echo']],
    ['-H Host:shop https://echo', ['StatusCode=200'], ['Alpn=http/1.1', 'Sni=shop']],
    ['--method=POST http://echo', ['StatusCode=200'], ['Method=POST']],
    [
      'grpc://echo:7070 -H x-a:1 --msg hi',
      ['ResponseHeader=content-type:application/grpc+proto'],
      ['Host=echo:7070', 'RequestHeader=x-a:1', 'Echo=hi', 'Proto=GRPC'],
    ],
    ['ws://echo/ --msg hi', ['Echo=hi'], ['RequestHeader=Testwebsocket:enabled', 'hiStatusCode=200']],
    ['tcp://echo:9090', ['Echo=HelloWorld'], ['StatusCode=200', 'ServicePort=9090', 'HelloWorld']],
    ['--server-first tcp://echo:9091', [], ['StatusCode=200', 'ServicePort=9091', 'HelloWorld']],
    ['tls://echo:9443 --alpn=one,h2', ['Version=1.3', 'Alpn='], []],
  ])('asks by %s', async (line, told, served) => {
    const { out, err, code } = await client(line);
    expect({ code, err }).toEqual({ code: 0, err: expect.stringMatching(/\tinfo\tAll 1 requests succeeded\n$/) });
    const lines = out.split('\n');
    for (const each of told) expect(lines).toContain(`[0] ${each}`);
    for (const each of served) expect(lines).toContain(`[0 body] ${each}`);
  });

  it('numbers its requests, and follows redirects only where it is told to', async () => {
    const { out } = await client('--count=2 http://echo/');
    expect(out.match(/^\[\d\] StatusCode=200$/gm)).toEqual(['[0] StatusCode=200', '[1] StatusCode=200']);
    const moved = 'http://echo/?codes=302&headers=location:/there';
    expect((await client(moved)).out).toContain('[0] StatusCode=302\n');
    expect((await client(`-L ${moved}`)).out).toMatch(/StatusCode=200\n.*URL=\/there\n/s);
  });

  it.each([
    [
      'http://nobody/',
      'Error 1/1 requests had errors; first error: Get "http://nobody/": getaddrinfo ENOTFOUND nobody',
    ],
    ['--count=3 grpc://echo:80', 'Error 3/3 requests had errors; first error: rpc error: code = '],
    ['--expect=other tcp://echo:9090', 'Error 1/1 requests had errors; first error: expect to recv message with other'],
    ['ftp://echo', 'no protocol handler found for scheme ftp'],
  ])('%s fails with the first error and nothing else', async (line, error) => {
    const { out, err, code } = await client(line);
    expect({ out, code }).toEqual({ out: '', code: 255 });
    expect(err).toContain(error);
  });
});
