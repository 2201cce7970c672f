import { describe, expect, it } from 'vitest';
import { extensionTypes, type FilterChainMatch } from '#xds';
import { compileListener } from '../../../server/data-plane/config/listener-config.ts';
import { chooseChain } from '../../../server/data-plane/listener/filter-chain-match.ts';
import type { Inspection } from '../../../server/data-plane/tls/index.ts';

const chain = (name: string, match: FilterChainMatch) => ({
  name,
  filter_chain_match: match,
  filters: [{ name: 'tcp', typed_config: { '@type': extensionTypes.tcpProxy, stat_prefix: name, cluster: name } }],
});

const listener = (...chains: ReturnType<typeof chain>[]) =>
  compileListener(
    { name: 'l', address: { socket_address: { address: '0.0.0.0', port_value: 15006 } }, filter_chains: chains },
    'v1',
  );

const seen = (fields: Partial<Inspection>): Inspection => ({
  transport: 'raw_buffer',
  serverName: '',
  alpn: [],
  ciphers: [],
  versions: [],
  takesTickets: false,
  firstBytes: Buffer.alloc(0),
  ...fields,
});

const tls = (alpn: string[], serverName = ''): Inspection => seen({ transport: 'tls', alpn, serverName });

/** The chains of a PERMISSIVE port whose protocol is sniffed, beside the chains for all other ports. */
const permissive = listener(
  chain('blackhole', { destination_port: 15006 }),
  chain('other', { transport_protocol: 'raw_buffer' }),
  chain('mesh-http', { destination_port: 80, transport_protocol: 'tls', application_protocols: ['istio-http/1.1'] }),
  chain('plain-http', { destination_port: 80, transport_protocol: 'raw_buffer', application_protocols: ['http/1.1'] }),
  chain('mesh-tcp', {
    destination_port: 80,
    transport_protocol: 'tls',
    application_protocols: ['istio-peer-exchange', 'istio'],
  }),
  chain('plain-tcp', { destination_port: 80, transport_protocol: 'raw_buffer' }),
  chain('foreign-tls', { destination_port: 80, transport_protocol: 'tls' }),
);

const CLIENT = { ip: '127.8.1.9', port: 40_000 };

const choose = (port: number, inspection: Inspection, on = permissive) =>
  chooseChain(on.chains, on.defaultChain, {
    destination: { ip: '127.8.1.4', port },
    source: CLIENT,
    directSource: CLIENT,
    inspection,
  });

describe('the sieve of filter chains', () => {
  it.each<[string, number, Inspection]>([
    ['mesh-http', 80, tls(['istio-http/1.1', 'istio'])],
    ['mesh-tcp', 80, tls(['istio-peer-exchange', 'istio'])],
    ['foreign-tls', 80, tls(['h2', 'http/1.1'])],
    ['plain-http', 80, seen({ alpn: ['http/1.1'] })],
    ['plain-tcp', 80, seen({})],
    ['other', 9000, seen({})],
    ['blackhole', 15006, seen({})],
  ])('leaves %s for port %i and %j', (name, port, inspection) => {
    expect(choose(port, inspection).chain?.name).toBe(name);
  });

  it('does not fall back to a less specific chain after a more specific one failed', () => {
    const strict = listener(
      chain('strict', { destination_port: 80, transport_protocol: 'tls' }),
      chain('other', { transport_protocol: 'raw_buffer' }),
    );
    const { chain: chosen, rejected } = choose(80, seen({}), strict);
    expect(chosen).toBeUndefined();
    expect(rejected.map(({ chain: { name }, reason }) => [name, reason])).toEqual([
      ['other', 'takes any port, and another chain names port 80'],
      ['strict', 'needs TLS, the client sent plaintext'],
    ]);
  });

  it('takes the exact server name, then the longest wildcard', () => {
    const bySni = listener(
      chain('any', { server_names: ['*.example.com'] }),
      chain('eu', { server_names: ['*.eu.example.com'] }),
      chain('shop', { server_names: ['shop.eu.example.com'] }),
    );
    const name = (serverName: string) => choose(443, tls([], serverName), bySni).chain?.name;
    expect([name('shop.eu.example.com'), name('a.eu.example.com'), name('a.example.com'), name('a.org')]).toEqual([
      'shop',
      'eu',
      'any',
      undefined,
    ]);
  });

  it('takes the longest address prefix', () => {
    const range = (address_prefix: string, prefix_len: number) => ({ prefix_ranges: [{ address_prefix, prefix_len }] });
    const byAddress = listener(
      chain('wide', range('127.0.0.0', 8)),
      chain('narrow', range('127.8.1.0', 24)),
      chain('elsewhere', range('10.0.0.0', 8)),
    );
    expect(choose(80, seen({}), byAddress).chain?.name).toBe('narrow');
  });

  it('takes a prefix without a length for every address', () => {
    const chains = listener(chain('any', { prefix_ranges: [{ address_prefix: '10.0.0.1' }] }));
    expect(choose(80, seen({}), chains).chain?.name).toBe('any');
  });
});
