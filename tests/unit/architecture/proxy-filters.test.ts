import { expect, it } from 'vitest';
import { extensionTypes } from '#xds';
import { GUARD_TYPES } from '../../../server/data-plane/config/guard-config.ts';
import { HTTP_FILTER_TYPES } from '../../../server/data-plane/config/http-filter.ts';
import { PROXY_FILTERS } from '../../../server/istio/analysis/advice/proxy-filters.ts';

const NETWORK = 'type.googleapis.com/envoy.extensions.filters.network.';
/** What a filter chain may end in. */
const TERMINAL = [
  extensionTypes.httpConnectionManager,
  extensionTypes.tcpProxy,
  `${NETWORK}direct_response.v3.Config`,
  `${NETWORK}echo.v3.Echo`,
];

it('the analysis of EnvoyFilters knows exactly the filters that the proxies have', () => {
  const types = [...HTTP_FILTER_TYPES, ...GUARD_TYPES, ...TERMINAL];
  expect([...PROXY_FILTERS].sort()).toEqual(types.map((type) => type.slice(type.lastIndexOf('/') + 1)).sort());
});
