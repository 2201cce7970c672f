import { describe, expect, it } from 'vitest';
import { readSetFilterState } from '../../../server/data-plane/config/filters/set-filter-state.ts';
import { compileHashPolicies } from '../../../server/data-plane/config/hash-policy.ts';
import type { Exchange } from '../../../server/data-plane/http/exchange.ts';
import { FilterState } from '../../../server/data-plane/http/filter-state.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { hashRequest } from '../../../server/data-plane/http/router/request-hash.ts';
import { xxHash64 } from '../../../server/data-plane/upstream/hashing/xx-hash.ts';

/** What a filter keeps of `text`, by the factory that makes it. */
function keeping(factory: string, text: string): Exchange {
  const format_string = { text_format_source: { inline_string: '%REQ(x)%' } };
  const { kept } = readSetFilterState({
    '@type': '',
    on_request_headers: [{ object_key: 'kept', factory_key: factory, format_string }],
  });
  const filterState = new FilterState();
  const made = kept[0]!.make(text);
  if (made !== undefined) filterState.keep('kept', made);
  return { filterState, head: { path: '/', headers: Headers.of({ 'x-else': 'a' }) } } as unknown as Exchange;
}

const kept = (terminal = false): object => ({ filter_state: { key: 'kept' }, terminal });
const header = { header: { header_name: 'x-else' } };
const hash = (exchange: Exchange, ...policies: object[]): bigint | undefined =>
  hashRequest(exchange, compileHashPolicies(policies as Record<string, unknown>[]));

describe('a hash of what a filter has kept', () => {
  it.each([
    ['envoy.hashable_string', 'ann'],
    ['envoy.network.transport_socket.original_dst_address', '10.0.0.1:80'],
  ])('is that of the text of %s', (factory, text) => {
    expect(hash(keeping(factory, text), kept())).toBe(xxHash64(text));
    expect(hash(keeping(factory, text), kept(true), header)).toBe(xxHash64(text));
    expect(hash(keeping(factory, text), kept(), header)).not.toBe(xxHash64(text));
  });

  it.each([
    ['envoy.string', 'ann'],
    ['envoy.network.ip', '10.0.0.1'],
  ])('is none where Envoy hashes nothing of the kind: %s', (factory, text) => {
    expect(hash(keeping(factory, text), kept())).toBeUndefined();
    expect(hash(keeping(factory, text), kept(true), header)).toBe(xxHash64('a'));
  });

  it('is none without anything kept, and a policy without a specifier is refused', () => {
    expect(hash({ head: { headers: new Headers() } } as unknown as Exchange, kept())).toBeUndefined();
    expect(() => compileHashPolicies([{}])).toThrow('is required');
  });
});
