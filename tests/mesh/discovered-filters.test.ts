import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Listener, typeUrls } from '#xds';
import { http, router } from './data-plane-config.ts';
import { createTestCa, type FakeXds, type Pod, sendFrom, startPod, until } from './data-plane-harness.ts';
import { NET } from './own-network.ts';

const IP = `${NET}.1.1`;
const TYPE = 'type.googleapis.com/envoy.extensions.filters.';
const FAULT = `${TYPE}http.fault.v3.HTTPFault`;
const every = { numerator: 100 };
const aborting = (http_status: number) => ({ '@type': FAULT, abort: { http_status, percentage: every } });

const asking = (type: string, within: string, fields: object = {}) => ({
  config_source: { ads: {}, initial_fetch_timeout: within },
  type_urls: [type],
  ...fields,
});

interface Asking {
  readonly http?: object;
  readonly network?: object;
}

/** A listener whose filter asks for its configuration, under the listener's name. */
const listener = (name: string, port_value: number, { http: ofRequests, network }: Asking): Listener => ({
  name,
  address: { socket_address: { address: IP, port_value } },
  filter_chains: [
    {
      filters: [
        ...(network === undefined ? [] : [{ name, config_discovery: network as never }]),
        http({
          stat_prefix: name,
          http_filters: [
            ...(ofRequests === undefined ? [] : [{ name, config_discovery: ofRequests as never }]),
            router,
          ],
          route_config: {
            name: 'table',
            virtual_hosts: [
              { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, direct_response: { status: 204 } }] },
            ],
          },
        }),
      ],
    },
  ],
});

const PORTS = { late: 9001, fallback: 9002, atOnce: 9003, network: 9004, patient: 9005 } as const;

/** As a real Envoy does with the same listeners and a control plane that says nothing. */
describe('a filter whose configuration the control plane does not send', () => {
  let pod: Pod;
  let xds: FakeXds;

  const call = (port: number) => sendFrom(`${NET}.1.9`, { ip: IP, port }, { host: 'shop', path: '/' });
  const stat = (name: string): number => pod.proxy.admin.stats().get(name) ?? 0;
  const served = (): string[] => pod.proxy.admin.listeners().map((each) => (each as Listener).name);
  const serves = (name: string): Promise<void> => until(() => served().includes(name), `${name} serves`);

  beforeAll(async () => {
    const problems: unknown[] = [];
    pod = await startPod({ ip: IP, name: 'asker', role: 'router', signer: await createTestCa() }, (given) => {
      xds = given;
      problems.push(
        ...xds.push(typeUrls.cluster, []),
        ...xds.push(typeUrls.listener, [
          listener('late', PORTS.late, { http: asking(FAULT, '0.05s') }),
          listener('fallback', PORTS.fallback, { http: asking(FAULT, '0.05s', { default_config: aborting(418) }) }),
          listener('atOnce', PORTS.atOnce, {
            http: asking(FAULT, '0s', { default_config: aborting(419), apply_default_config_without_warming: true }),
          }),
          listener('network', PORTS.network, { network: asking(`${TYPE}network.rbac.v3.RBAC`, '0.05s') }),
        ]),
      );
    });
    problems.push(...xds.push(typeUrls.listener, [listener('patient', PORTS.patient, { http: asking(FAULT, '0s') })]));
    expect(problems).toEqual([]);
  });

  afterAll(() => pod?.stop());

  it('NFCF: requests are answered 500 once it has been waited for in vain, until it comes', async () => {
    await serves('late');
    expect(await call(PORTS.late)).toMatchObject({ status: 500, body: '' });
    await until(() => pod.hops.length > 0, 'a hop');
    const hop = pod.hops.at(-1);
    expect(hop?.response).toMatchObject({ status: 500, flags: ['NFCF'], details: '' });
    expect(hop?.steps.find(({ stage }) => stage === 'http_filter')).toMatchObject({ name: 'late', outcome: 'stopped' });
    expect(pod.logs.join('')).toContain(' 500 NFCF - ');
    const figure = 'extension_config_discovery.http_filter.late.';
    expect([stat(`${figure}init_fetch_timeout`), stat(`${figure}config_fail`)]).toEqual([1, 1]);

    expect(xds.push(typeUrls.extension, [{ name: 'late', typed_config: aborting(420) }])).toEqual([]);
    expect(await call(PORTS.late)).toMatchObject({ status: 420 });
    expect([stat(`${figure}config_reload`), stat(`${figure}update_success`)]).toEqual([1, 1]);
  });

  it('has its default in force where it has one, at once where the listener does not wait', async () => {
    expect(await call(PORTS.atOnce)).toMatchObject({ status: 419 });
    await serves('fallback');
    expect(await call(PORTS.fallback)).toMatchObject({ status: 418 });
  });

  it('closes its listener as long as it takes where no time is set', () => {
    expect(served()).not.toContain('patient');
    expect(stat('extension_config_discovery.http_filter.patient.update_attempt')).toBe(1);
  });

  it('has connections reset that a network filter would have judged', async () => {
    await serves('network');
    const socket = connect({ host: IP, port: PORTS.network, localAddress: `${NET}.1.9` }, () => {
      socket.write('GET / HTTP/1.1\r\nHost: shop\r\n\r\n');
    });
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
    expect(stat(`listener.${IP}_${PORTS.network}.network_extension_config_missing`)).toBe(1);
  });
});
