import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cluster, type Listener, typeUrls } from '#xds';
import { gatewayListener, router, staticCluster } from './data-plane-config.ts';
import { createTestCa, type Pod, startPod } from './data-plane-harness.ts';
import { NET } from './own-network.ts';

const IP = `${NET}.13.1`;
const [KEEPING, PLAIN] = [8081, 8082];
const OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const FORMATTERS = 'type.googleapis.com/envoy.extensions.http.header_formatters';

const preserve = {
  header_key_format: {
    stateful_formatter: {
      name: 'preserve_case',
      typed_config: { '@type': `${FORMATTERS}.preserve_case.v3.PreserveCaseFormatterConfig` },
    },
  },
};

const listener = (port: number, options: object): Listener =>
  gatewayListener(
    `on-${port}`,
    { ip: IP, port },
    {
      http_protocol_options: options,
      http_filters: [router],
      route: {
        route: { cluster: `for-${port}` },
        response_headers_to_add: [
          { header: { key: 'X-Added', value: '1' } },
          { header: { key: 'x-half', value: '\tgot %REQ(x-none)%' } },
        ],
        response_headers_to_remove: ['x-gone'],
      },
    },
  );

const cluster = (port: number, options: object, hostPort: number): Cluster =>
  staticCluster(`for-${port}`, [`127.0.0.1:${hostPort}`], {
    typed_extension_protocol_options: {
      [OPTIONS]: {
        '@type': `type.googleapis.com/${OPTIONS}`,
        explicit_http_config: { http_protocol_options: options },
      },
    },
  });

const REQUEST =
  'GET /a:b HTTP/1.1\r\nHOST: shop\r\nX-CaSe: b\r\nX-Two: 1\r\nX-TWO: 2\r\nx-lower: c\r\nConnection: close\r\n\r\n';
const ANSWER = 'HTTP/1.1 200 OK\r\nX-AnsWER: a\r\nContent-LENGTH: 2\r\nX-Gone: c\r\nx-lower: b\r\n\r\nok';

let host: Server;
let pod: Pod;
let arrived: string[];

beforeAll(async () => {
  arrived = [];
  host = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      arrived.push(bytes.toString('latin1'));
      socket.write(ANSWER);
    });
  });
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  const { port } = host.address() as AddressInfo;
  pod = await startPod({ ip: IP, name: 'gateway', role: 'router', signer: await createTestCa() }, (xds) => {
    xds.push(typeUrls.cluster, [cluster(KEEPING, preserve, port), cluster(PLAIN, {}, port)]);
    xds.push(typeUrls.listener, [listener(KEEPING, preserve), listener(PLAIN, {})]);
  });
});
afterAll(async () => {
  await pod?.stop();
  host?.close();
});

/** Names of the headers, as they are written. */
const namesOf = (head: string): string[] =>
  head
    .slice(0, head.indexOf('\r\n\r\n'))
    .split('\r\n')
    .slice(1)
    .map((line) => line.slice(0, line.indexOf(':')));

function ask(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect({ host: IP, port }, () => socket.write(REQUEST));
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
  });
}

it('keeps the capitals of header names in both directions where preserve_case is configured', async () => {
  const answer = namesOf(await ask(KEEPING));
  const request = namesOf(arrived.at(-1) ?? '');
  expect(arrived.at(-1)).toMatch(/^GET \/a:b HTTP\/1\.1\r\n/);
  expect(request).toEqual(expect.arrayContaining(['HOST', 'X-CaSe', 'x-lower', 'x-forwarded-proto']));
  // All lines of a name are written as the first of them was.
  expect(request.filter((name) => name.toLowerCase() === 'x-two')).toEqual(['X-Two', 'X-Two']);
  expect(answer).toEqual(expect.arrayContaining(['X-AnsWER', 'Content-LENGTH', 'x-lower', 'x-added']));
  expect(answer.map((name) => name.toLowerCase())).not.toContain('x-gone');
});

it('writes no white space around the value of a header that a format leaves at its end', async () => {
  expect(await ask(PLAIN)).toMatch(/\r\nx-half: got\r\n/);
});

it('writes all names in lower case where it is not', async () => {
  const answer = namesOf(await ask(PLAIN));
  for (const names of [answer, namesOf(arrived.at(-1) ?? '')]) {
    expect(names).toEqual(names.map((name) => name.toLowerCase()));
  }
});
