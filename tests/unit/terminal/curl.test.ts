import { describe, expect, it } from 'vitest';
import { reply } from '../../support/fake-sandbox.ts';
import { createHarness } from './harness.ts';

const failure = (code: string, message = code): Error => Object.assign(new Error(message), { code });
const timeout = (): Error => Object.assign(new Error('late'), { name: 'TimeoutError' });

const IN_PODS =
  'Names of the cluster resolve in its pods only: kubectl exec deploy/<name> -- curl -s http://<service>\n';

describe('curl', () => {
  it('prints the body and nothing else', async () => {
    expect(await createHarness().run('curl 127.0.0.9/a')).toEqual({ out: 'ok', err: '', code: 0, more: false });
  });

  it('sends what its flags say', async () => {
    const harness = createHarness();
    await harness.run(
      `curl -sSL -XPUT -HHost:httpbin.example.com -H "End-User: jason" -d a=1 --data=b=2 -b 'c=3' -A me -m 1.5 http://x/p?q=1`,
    );
    expect(harness.sandbox.requests).toMatchObject([
      {
        from: 'outside',
        url: 'http://x/p?q=1',
        init: {
          method: 'PUT',
          headers: {
            host: 'httpbin.example.com',
            'end-user': 'jason',
            cookie: 'c=3',
            'user-agent': 'me',
            'content-type': 'application/x-www-form-urlencoded',
          },
          body: 'a=1&b=2',
          timeoutMs: 1500,
        },
      },
    ]);
  });

  it('shows the head with -i and -I, the conversation with -v', async () => {
    const harness = createHarness();
    harness.sandbox.answer = () => reply(503, 'no healthy upstream', { server: 'istio-envoy' });
    expect((await harness.run('curl -i http://x/')).out).toBe(
      'HTTP/1.1 503 Service Unavailable\nserver: istio-envoy\n\nno healthy upstream',
    );
    expect((await harness.run('curl -sI http://x/')).out).toBe(
      'HTTP/1.1 503 Service Unavailable\nserver: istio-envoy\n\n',
    );
    expect(harness.sandbox.requests.at(-1)?.init.method).toBe('HEAD');
    const { out, err } = await harness.run('curl -v http://x/a');
    expect(out).toBe('no healthy upstream');
    expect(err).toBe(
      '> GET /a HTTP/1.1\n> Host: x\n> user-agent: curl/8.5.0\n> accept: */*\n> \n< HTTP/1.1 503 Service Unavailable\n< server: istio-envoy\n< \n',
    );
  });

  it('writes out codes and times', async () => {
    const harness = createHarness();
    harness.sandbox.answer = () => {
      harness.sandbox.clock.advance(1500);
      return reply(404, 'gone');
    };
    const { out, code } = await harness.run(
      `curl -s -o /dev/null -w "%{http_code} %{time_total} %{size_download}\\n" http://x/`,
    );
    expect({ out, code }).toEqual({ out: '404 1.500000 4\n', code: 0 });
  });

  it('saves the body in a file', async () => {
    const harness = createHarness();
    expect((await harness.run('curl -s http://x/ -o page.html')).out).toBe('');
    expect(harness.files.get('page.html')).toBe('ok');
  });

  it('follows redirects with -L only', async () => {
    const harness = createHarness();
    harness.sandbox.answer = (url) =>
      url.endsWith('/a') ? reply(302, 'moved', { location: '/b' }) : reply(200, 'there');
    expect((await harness.run('curl http://x/a')).out).toBe('moved');
    expect((await harness.run('curl -L http://x/a')).out).toBe('there');
    harness.sandbox.answer = () => reply(302, '', { location: '/' });
    expect(await harness.run('curl -L http://x/')).toMatchObject({
      code: 47,
      err: 'curl: (47) Maximum (50) redirects followed\n',
    });
  });

  it.each([
    [failure('ENOTFOUND'), 6, 'Could not resolve host: x'],
    [failure('ECONNREFUSED'), 7, "Failed to connect to x port 80 after 0 ms: Couldn't connect to server"],
    [timeout(), 28, 'Operation timed out after 2000 milliseconds with 0 bytes received'],
    [failure('ECONNRESET', 'socket hang up'), 52, 'Empty reply from server'],
    [failure('ECONNRESET', 'read ECONNRESET'), 56, 'Recv failure: Connection reset by peer'],
  ])("ends with curl's own exit code after %s", async (error, code, text) => {
    const harness = createHarness();
    harness.sandbox.answer = () => Promise.reject(error);
    expect(await harness.run('curl -m 2 http://x/')).toEqual({
      out: '',
      err: `curl: (${code}) ${text}\n${code === 6 ? IN_PODS : ''}`,
      code,
      more: false,
    });
    expect(await harness.run('curl -s -m 2 -w "%{http_code}" http://x/')).toMatchObject({ out: '000', err: '', code });
    expect((await harness.run('curl -sS -m 2 http://x/')).err).toContain(text);
  });

  it.each([
    ['curl', 2, 'curl: (2) no URL specified'],
    ['curl --frog http://x/', 2, 'curl: option --frog: is unknown'],
    ['curl -Z http://x/', 2, 'curl: option -Z: is unknown'],
    ['curl http://x/ -H', 2, 'curl: option -H: requires parameter'],
    ['curl -H nope http://x/', 2, 'curl: the header "nope" needs the form'],
    ['curl "http://a b/"', 3, 'curl: (3) URL rejected'],
    ['curl file:///etc/passwd', 1, 'curl: (1) Protocol "file" not supported'],
    ['curl -m soon http://x/', 2, 'curl: option -m: expected a proper numerical parameter'],
  ])('refuses %s', async (line, code, text) => {
    const harness = createHarness();
    const ran = await harness.run(line);
    expect(ran.code).toBe(code);
    expect(ran.err).toContain(text);
    expect(harness.sandbox.requests).toEqual([]);
  });
});

