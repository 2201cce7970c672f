import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { typeUrls } from '#xds';
import { http, router, staticCluster } from './data-plane-config.ts';
import { createTestCa, type Pod, startPod, until } from './data-plane-harness.ts';
import { NET } from './own-network.ts';

const IP = `${NET}.1.1`;
const PORT = 8081;

const keeping = (values: readonly object[]) => ({
  name: 'keep',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config',
    clear_route_cache: true,
    on_request_headers: values,
  },
});
const KEPT = {
  object_key: 'lane',
  factory_key: 'envoy.string',
  format_string: { text_format_source: { inline_string: '%REQ(x-lane)%' } },
};
const listener = (name: string, values: readonly object[]) => ({
  name,
  address: { socket_address: { address: IP, port_value: PORT } },
  filter_chains: [
    {
      filters: [
        http({
          stat_prefix: name,
          http_filters: [keeping(values), router],
          route_config: {
            name: 'table',
            virtual_hosts: [
              {
                name: 'all',
                domains: ['*'],
                routes: [
                  {
                    match: { prefix: '/', filter_state: [{ key: 'lane', string_match: { exact: 'fast' } }] },
                    direct_response: { status: 200, body: { inline_string: 'in the fast lane' } },
                  },
                  {
                    match: { prefix: '/' },
                    direct_response: { status: 200 },
                    response_headers_to_add: [
                      { header: { key: 'x-lane', value: '%FILTER_STATE(lane:PLAIN)% %FILTER_STATE(lane)%' } },
                    ],
                  },
                ],
              },
            ],
          },
        }),
      ],
    },
  ],
});

describe('a text that a filter leaves under a name', () => {
  let pod: Pod;
  const ask = async (lane: string): Promise<IncomingMessage & { text: string }> => {
    const call = request({ host: IP, port: PORT, path: '/', headers: { 'x-lane': lane }, agent: false }).end();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    return Object.assign(response, { text: Buffer.concat(await response.toArray()).toString() });
  };

  beforeAll(async () => {
    pod = await startPod({ ip: IP, name: 'edge', role: 'router', signer: await createTestCa() }, (xds) => {
      xds.push(typeUrls.cluster, [staticCluster('none', [`${NET}.2.1:8080`])]);
      expect(xds.push(typeUrls.listener, [listener('kept', [KEPT])])).toEqual([]);
    });
  });
  afterAll(async () => {
    await pod?.stop();
  });

  it('chooses the route, and the decision tells what was left', async () => {
    expect((await ask('fast')).text).toBe('in the fast lane');
    const told = 'leaves "fast" under lane for later filters, routes and logs';
    await until(() => pod.hops.some(({ steps }) => steps.some(({ detail }) => detail === told)), told);
  });

  it('is written by formats, and a route that asks for another says what it is', async () => {
    expect((await ask('slow')).headers['x-lane']).toBe('slow "slow"');
    const told = 'needs filter state lane to be exactly "fast", it is "slow"';
    const reasons = (): string[] =>
      pod.hops.flatMap(({ steps }) => steps.flatMap(({ rejected = [] }) => rejected.map(({ reason }) => reason)));
    await until(() => reasons().includes(told), told);
  });
});
