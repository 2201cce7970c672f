import { expect, it } from 'vitest';
import { readUpstreamFilters } from '../../../server/data-plane/config/filters/upstream-filters.ts';
import { readRouterOptions } from '../../../server/data-plane/config/router-options.ts';

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.';
const filter = (name: string, type: string, more: object = {}): object => ({
  name,
  typed_config: { '@type': `${TYPE}${type}` },
  ...more,
});
const CODEC = filter('codec', 'upstream_codec.v3.UpstreamCodec');
const MUTATION = filter('first', 'header_mutation.v3.HeaderMutation');
const LUA = (more: object = {}): object => filter('code', 'lua.v3.Lua', more);

it('reads filters behind the router up to the codec, which must be the last', () => {
  const names = (given: object[]): unknown => readUpstreamFilters(given, 'http_filters')?.map(({ name }) => name);
  expect(names([])).toBeUndefined();
  expect(names([CODEC])).toEqual([]);
  expect(names([MUTATION, { ...MUTATION, name: 'second' }, CODEC])).toEqual(['first', 'second']);
  expect(names([{ ...MUTATION, disabled: true }, LUA({ is_optional: true }), CODEC])).toEqual([]);
  for (const given of [[MUTATION], [CODEC, MUTATION]]) {
    expect(() => names(given)).toThrow(
      'http_filters: The codec filter is the only valid terminal upstream HTTP filter',
    );
  }
});

it('refuses a filter that does not run there, by its name', () => {
  expect(() => readUpstreamFilters([LUA(), CODEC], 'http_filters')).toThrow(
    /^http_filters\[0\]\.name: code \(.*lua.*\)/,
  );
});

it('refuses to write the router’s own log without a pause', () => {
  const read = (upstream_log_flush_interval?: string): number =>
    readRouterOptions({ '@type': `${TYPE}router.v3.Router`, upstream_log_options: { upstream_log_flush_interval } })
      .upstreamLogEveryMs;
  expect([read(), read('0.2s')]).toEqual([0, 200]);
  expect(() => read('0s')).toThrow('value must be greater than or equal to 0.001s');
});

it('refuses to change trailers of requests behind the router', () => {
  const mutations = { request_trailers_mutations: [{ remove: 'x-gone' }] };
  const given = [filter('first', 'header_mutation.v3.HeaderMutation'), CODEC];
  Object.assign((given[0] as { typed_config: object }).typed_config, { mutations });
  expect(() => readUpstreamFilters(given, 'http_filters')).toThrow(
    'http_filters[0].first.mutations.request_trailers_mutations: is for filters before the router here',
  );
});
