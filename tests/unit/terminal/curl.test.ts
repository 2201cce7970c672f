import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { reply } from '../../support/fake-sandbox.ts';
import { createHarness, turns } from './harness.ts';

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
      'HTTP/1.1 503 Service Unavailable\r\nserver: istio-envoy\r\n\r\nno healthy upstream',
    );
    expect((await harness.run('curl -sI http://x/')).out).toBe(
      'HTTP/1.1 503 Service Unavailable\r\nserver: istio-envoy\r\n\r\n',
    );
    expect(harness.sandbox.requests.at(-1)?.init.method).toBe('HEAD');
    const { out, err } = await harness.run('curl -v http://x/a');
    expect(out).toBe('no healthy upstream');
    expect(err).toBe(
      '* Connected to x port 80\n> GET /a HTTP/1.1\r\n> Host: x\r\n> User-Agent: curl/8.5.0\r\n> Accept: */*\r\n> \r\n' +
        '< HTTP/1.1 503 Service Unavailable\r\n< server: istio-envoy\r\n< \r\n* Connection #0 to host x left intact\n',
    );
    harness.sandbox.answer = () => ({ ...reply(200, ''), destination: { ip: '10.96.0.7', port: 9080 } });
    const found = await harness.run("curl -v -w '%{remote_ip} %{remote_port}' http://x:9080/");
    expect(found.err).toMatch(
      /^\* {3}Trying 10\.96\.0\.7:9080\.\.\.\n\* Connected to x \(10\.96\.0\.7\) port 9080\n> GET/,
    );
    expect(found.out).toBe('10.96.0.7 9080');
  });

  it('sends a header as often as it is given, paths as they are, and HTTP/2 where it is asked for', async () => {
    const harness = createHarness();
    const sent = async (line: string) => {
      await harness.run(line);
      return harness.sandbox.requests.at(-1)?.init;
    };
    expect(await sent("curl -s -H 'x-a: 1' -H 'X-A: 2' -H 'accept: text/html' http://x/")).toMatchObject({
      headers: { 'x-a': '1', accept: 'text/html' },
      moreHeaders: [['x-a', '2']],
    });
    expect(await sent('curl -s --path-as-is http://x/a/../b?c#d')).toMatchObject({ target: '/a/../b?c' });
    expect(await sent('curl -s http://x/')).not.toHaveProperty('http2');
    expect(await sent('curl -s --http2-prior-knowledge http://x/')).toMatchObject({ http2: true });
    expect((await sent('curl -s --tlsv1.2 --tls-max 1.2 https://x/'))?.tls).toEqual({
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.2',
    });
  });

  it.each([
    ['/a/../b/./c', '/b/c'],
    ['/a/b/..', '/a/'],
    ['/../..', '/'],
    ['//a', '//a'],
    ['/a/%2e%2e/b', '/a/%2e%2e/b'],
    ['/a\\b', '/a\\b'],
    ['/a|b^c`', '/a|b^c`'],
    ['/?', '/?'],
    ['?q="1"#f', '/?q="1"'],
    ['/é', '/%c3%a9'],
  ])('sends the path and query %s as %s, whatever a browser would make of them', async (typed, target) => {
    const harness = createHarness();
    await harness.run(`curl -sg 'http://x${typed}'`);
    const { url = '', init } = harness.sandbox.requests[0] ?? {};
    expect(init?.target ?? new URL(url).pathname + new URL(url).search).toBe(target);
  });

  it('keeps the letters of the host in the header, and refuses a URL with a space', async () => {
    const harness = createHarness();
    await harness.run('curl -s http://Shop.Example:81/');
    expect(harness.sandbox.requests[0]?.init?.headers).toMatchObject({ host: 'Shop.Example:81' });
    expect(await harness.run("curl -s 'http://x/a b'")).toMatchObject({
      code: 3,
      err: 'curl: (3) URL rejected: Malformed input to a URL function\n',
    });
  });

  it('shows a head line by line, as it came', async () => {
    const harness = createHarness();
    const lines = [
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ] as const;
    harness.sandbox.answer = () => ({ ...reply(200), head: { version: '2', reason: '', lines } });
    expect((await harness.run('curl -sI http://x/')).out).toBe(
      'HTTP/2 200 \r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n',
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

  it('writes out what it knows, and names what it does not know', async () => {
    const harness = createHarness();
    harness.sandbox.answer = (url) =>
      url.endsWith('/a') ? reply(302, '', { location: '/b' }) : reply(200, 'there', { server: 'envoy' });
    const out = async (format: string, url = 'http://127.0.0.9/a', flags = ''): Promise<string> =>
      (await harness.run(`curl -s ${flags} -o /dev/null -w '${format}' ${url}`)).out;
    expect(await out('%{redirect_url} %{method} %{scheme} %{http_version} %{urlnum}')).toBe(
      'http://127.0.0.9/b GET HTTP 1.1 0',
    );
    expect(await out('%{url_effective} %{num_redirects} %header{server}', undefined, '-L')).toBe(
      'http://127.0.0.9/b 1 envoy',
    );
    expect(JSON.parse(await out('%{json}'))).toMatchObject({ http_code: 302, num_redirects: 0, exitcode: 0 });
    expect(await out('%%{http_code}%{http_code}', 'http://127.0.0.9/b', '-d abc')).toBe('%{http_code}200');
    expect((await harness.run("curl -s -o /dev/null -w '%{frog}' http://x/")).err).toBe(
      "curl: unknown --write-out variable: 'frog'\n",
    );
  });

  it('writes out when each phase was over, redirects included', async () => {
    const harness = createHarness();
    const times = { connectedMs: 1, securedMs: 3, answeredMs: 20 };
    harness.sandbox.answer = (url) => {
      harness.sandbox.clock.advance(50);
      return { ...reply(url.endsWith('/a') ? 302 : 200, 'hello', { location: '/b' }), times, localPort: 4000 };
    };
    const format = ['redirect', 'namelookup', 'connect', 'appconnect', 'pretransfer', 'starttransfer', 'total'];
    const w = format.map((name) => `%{time_${name}}`).join(' ');
    expect((await harness.run(`curl -s -o /dev/null -w '${w}' https://x/b`)).out).toBe(
      '0.000000 0.000000 0.001000 0.003000 0.003000 0.020000 0.050000',
    );
    expect((await harness.run(`curl -sL -o /dev/null -w '${w}' https://x/a`)).out).toBe(
      '0.050000 0.050000 0.051000 0.053000 0.053000 0.070000 0.100000',
    );
    const rest = '%{num_connects} %{local_port} %{size_header} %{speed_download} %{ssl_verify_result}';
    expect((await harness.run(`curl -s -o /dev/null -w '${rest}' https://x/b`)).out).toBe('1 4000 33 100 0');
  });

  it('sends forms, files, encoded data and ranges', async () => {
    const harness = createHarness({ files: { 'a.txt': 'from a file\n' } });
    const sent = async (line: string) => {
      await harness.run(line);
      return harness.sandbox.requests.at(-1);
    };
    expect((await sent("curl http://x/ --data-urlencode 'q=a b&c' --data-urlencode 'x y' -d @a.txt"))?.init.body).toBe(
      'from a file&q=a%20b%26c&x%20y',
    );
    expect((await sent("curl -G http://x/p?a=1 --data-urlencode 'q=a b' -d b=2"))?.url).toBe(
      'http://x/p?a=1&b=2&q=a%20b',
    );
    const form = await sent("curl -F name=v -F 'f=@a.txt;type=text/plain' http://x/");
    const boundary = /boundary=(-+\w+)/.exec(form?.init.headers?.['content-type'] ?? '')?.[1];
    expect(form?.init).toMatchObject({ method: 'POST' });
    expect(form?.init.body).toBe(
      `--${boundary}\r\nContent-Disposition: form-data; name="name"\r\n\r\nv\r\n` +
        `--${boundary}\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nfrom a file\n\r\n--${boundary}--\r\n`,
    );
    expect((await sent('echo body | curl -T - http://x/'))?.init).toMatchObject({ method: 'PUT', body: 'body\n' });
    expect((await sent('echo piped | curl -d @- http://x/'))?.init.body).toBe('piped');
    expect((await sent('curl -r 0-3 -e http://from/ --compressed http://x/'))?.init.headers).toMatchObject({
      range: 'bytes=0-3',
      referer: 'http://from/',
      'accept-encoding': 'deflate, gzip, br, zstd',
    });
    expect(await harness.run('curl -T nope http://x/')).toMatchObject({ code: 26 });
    expect(await harness.run('curl -F f=@nope http://x/')).toMatchObject({ code: 26 });
  });

  it('sends several URLs, those that are counted out among them', async () => {
    const harness = createHarness();
    await harness.run('curl -s http://x/[1-3] http://y/{a,b}');
    expect(harness.sandbox.requests.map(({ url }) => url)).toEqual([
      'http://x/1',
      'http://x/2',
      'http://x/3',
      'http://y/a',
      'http://y/b',
    ]);
    await harness.run("curl -s -g 'http://x/?a=[1-3]' -o one -D heads");
    expect(harness.sandbox.requests.at(-1)?.url).toBe('http://x/?a=[1-3]');
    expect(harness.files.get('heads')).toBe('HTTP/1.1 200 OK\r\n\r\n');
    expect((await harness.run('curl -s http://x/[1-200]')).err).toBe('curl: (2) at most 100 requests in one go\n');
  });

  it('unpacks with --compressed only', async () => {
    const harness = createHarness();
    harness.sandbox.answer = () => ({ ...reply(200, '', { 'content-encoding': 'gzip' }), body: gzipSync('plain') });
    expect((await harness.run('curl -s --compressed http://x/')).out).toBe('plain');
    expect((await harness.run('curl -s http://x/')).out).not.toBe('plain');
    harness.sandbox.answer = () => ({ ...reply(200, 'x', { 'content-encoding': 'gzip' }) });
    expect((await harness.run('curl -sS --compressed http://x/')).code).toBe(23);
  });

  it('tries again after a transient answer, waiting twice as long each time', async () => {
    const harness = createHarness();
    let left = 2;
    harness.sandbox.answer = () => reply(left-- > 0 ? 503 : 200, 'ok');
    const running = harness.start("curl --retry 3 -o /dev/null -w '%{http_code}' http://x/");
    await turns();
    expect(harness.sandbox.requests).toHaveLength(1);
    await harness.sandbox.clock.run(1000);
    await turns();
    expect(harness.sandbox.requests).toHaveLength(2);
    await harness.sandbox.clock.run(2000);
    expect(await running.done).toMatchObject({
      out: '200',
      err:
        'Warning: Problem: HTTP error. Will retry in 1 second. 3 retries left.\n' +
        'Warning: Problem: HTTP error. Will retry in 2 seconds. 2 retries left.\n',
      code: 0,
    });
    harness.sandbox.answer = () => reply(404, 'gone');
    expect(await harness.run('curl -s --retry 3 http://x/')).toMatchObject({ out: 'gone' });
    expect(harness.sandbox.requests).toHaveLength(4);
  });

  it('saves the body in a file', async () => {
    const harness = createHarness();
    expect((await harness.run('curl -s http://x/ -o page.html')).out).toBe('');
    expect(harness.files.get('page.html')).toBe('ok');
  });

  it('asks a proxy where one is named, and hosts that are to go without one themselves', async () => {
    const harness = createHarness();
    const sent = async (line: string) => {
      await harness.run(line);
      return harness.sandbox.requests.at(-1);
    };
    expect((await sent('curl -s -x u:p@proxy:3128 http://x/'))?.init.proxy).toEqual({
      host: 'proxy',
      port: 3128,
      headers: { 'proxy-authorization': 'Basic dTpw', 'user-agent': 'curl/8.5.0' },
      tunnel: false,
    });
    expect((await sent('curl -s -p -x http://proxy http://x/'))?.init.proxy).toMatchObject({
      port: 1080,
      tunnel: true,
    });
    expect((await sent('curl -s -x proxy:80 --noproxy y,x http://a.x/'))?.init).not.toHaveProperty('proxy');
    harness.sandbox.answer = () => Promise.reject(failure('ECONNREFUSED'));
    expect(await harness.run('curl -sS -x proxy:80 http://x/')).toMatchObject({
      code: 7,
      err: "curl: (7) Failed to connect to proxy port 80 after 0 ms: Couldn't connect to server\n",
    });
    harness.sandbox.answer = () => Promise.reject(failure('ENOTFOUND'));
    expect(await harness.run('curl -sS -x proxy:80 http://x/')).toMatchObject({
      code: 5,
      err: 'curl: (5) Could not resolve proxy: proxy\n',
    });
  });

  it('limits the connection and the whole transfer each for itself', async () => {
    const harness = createHarness();
    await harness.run('curl -s --connect-timeout 2 http://x/');
    expect(harness.sandbox.requests.at(-1)?.init).toMatchObject({ connectTimeoutMs: 2000, timeoutMs: 60_000 });
    await harness.run('curl -s -m 3 http://x/');
    expect(harness.sandbox.requests.at(-1)?.init).toMatchObject({ timeoutMs: 3000 });
  });

  it('tells no other host what was meant for the first one', async () => {
    const harness = createHarness();
    harness.sandbox.answer = (url) =>
      url.startsWith('http://x') ? reply(302, '', { location: 'http://y/' }) : reply(200);
    const last = async (line: string) => {
      await harness.run(line);
      return harness.sandbox.requests.at(-1)?.init.headers;
    };
    expect(await last('curl -sL -u me:secret -b a=1 http://x/')).toEqual({ 'user-agent': 'curl/8.5.0', accept: '*/*' });
    expect(await last('curl -sL --location-trusted --oauth2-bearer abc http://x/')).toMatchObject({
      authorization: 'Bearer abc',
    });
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

  it('ends with 35 where the connection breaks before TLS stands', async () => {
    const harness = createHarness();
    const broken = (message: string) => Object.assign(failure('ECONNRESET', message), { phase: 'handshake' });
    harness.sandbox.answer = () => Promise.reject(broken('read ECONNRESET'));
    expect(await harness.run('curl -sS https://x/')).toMatchObject({
      code: 35,
      err: 'curl: (35) Recv failure: Connection reset by peer\n',
    });
    harness.sandbox.answer = () =>
      Promise.reject(broken('Client network socket disconnected before secure TLS connection was established'));
    const err = 'curl: (35) OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to x:443 \n';
    expect(await harness.run('curl -sS https://x/')).toMatchObject({ code: 35, err });
  });

  it.each([
    ['curl', 2, 'curl: (2) no URL specified'],
    ['curl --frog http://x/', 2, 'curl: option --frog: is unknown'],
    ['curl -Z http://x/', 2, 'curl: option -Z: is unknown'],
    ['curl http://x/ -H', 2, 'curl: option -H: requires parameter'],
    ['curl -H nope http://x/', 2, 'curl: the header "nope" needs the form'],
    ['curl "http://a b/"', 3, 'curl: (3) URL rejected'],
    ['curl file:///etc/passwd', 1, 'curl: (1) Protocol "file" not supported'],
    ['curl -I -d a http://x/', 2, 'You can only select one HTTP request method!'],
    ['curl -F x http://x/', 2, 'curl: option -F: is badly used here'],
    ['curl --cert none https://x/', 58, 'curl: (58) could not load PEM client certificate from none, OpenSSL error'],
    ['curl --cacert none https://x/', 77, 'curl: (77) error setting certificate file: none'],
    ['curl -x socks5://a http://x/', 7, "curl: (7) Unsupported proxy scheme for 'socks5://a'"],
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

  it('shows the one answer that fortio curl asks for, with its head', async () => {
    const harness = createHarness();
    harness.sandbox.answer = () => ({ ...reply(503), body: Buffer.from('no\n') });
    const { out, err, code } = await harness.run('fortio curl -quiet -H "a: b" http://x/');
    expect([out, code]).toEqual(['no\n', 1]);
    expect(err).toMatch(/^HTTP\/1\.1 503 .*\r\n([^\r\n]+: [^\r\n]*\r\n)*\r\n$/);
    expect(harness.sandbox.requests[0]?.init.headers).toMatchObject({ a: 'b' });
    harness.sandbox.answer = () => Promise.reject(failure('ECONNREFUSED'));
    expect(await harness.run('fortio load -curl http://x/')).toMatchObject({ code: 1, out: '' });
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
    'fortio ping http://x/',
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