describe('fortio and what is missing', () => {
  it('gives a call up after -timeout, and says why there was no answer', async () => {
    const harness = createHarness();
    const limits: (number | undefined)[] = [];
    harness.sandbox.answer = (_url, init) => {
      limits.push(init.timeoutMs);
      return Promise.reject(failure('ECONNREFUSED'));
    };
    const { out, err } = await harness.run('fortio load -c 1 -n 2 -qps 0 -timeout 500ms -p 50,99.9 -keepalive=false x');
    expect(limits).toEqual([500, 500]);
    expect(out).toContain('Code  -1 : 2 (100.0 %)');
    expect(out).toContain('# target 99.9% ');
    expect(err).toMatch(/^Fortio load: .*\nno answer: [^\n]*ECONNREFUSED[^\n]*\n$/);
  });

  it.each([
    ['cd ..', 'cd: command not found. All files of this terminal lie in one folder; ls lists them.\n'],
    [
      'sudo kubectl get pods',
      'sudo: command not found. Nothing here needs it: you are the administrator of this cluster.\n',
    ],
    ['constructor', 'constructor: command not found. Type help for the list.\n'],
  ])('answers %s by what does its work here', async (line, text) => {
    expect(await createHarness().run(line)).toMatchObject({ err: text, code: 127 });
  });

  it('sorts by a column', async () => {
    const { out } = await createHarness().run(
      "seq 3 | sort -k 1 -n -r; echo 'b:2' > x; echo 'a:10' >> x; sort -t : -k 2 -n x",
    );
    expect(out).toBe('3\n2\n1\nb:2\na:10\n');
  });

  it('takes a kind in the place of a verb for a question', async () => {
    expect((await createHarness().run('kubectl pods')).err).toContain('Did you mean this?\n\tkubectl get pods\n');
  });
});

describe('fortio', () => {
  it('counts answers and gives percentiles in seconds', async () => {
    const harness = createHarness();
    let count = 0;
    harness.sandbox.answer = () => {
      harness.sandbox.clock.advance(10);
      return reply(++count % 4 === 0 ? 503 : 200);
    };
    const { out, code } = await harness.run('fortio load -c 1 -qps 0 -n 20 http://x/');
    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([
      '# target 50% 0.010000',
      '# target 75% 0.010000',
      '# target 90% 0.010000',
      '# target 99% 0.010000',
      'Code 200 : 15 (75.0 %)',
      'Code 503 : 5 (25.0 %)',
      'All done 20 calls (plus 0 warmup) 10.000 ms avg, 100.0 qps',
      '',
    ]);
  });

  it('keeps the pace of -qps', async () => {
    const harness = createHarness();
    const running = harness.start('fortio load -c 2 -qps 10 -n 10 http://x/ -H "a: b"');
    await harness.sandbox.clock.run(500);
    expect(harness.sandbox.requests.length).toBeGreaterThanOrEqual(5);
    expect(harness.sandbox.requests.length).toBeLessThanOrEqual(6);
    await harness.sandbox.clock.run(600);
    expect((await running.done).out).toContain('Code 200 : 10 (100.0 %)');
    expect(harness.sandbox.requests[0]?.init.headers).toMatchObject({ a: 'b' });
  });

  it('ends at -t', async () => {
    const harness = createHarness();
    const running = harness.start('fortio load -qps 10 -t 1s http://x/');
    await harness.sandbox.clock.run(1500);
    expect((await running.done).out).toMatch(/Code 200 : 10 /);
  });

  it.each([
    'fortio',
    'fortio curl http://x/',
    'fortio load',
    'fortio load -n 0 http://x/',
    'fortio load -n 1e9 http://x/',
    'fortio load -c 100 http://x/',
    'fortio load -t 1h http://x/',
    'fortio load -frog 1 http://x/',
    'fortio load -H nope http://x/',
    'fortio load "http://a b/"',
  ])('refuses %s', async (line) => {
    const { err, code } = await createHarness().run(line);
    expect(err).toMatch(/^fortio: /);
    expect(code).toBe(1);
  });
});
