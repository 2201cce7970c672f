import type { HttpFilterConfig, HttpFilterKind } from '../../config/network-filter.ts';
import type { RequestLayer } from '../exchange.ts';
import { router } from '../router/router.ts';
import { cors } from './cors.ts';
import { fault } from './fault.ts';

const FILTERS: Readonly<Record<HttpFilterKind, RequestLayer>> = { fault, cors, router };

/** The configured HTTP filters as layers, in the order of the configuration. */
export const runHttpFilters = (config: HttpFilterConfig): readonly RequestLayer[] =>
  config.filters.map((kind) => FILTERS[kind]);
