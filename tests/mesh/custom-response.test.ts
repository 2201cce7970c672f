import type { Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { typeUrls } from '#xds';
import { http, router, staticCluster } from './data-plane-config.ts';
import { type Answer, createTestCa, listen, type Pod, sendFrom, startPod, until } from './data-plane-harness.ts';
import { NET } from './own-network.ts';

const IP = `${NET}.1.1`;
const PORT = 8080;
const EXTENSIONS = 'type.googleapis.com/envoy.extensions.';

const custom = (action: object) => ({
  name: 'custom',
  typed_config: {
    '@type': `${EXTENSIONS}filters.http.custom_response.v3.CustomResponse`,
    custom_response_matcher: {
      matcher_tree: {
        input: {
          name: 'code',
          typed_config: { '@type': 'type.googleapis.com/envoy.type.matcher.v3.HttpResponseStatusCodeClassMatchInput' },
        },
        exact_match_map: { map: { '5xx': { action: { name: 'action', typed_config: action } } } },
      },
    },
  },
});
const SORRY = custom({
  '@type': `${EXTENSIONS}http.custom_response.local_response_policy.v3.LocalResponsePolicy`,
  status_code: 429,
  body: { inline_string: 'come back later' },
  response_headers_to_add: [{ header: { key: 'retry-after', value: '5' } }],
});
const ELSEWHERE = custom({
  '@type': `${EXTENSIONS}http.custom_response.redirect_policy.v3.RedirectPolicy`,
  uri: 'http://pages/sorry',
  status_code: 203,
});

const listener = (filter: object, port = PORT) => ({
  name: `edge-${port}`,
  address: { socket_address: { address: IP, port_value: port } },
  filter_chains: [
    {
      filters: [
        http({
          stat_prefix: 'edge',
          http_filters: [filter, router],
          route_config: {
            name: 'table',
            virtual_hosts: [
              { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'application' } }] },
            ],
          },
        }),
      ],
    },
  ],
});

describe('a gateway that has answers of its own for those of hosts', () => {
  const servers: Server[] = [];
  let pod: Pod;
  const ask = (path: string): Promise<Answer> => sendFrom(`${NET}.1.9`, { ip: IP, port: PORT }, { host: 'shop', path });

  beforeAll(async () => {
    await listen(servers, `${NET}.2.1`, 8080, (request, response) => {
      response.writeHead(request.url === '/bad' ? 503 : 200, { 'x-host': 'one' }).end('of the host '.repeat(10_000));
    });
    const signer = await createTestCa();
    pod = await startPod({ ip: IP, name: 'edge', role: 'router', signer }, (xds) => {
      xds.push(typeUrls.cluster, [staticCluster('application', [`${NET}.2.1:8080`])]);
      expect(xds.push(typeUrls.listener, [listener(SORRY)])).toEqual([]);
    });
  });
  afterAll(async () => {
    await pod?.stop();
    for (const server of servers) server.close();
  });

  it('replaces the whole of an answer, and says so', async () => {
    const { status, headers, body } = await ask('/bad');
    expect([status, headers['retry-after'], headers['x-host'], body]).toEqual([429, '5', undefined, 'come back later']);
    await until(() => pod.hops.length > 0, 'the hop is recorded');
    const told = pod.hops.at(-1)!.steps.flatMap(({ stage, detail = '' }) => (stage === 'http_filter' ? [detail] : []));
    expect(told).toEqual(['an answer 503 is replaced by one of this proxy: 429']);
  });

  it('leaves others as they are', async () => {
    const { status, body } = await ask('/good');
    expect([status, body.length]).toEqual([200, 120_000]);
  });

  it('has another route answer in the place of a host, and tells of both', async () => {
    expect(pod.xds.push(typeUrls.listener, [listener(SORRY), listener(ELSEWHERE, 8081)])).toEqual([]);
    const { status, body } = await sendFrom(`${NET}.1.9`, { ip: IP, port: 8081 }, { host: 'shop', path: '/bad' });
    expect([status, body.length]).toEqual([203, 120_000]);
    const told = 'an answer 503 is replaced by that of pages/sorry';
    await until(() => pod.hops.some(({ steps }) => steps.some(({ detail }) => detail === told)), told);
  });
});
