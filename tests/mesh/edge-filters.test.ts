import type { Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { typeUrls } from '#xds';
import { http, router, staticCluster } from './data-plane-config.ts';
import { type Answer, createTestCa, listen, type Pod, sendFrom, startPod, until } from './data-plane-harness.ts';
import { NET } from './own-network.ts';

const IP = `${NET}.1.1`;
const PORT = 8080;
const FILTERS = 'type.googleapis.com/envoy.extensions.filters.http.';

const listener = (filters: readonly object[]) => ({
  name: 'edge',
  address: { socket_address: { address: IP, port_value: PORT } },
  filter_chains: [
    {
      filters: [
        http({
          stat_prefix: 'edge',
          http_filters: [...filters, router],
          route_config: {
            name: 'table',
            virtual_hosts: [
              {
                name: 'all',
                domains: ['*'],
                routes: [
                  {
                    match: {
                      prefix: '/',
                      headers: [{ name: 'x-envoy-ip-tags', string_match: { contains: 'office' } }],
                    },
                    route: { cluster: 'office' },
                  },
                  { match: { prefix: '/' }, route: { cluster: 'others' } },
                ],
              },
            ],
          },
        }),
      ],
    },
  ],
});

const TAGS = {
  name: 'tags',
  typed_config: {
    '@type': `${FILTERS}ip_tagging.v3.IPTagging`,
    ip_tags: [
      { ip_tag_name: 'company', ip_list: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] },
      { ip_tag_name: 'office', ip_list: [{ address_prefix: '10.1.0.0', prefix_len: 16 }] },
    ],
  },
};
const LOOP = {
  name: 'loop',
  typed_config: { '@type': `${FILTERS}cdn_loop.v3.CdnLoopConfig`, cdn_id: 'edge', max_allowed_occurrences: 1 },
};

describe('a gateway with lists of addresses and a guard against loops', () => {
  const servers: Server[] = [];
  let pod: Pod;
  const ask = (headers: Record<string, string>): Promise<Answer> =>
    sendFrom(`${NET}.1.9`, { ip: IP, port: PORT }, { host: 'shop', path: '/', headers });
  const figure = (name: string): number | undefined => pod.proxy.admin.stats().get(`http.edge.${name}`);
  /** What filters decided about the last request, once it is recorded. */
  const reasons = async (hops: number): Promise<string[]> => {
    await until(() => pod.hops.length >= hops, `${hops} hops`);
    return pod.hops.at(-1)!.steps.flatMap(({ stage, detail = '' }) => (stage === 'http_filter' ? [detail] : []));
  };

  beforeAll(async () => {
    for (const [i, name] of ['office', 'others'].entries()) {
      await listen(servers, `${NET}.2.${i + 1}`, 8080, (request, response) =>
        response.end(`${name} ${request.headers['x-envoy-ip-tags'] ?? '-'} ${request.headers['cdn-loop'] ?? '-'}`),
      );
    }
    const signer = await createTestCa();
    pod = await startPod({ ip: IP, name: 'edge', role: 'router', signer }, (xds) => {
      xds.push(typeUrls.cluster, [
        staticCluster('office', [`${NET}.2.1:8080`]),
        staticCluster('others', [`${NET}.2.2:8080`]),
      ]);
      expect(xds.push(typeUrls.listener, [listener([TAGS, LOOP])])).toEqual([]);
    });
  });
  afterAll(async () => {
    await pod?.stop();
    for (const server of servers) server.close();
  });

  it('routes by the lists in which a client stands, and tells them', async () => {
    expect((await ask({ 'x-forwarded-for': '10.1.2.3' })).body).toBe('office company,office edge');
    expect(await reasons(1)).toContain('10.1.2.3 stands in company, office');
    expect((await ask({ 'x-forwarded-for': '10.2.2.3' })).body).toBe('others company edge');
    expect((await ask({ 'x-forwarded-for': '8.8.8.8' })).body).toBe('others - edge');
    const names = ['company.hit', 'office.hit', 'no_hit', 'total'];
    expect(names.map((name) => figure(`ip_tagging.${name}`))).toEqual([2, 1, 1, 3]);
  });

  it('ends a request that comes by too often, and says how often it came', async () => {
    expect((await ask({ 'cdn-loop': 'other, edge' })).body).toBe('others - other, edge,edge');
    const { status, body } = await ask({ 'cdn-loop': 'edge; a="x, y", edge' });
    expect([status, body]).toEqual([502, 'The server has detected a loop between CDNs.']);
    expect((await reasons(5)).at(-1)).toMatch(/^the request has come by here 2 times .*; 1 are allowed$/);
    expect((await ask({ 'cdn-loop': 'edge; broken' })).status).toBe(400);
  });
});
