import { connect as connectHttp2 } from 'node:http2';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClusterAuthority } from '#ca';
import { findImage } from '#workloads';
import { createKeyAndRequest } from '../../../server/data-plane/agent/csr.ts';
import { decodeFields, encodeFields } from '../../../server/workloads/net/grpc-server.ts';
import { readNginxServers } from '../../../server/workloads/tools/nginx-config.ts';
import { createTestCa } from '../../mesh/data-plane-harness.ts';
import { bodyOf, TestNet } from './support.ts';

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('utf8');
const field = (bytes: Uint8Array, number: number): Uint8Array | undefined =>
  decodeFields(bytes).find((each) => each.field === number)?.bytes;

describe('images of public examples', () => {
  let net: TestNet;
  beforeEach(() => {
    net = new TestNet();
  });
  afterEach(() => net.close());

  const call = (
    host: string,
    port: number,
    path: string,
    request: Buffer,
    metadata = new Metadata(),
  ): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      const client = new Client(`127.0.0.1:${net.realPort(host, port)}`, credentials.createInsecure());
      const raw = (bytes: Buffer): Buffer => bytes;
      client.makeUnaryRequest(path, raw, raw, request, metadata, (error, answer) => {
        client.close();
        if (error) reject(error);
        else resolve(answer ?? Buffer.alloc(0));
      });
    });

  const converse = async (host: string, port: number, sent: string): Promise<string> => {
    const socket = await net.dial(host, port);
    let heard = '';
    socket.on('data', (bytes) => {
      heard += bytes.toString('utf8');
    });
    socket.end(sent);
    await new Promise((resolve) => socket.once('close', resolve));
    return heard;
  };

  describe('httpbin', () => {
    it('shows every value of a header in the Go form, and joins them in the Python form', async () => {
      const go = await net.run('mccutchen/go-httpbin:v2.15.0', 'go');
      const python = await net.run('docker.io/kennethreitz/httpbin', 'python');
      const init = { headers: { 'x-a': 'b' } };
      expect(bodyOf(await go.get('/get?x=1&x=2', init))).toMatchObject({
        args: { x: ['1', '2'] },
        headers: { 'X-A': ['b'], Host: ['go'] },
        method: 'GET',
        url: 'http://go/get?x=1&x=2',
      });
      expect(bodyOf(await python.get('/headers', init))).toMatchObject({ headers: { 'X-A': 'b', Host: 'python' } });
    });

    it('tells a posted form and JSON back', async () => {
      const bin = await net.run('httpbin', 'bin');
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const form = await bin.get('/post', { method: 'POST', body: 'a=1&b=2', headers });
      expect(bodyOf(form)).toMatchObject({ form: { a: '1', b: '2' }, data: '' });
      const json = { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } };
      expect(bodyOf(await bin.get('/anything/x', json))).toMatchObject({ json: { a: 1 }, data: '{"a":1}' });
      expect((await bin.get('/post')).status).toBe(405);
    });

    it.each([
      ['/status/418', 418],
      ['/status/503', 503],
      ['/status/abc', 400],
      ['/basic-auth/ann/secret', 401],
      ['/bearer', 401],
      ['/nope', 404],
      ['/redirect/2', 302],
      ['/uuid', 200],
      ['/xml', 200],
    ])('answers %s with %i', async (path, status) => {
      expect((await (await net.run('go-httpbin', 'bin')).get(path)).status).toBe(status);
    });

    it('lets the right password in', async () => {
      const bin = await net.run('go-httpbin', 'bin');
      const authorization = `Basic ${Buffer.from('ann:secret').toString('base64')}`;
      const response = await bin.get('/basic-auth/ann/secret', { headers: { authorization } });
      expect([response.status, bodyOf(response)]).toEqual([200, { authorized: true, user: 'ann' }]);
    });

    it('sets the headers and cookies that are asked for', async () => {
      const bin = await net.run('go-httpbin', 'bin');
      expect((await bin.get('/response-headers?x-lab=1')).headers['x-lab']).toBe('1');
      const set = await bin.get('/cookies/set?a=b');
      expect([set.status, set.headers['set-cookie']]).toEqual([302, 'a=b; Path=/']);
      expect(bodyOf(await bin.get('/cookies', { headers: { cookie: 'a=b' } }))).toEqual({ a: 'b' });
    });

    it('waits as long as a delay says, on the clock of the lab', async () => {
      const bin = await net.run('go-httpbin', 'bin');
      let status = 0;
      const asked = bin.get('/delay/2').then((response) => {
        status = response.status;
      });
      while (net.clock.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
      expect(status).toBe(0);
      net.clock.advance(2000);
      await asked;
      expect(status).toBe(200);
    });

    it('listens where its arguments say', async () => {
      await net.run(
        'httpbin',
        'bin',
        {},
        { command: ['gunicorn'], args: ['-b', '0.0.0.0:8088', 'httpbin:app', '-k', 'gevent'] },
      );
      expect((await net.fetch('http://bin:8088/get')).status).toBe(200);
    });

    it('logs each request as gunicorn does where its command asks for that', async () => {
      const command = ['gunicorn', '--access-logfile', '-', '-b', '0.0.0.0:80', 'httpbin:app'];
      const bin = await net.run('docker.io/kennethreitz/httpbin', 'bin', {}, { command });
      expect(bin.logs[1]).toMatch(
        /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000\] \[1\] \[INFO\] Listening at: http:\/\/0\.0\.0\.0:80 \(1\)$/,
      );
      const length = (await bin.get('/get?a=1', { headers: { 'user-agent': 'curl/8.5.0' } })).headers['content-length'];
      expect(bin.logs.at(-1)).toMatch(
        new RegExp(
          `^127\\S+ - - \\[\\d\\d/[A-Z][a-z]{2}/\\d{4}:[\\d:]{8} \\+0000\\] "GET /get\\?a=1 HTTP/1.1" 200 ${length} "-" "curl/8.5.0"$`,
        ),
      );
    });
  });

  it('helloworld says its version and its pod', async () => {
    const hello = await net.run('docker.io/istio/examples-helloworld-v2:1.0', 'hello');
    expect(text((await hello.get('/hello')).body)).toBe('Hello version: v2, instance: hello-1\n');
  });

  it('tcp-echo answers each line with its prefix, on each port', async () => {
    await net.run('istio/tcp-echo-server:1.3', 'echo', {}, { args: ['9000,9001', 'one'] });
    expect(await converse('echo', 9000, 'a\nb\n')).toBe('one a\none b\n');
    expect(await converse('echo', 9001, 'c\n')).toBe('one c\n');
  });

  describe('echo-basic', () => {
    const env = { POD_NAME: 'p', NAMESPACE: 'n', INGRESS_NAME: 'i', SERVICE_NAME: 's' };

    it('tells a request back with who answers', async () => {
      await net.run('echo-basic', 'echo', env);
      const response = await net.fetch('http://echo:3000/a//b?c=d', {
        headers: { 'x-echo-set-header': 'x-one: 1, x-two:2', 'user-agent': 'me' },
      });
      expect(response.headers).toMatchObject({ 'x-one': '1', 'x-two': '2', 'content-type': 'application/json' });
      expect(bodyOf(response)).toEqual({
        path: '/a//b?c=d',
        host: 'echo:3000',
        method: 'GET',
        proto: 'HTTP/1.1',
        headers: { Connection: ['close'], 'User-Agent': ['me'], 'X-Echo-Set-Header': ['x-one: 1, x-two:2'] },
        namespace: 'n',
        ingress: 'i',
        service: 's',
        pod: 'p',
      });
    });

    it('answers /status with the code of three digits that the target ends in, without a body', async () => {
      await net.run('echo-basic', 'echo', env);
      for (const [target, status] of [
        ['/status/503', 503],
        ['/status/204', 204],
        ['/status/abc', 400],
        ['/status/200?a=b', 400],
      ] as const) {
        const response = await net.fetch(`http://echo:3000${target}`);
        expect([target, response.status, response.headers['content-type']]).toEqual([target, status, undefined]);
        expect(response.body).toHaveLength(0);
      }
    });

    it('speaks HTTP/2 without TLS', async () => {
      await net.run('echo-basic', 'echo', env);
      const session = connectHttp2(`http://127.0.0.1:${net.realPort('echo', 3001)}`);
      const stream = session.request({ ':path': '/h2', ':authority': 'shop.example' });
      let body = '';
      for await (const chunk of stream) body += chunk;
      session.close();
      expect(JSON.parse(body)).toMatchObject({ path: '/h2', host: 'shop.example', proto: 'HTTP/2.0' });
    });

    it('tells of TLS what it sees', async () => {
      const ca = createClusterAuthority({ clock: { ...net.clock, now: () => Date.now() } });
      const { certPem, keyPem } = ca.issue(['secure.example']);
      const files = { '/tls/crt': certPem, '/tls/key': keyPem };
      const tlsEnv = { ...env, TLS_SERVER_CERT: '/tls/crt', TLS_SERVER_PRIVKEY: '/tls/key' };
      await net.run('echo-basic', 'secure.example', tlsEnv, { files });
      const response = await net.fetch('https://secure.example:8443/', { tls: { ca: ca.caPem } });
      expect(bodyOf(response)).toMatchObject({ tls: { version: 'TLSv1.3', serverName: 'secure.example' } });
      const session = connectHttp2(`https://127.0.0.1:${net.realPort('secure.example', 8443)}`, {
        ca: ca.caPem,
        servername: 'secure.example',
      });
      const stream = session.request({ ':path': '/h2', ':authority': 'secure.example' });
      let body = '';
      for await (const chunk of stream) body += chunk;
      session.close();
      expect(JSON.parse(body)).toMatchObject({ proto: 'HTTP/2.0', tls: { negotiatedProtocol: 'h2' } });
    });

    it('serves gRPC instead when told to', async () => {
      await net.run('echo-basic', 'echo', { ...env, GRPC_ECHO_SERVER: '1' });
      const metadata = new Metadata();
      metadata.set('x-test', 'yes');
      const path = '/gateway_api_conformance.echo_basic.grpcecho.GrpcEcho/EchoTwo';
      const answer = await call('echo', 3000, path, Buffer.alloc(0), metadata);
      const assertions = field(answer, 1) ?? Buffer.alloc(0);
      expect(text(field(assertions, 1))).toBe(path);
      expect(text(field(field(assertions, 4) ?? Buffer.alloc(0), 4))).toBe('p');
      const headers = decodeFields(assertions).filter((each) => each.field === 2);
      expect(headers.map(({ bytes }) => [text(field(bytes, 1)), text(field(bytes, 2))])).toContainEqual([
        'x-test',
        'yes',
      ]);
      await expect(call('echo', 3000, path.replace('Two', 'Three'), Buffer.alloc(0))).rejects.toMatchObject({
        code: 12,
      });
    });
  });

  describe("Istio's echo app", () => {
    const args = [
      '--port',
      '8080',
      '--tcp=9090',
      '--grpc',
      '7070',
      '--server-first=9090',
      '--version',
      'v1',
      '--cluster=c',
    ];

    it('tells HTTP, gRPC and TCP back line by line', async () => {
      await net.run('gcr.io/istio-testing/app:latest', 'app', {}, { args });
      const http = text((await net.fetch('http://app:8080/x', { headers: { 'x-a': 'b' } })).body);
      expect(http).toMatch(
        /^ServiceVersion=v1\nServicePort=8080\nHost=app:8080\nURL=\/x\nCluster=c\nMethod=GET\nProto=HTTP\/1.1\n/,
      );
      expect(http).toContain('RequestHeader=X-A:b\n');
      expect(http).toMatch(/Hostname=app-1\n$/);
      const grpc = await call('app', 7070, '/proto.EchoTestService/Echo', encodeFields([[1, 'hi']]));
      expect(text(field(grpc, 1))).toContain('Echo=hi\n');
      expect([...(await call('app', 7070, '/grpc.health.v1.Health/Check', Buffer.alloc(0)))]).toEqual([8, 1]);
      const tcp = await converse('app', 9090, 'hi\n');
      expect(tcp).toMatch(/^server-first-protocol\nStatusCode=200\nCluster=c\nServiceVersion=v1\nServicePort=9090\n/);
      expect(tcp).toMatch(/hi\n$/);
    });

    it('answers with the codes and headers that a request asks for', async () => {
      await net.run('app', 'app', {}, { args });
      const response = await net.fetch('http://app:8080/?codes=503:1&headers=x-a:b');
      expect([response.status, response.headers['x-a']]).toEqual([503, 'b']);
    });
  });

  describe("ForwardEcho of Istio's echo app", () => {
    const path = '/proto.EchoTestService/ForwardEcho';
    const outputsOf = (answer: Buffer): string[] => decodeFields(answer).map(({ bytes }) => text(bytes));
    const number = (field: number, value: number): Buffer => Buffer.from([...encodeTag(field), value]);
    const encodeTag = (field: number): number[] =>
      field < 16 ? [field << 3] : [((field << 3) & 0x7f) | 0x80, field >> 4];

    it('sends requests from the pod and gives back what each printed', async () => {
      await net.run('app', 'there', {}, { args: ['--port', '8080', '--version', 'v7'] });
      await net.run('app', 'here', {}, { args: ['--port', '8081', '--grpc', '7070'] });
      const header = encodeFields([
        [1, 'X-Asked'],
        [2, 'yes'],
      ]);
      const host = encodeFields([
        [1, 'Host'],
        [2, 'other.example'],
      ]);
      const request = Buffer.concat([
        number(1, 2),
        encodeFields([
          [4, 'http://there:8080/a?codes=201'],
          [5, header],
          [5, host],
          [9, 'POST'],
        ]),
      ]);
      const outputs = outputsOf(await call('here', 7070, path, request));
      expect(outputs).toHaveLength(2);
      for (const [index, output] of outputs.entries()) {
        expect(output).toMatch(`[${index}] StatusCode=201\n`);
        expect(output).toMatch(`[${index} body] ServiceVersion=v7\n`);
        expect(output).toMatch(`[${index} body] Host=other.example\n`);
        expect(output).toMatch(`[${index} body] Method=POST\n`);
        expect(output).toMatch(`[${index} body] RequestHeader=X-Asked:yes\n`);
      }
    });

    it('calls gRPC and TCP ports with the message that it was given', async () => {
      await net.run('app', 'there', {}, { args: ['--port', '8080', '--grpc', '7070', '--tcp', '9090'] });
      await net.run('app', 'here', {}, { args: ['--port', '8081', '--grpc', '7070'] });
      for (const url of ['grpc://there:7070', 'tcp://there:9090']) {
        const request = encodeFields([
          [4, url],
          [6, 'good morning'],
        ]);
        const [output] = outputsOf(await call('here', 7070, path, request));
        expect(output).toContain('[0 body] StatusCode=200\n');
        expect(output).toContain('good morning');
      }
    });

    it('fails with the number of failed requests and the first reason', async () => {
      await net.run('app', 'here', {}, { args: ['--grpc', '7070'] });
      const failure = (fields: Parameters<typeof encodeFields>[0]): Promise<Buffer> =>
        call('here', 7070, path, encodeFields(fields));
      await expect(failure([[4, 'http://nowhere/']])).rejects.toMatchObject({
        code: 2,
        details: '1/1 requests had errors; first error: Get "http://nowhere/": getaddrinfo ENOTFOUND nowhere',
      });
      await expect(failure([[4, 'gopher://here/']])).rejects.toMatchObject({
        code: 2,
        details: 'no protocol handler found for scheme gopher',
      });
      const noFile = failure([
        [4, 'https://here/'],
        [18, '/ca.crt'],
      ]);
      await expect(noFile).rejects.toMatchObject({ details: 'open /ca.crt: no such file or directory' });
      const hbone = failure([
        [4, 'http://here/'],
        [24, 'x'],
      ]);
      await expect(hbone).rejects.toMatchObject({
        details: 'HTTP/3, HBONE and the PROXY protocol are not spoken here',
      });
    });

    it('is told by reflection, with the messages that it takes', async () => {
      await net.run('app', 'here', {}, { args: ['--grpc', '7070'] });
      const client = new Client(`127.0.0.1:${net.realPort('here', 7070)}`, credentials.createInsecure());
      const raw = (bytes: Buffer): Buffer => bytes;
      for (const version of ['v1', 'v1alpha']) {
        const stream = client.makeBidiStreamRequest(
          `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
          raw,
          raw,
        );
        const answers: Buffer[] = [];
        const ended = new Promise((resolve, reject) => stream.once('end', resolve).once('error', reject));
        stream.on('data', (answer: Buffer) => answers.push(answer));
        for (const [field, asked] of [
          [7, '*'],
          [4, 'proto.EchoTestService.ForwardEcho'],
          [3, 'google/protobuf/wrappers.proto'],
          [4, 'proto.Nothing'],
        ] as const)
          stream.write(encodeFields([[field, asked]]));
        stream.end();
        await ended;
        const [services, symbol, file, missing] = answers.map((answer) => decodeFields(answer)[1]);
        expect(decodeFields(services?.bytes ?? Buffer.alloc(0)).map(({ bytes }) => text(field(bytes, 1)))).toEqual([
          'grpc.health.v1.Health',
          'grpc.reflection.v1.ServerReflection',
          'grpc.reflection.v1alpha.ServerReflection',
          'proto.EchoTestService',
        ]);
        expect(symbol?.field).toBe(4);
        expect(decodeFields(symbol?.bytes ?? Buffer.alloc(0)).map(({ bytes }) => text(field(bytes, 1)))).toEqual([
          'test/echo/proto/echo.proto',
          'google/protobuf/wrappers.proto',
        ]);
        expect(file?.field).toBe(4);
        expect([missing?.field, text(field(missing?.bytes ?? Buffer.alloc(0), 2))]).toEqual([
          7,
          'Symbol not found: proto.Nothing',
        ]);
      }
      client.close();
    });
  });

  describe('ext-authz', () => {
    it('lets through over HTTP what carries the header', async () => {
      await net.run('ext-authz', 'authz');
      const allowed = await net.fetch('http://authz:8000/x', { headers: { 'x-ext-authz': 'allow' } });
      expect([allowed.status, allowed.headers['x-ext-authz-check-result']]).toEqual([200, 'allowed']);
      const denied = await net.fetch('http://authz:8000/x', { headers: { 'x-ext-authz': 'deny' } });
      expect([denied.status, text(denied.body)]).toEqual([
        403,
        'denied by ext_authz for not found header `x-ext-authz: allow` in the request',
      ]);
    });

    const check = (headers: Record<string, string>, principal = ''): Buffer => {
      const entries = Object.entries(headers).map(
        ([key, value]) =>
          [
            3,
            encodeFields([
              [1, key],
              [2, value],
            ]),
          ] as const,
      );
      const request = encodeFields([[2, encodeFields([...entries, [4, '/x'], [5, 'shop']])]]);
      const attributes = encodeFields([
        [1, encodeFields([[4, principal]])],
        [4, request],
      ]);
      return encodeFields([[1, attributes]]);
    };

    it('answers Envoy over gRPC by header, else by the service account', async () => {
      const authz = await net.run('ext-authz', 'authz');
      const path = '/envoy.service.auth.v3.Authorization/Check';
      const ok = await call('authz', 9000, path, check({ 'x-ext-authz': 'allow' }));
      expect(field(ok, 3)).toBeDefined();
      const no = await call('authz', 9000, path, check({ 'x-ext-authz': 'no' }));
      expect(text(field(field(no, 2) ?? Buffer.alloc(0), 3))).toContain('denied by ext_authz');
      const byAccount = await call('authz', 9000, path, check({}, 'spiffe://cluster.local/ns/default/sa/a'));
      expect(field(byAccount, 3)).toBeDefined();
      const attributes =
        'source:{principal:"spiffe://cluster.local/ns/default/sa/b"} ' +
        'request:{http:{headers:{key:"a" value:"1"} headers:{key:"b" value:"\\"2\\""} path:"/x" host:"shop"}}';
      const told = await call(
        'authz',
        9000,
        path,
        check({ b: '"2"', a: '1' }, 'spiffe://cluster.local/ns/default/sa/b'),
      );
      expect(told.toString()).toContain(attributes);
      expect(authz.logs.at(-1)).toBe(`[gRPCv3][denied]: shop/x, attributes: ${attributes}`);
    });
  });

  it('fortio echoes with the faults that a request asks for', async () => {
    const fortio = await net.run('fortio/fortio:latest_release', 'fortio');
    const response = await fortio.get('/echo?status=503&header=x-a:b&size=5', { method: 'POST', body: 'hi' });
    expect([response.status, response.headers['x-a'], response.body.length]).toEqual([503, 'b', 5]);
    expect(text((await fortio.get('/echo', { method: 'POST', body: 'hi' })).body)).toBe('hi');
  });

  it('a web server serves its page, and what a volume puts below its root', async () => {
    const files = { '/usr/share/nginx/html/a.txt': 'from a volume' };
    const nginx = await net.run('nginx:1.27', 'nginx', {}, { files });
    expect(text((await nginx.get('/')).body)).toContain('Welcome to nginx!');
    expect(text((await nginx.get('/a.txt')).body)).toBe('from a volume');
    expect((await nginx.get('/b')).status).toBe(404);
  });

  describe('nginx', () => {
    const config = `
      events {}
      http {
        log_format main '$remote_addr "$request"'; # not followed
        server {
          listen 443 ssl;
          server_name nginx.example.com;
          root /srv/www;
          ssl_certificate /tls/tls.crt;
          ssl_certificate_key "/tls/tls.key";
          ssl_client_certificate /tls/ca.crt;
          ssl_verify_client on;
          location = /hello { return 200 'Hello; you\\n'; }
          location /old { return 301 /new; }
        }
      }`;

    it('follows the servers of its configuration: TLS, clients’ certificates, roots and locations', async () => {
      const ca = createClusterAuthority({ clock: { ...net.clock, now: () => Date.now() } });
      const server = ca.issue(['nginx.example.com']);
      const clients = await createTestCa();
      const { csrPem, keyPem } = createKeyAndRequest('spiffe://example.com/client');
      const { chainPem, rootsPem } = await clients.sign(csrPem, '');
      const files = {
        '/etc/nginx/nginx.conf': config,
        '/srv/www/index.html': 'home',
        '/tls/tls.crt': server.certPem,
        '/tls/tls.key': server.keyPem,
        '/tls/ca.crt': rootsPem.join(''),
      };
      const nginx = await net.run('nginx', 'nginx.example.com', {}, { files });
      const tls = { ca: ca.caPem, cert: chainPem.join(''), key: keyPem };
      const get = (path: string, use: object = tls) => net.fetch(`https://nginx.example.com${path}`, { tls: use });
      expect(text((await get('/')).body)).toBe('home');
      expect(text((await get('/hello')).body)).toBe('Hello; you\\n');
      expect(await get('/old/x')).toMatchObject({ status: 301, headers: { location: '/new' } });
      const refused = await get('/', { ca: ca.caPem });
      expect(refused.status).toBe(400);
      expect(text(refused.body)).toContain('<title>400 No required SSL certificate was sent</title>');
      expect(nginx.logs.at(-1)).toMatch(/^127\S+ - - \[.*\] "GET \/ HTTP\/1\.1" 400 \d+ "-" "-" "-"$/);
    });

    it.each([
      ['server { listen 80 }', 'unexpected "}" in f:1'],
      ['\nhttp { server {', 'unexpected end of file, expecting ";" or "}" in f:2'],
      ['http { ; }', 'unexpected ";" in f:1'],
    ])('refuses %j', (written, why) => {
      expect(() => readNginxServers(written, 'f')).toThrow(`nginx: [emerg] ${why}`);
    });
  });

  it('agnhost netexec tells its host name', async () => {
    const agnhost = await net.run(
      'registry.k8s.io/e2e-test-images/agnhost:2.40',
      'a',
      {},
      { args: ['netexec', '--http-port=8081'] },
    );
    expect(text((await net.fetch('http://a:8081/hostname')).body)).toBe('a-1');
    expect(agnhost.exitCode()).toBeUndefined();
  });

  it('images of programs run what the container says, and wait only where it says so', async () => {
    const forever = await net.run('curlimages/curl', 'c', {}, { command: ['/bin/sleep', 'infinity'] });
    expect(forever.exitCode()).toBeUndefined();
    expect(await (await net.run('busybox', 'b', {}, { command: ['sh', '-c', 'true'] })).exitCode()).toBe(0);
    expect(await (await net.run('busybox', 'b', {}, { args: ['fail'] })).exitCode()).toBe(1);
  });

  it('the image of curl takes options and addresses without its name', async () => {
    const ran = async (args: string[], command: string[] = []): Promise<readonly string[] | undefined> =>
      (await net.run('curlimages/curl', 'c', {}, { args, command })).ran();
    expect(await ran(['-s', 'http://web/'])).toEqual(['curl', '-s', 'http://web/']);
    expect(await ran(['http://web/'])).toEqual(['curl', 'http://web/']);
    expect(await ran(['web:8000/status/200'])).toEqual(['curl', 'web:8000/status/200']);
    expect(await ran(['curl', '-s', 'http://web/'])).toEqual(['curl', '-s', 'http://web/']);
    expect(await ran(['sh', '-c', 'true'])).toEqual(['sh', '-c', 'true']);
    expect(await ran(['-c', 'true'], ['/bin/sh'])).toEqual(['/bin/sh', '-c', 'true']);
  });

  it('names every image once', () => {
    expect(findImage('example.org/nothing/like-it')).toBeUndefined();
  });
});
