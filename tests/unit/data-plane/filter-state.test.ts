import { expect, it } from 'vitest';
import { readSetFilterState } from '../../../server/data-plane/config/filters/set-filter-state.ts';
import { compilePrincipal } from '../../../server/data-plane/config/rbac/principal.ts';
import type { RbacSubject } from '../../../server/data-plane/config/rbac/subject.ts';
import { FilterState, type KeptValue } from '../../../server/data-plane/http/filter-state.ts';

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config';
const ADDRESS_AND_PORT = 'envoy.network.transport_socket.original_dst_address';

function made(factory_key: string, text: string): KeptValue | undefined {
  const value = { object_key: 'kept', factory_key, format_string: { text_format_source: { inline_string: 'a' } } };
  return readSetFilterState({ '@type': TYPE, on_request_headers: [value] }).kept[0]!.make(text);
}

it('makes an address of a text only where it is one', () => {
  expect(made('envoy.network.ip', '10.0.0.1')).toMatchObject({
    text: '10.0.0.1:0',
    address: { ip: '10.0.0.1', port: 0 },
  });
  expect(made('envoy.network.ip', '::1')).toMatchObject({ text: '[::1]:0', address: { ip: '::1', port: 0 } });
  expect(made('envoy.network.ip', '10.0.0.1:80')).toBeUndefined();
  expect(made(ADDRESS_AND_PORT, '[::1]:80')).toMatchObject({ text: '[::1]:80', address: { ip: '::1', port: 80 } });
  for (const text of ['10.0.0.1', '::1:80', '10.0.0.1:65536', '']) expect(made(ADDRESS_AND_PORT, text)).toBeUndefined();
  expect(made('envoy.string', '10.0.0.1')).toEqual({ text: '10.0.0.1', shown: true });
});

it('refuses a factory whose values another part of the proxy would have to obey', () => {
  expect(() => made('envoy.network.upstream_server_name', 'a')).toThrow("no 'envoy.network.upstream_server_name'");
  expect(() => made('own', 'a')).toThrow("'own' does not have an object factory");
});

it('holds an address that was kept against ranges, and a text never', () => {
  const state = new FilterState();
  const rule = compilePrincipal(
    { filter_state: { key: 'kept', address_match: { ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] } } },
    'principal',
  );
  const subject = { stateAddress: (key: string) => state.valueOf(key)?.address?.ip } as unknown as RbacSubject;
  const holds = (factory: string, text: string): boolean => {
    state.keep('kept', made(factory, text)!);
    return rule.holds(subject);
  };
  expect(rule.holds(subject)).toBe(false);
  expect(holds('envoy.network.ip', '10.0.0.1')).toBe(true);
  expect(holds('envoy.network.ip', '11.0.0.1')).toBe(false);
  expect(holds(ADDRESS_AND_PORT, '10.0.0.1:80')).toBe(true);
  expect(holds('envoy.string', '10.0.0.1')).toBe(false);
});
