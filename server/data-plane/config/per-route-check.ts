import type { Any } from '#xds';
import { readCsrf } from '../http/filters/csrf.ts';
import { readLocalRateLimit } from './rate-limit-config.ts';
import { readRbac } from './rbac/rbac.ts';

const FILTERS = 'type.googleapis.com/envoy.extensions.filters.http';

/** Rules that a route brings for RBAC; without any, nothing is checked there. */
export const readRbacOfRoute = (given: Any): ReturnType<typeof readRbac> =>
  readRbac((given['rbac'] as Any | undefined) ?? { '@type': given['@type'] });

/** What filters read of a route when a request first takes it. */
const READERS: Readonly<Record<string, (given: Any) => unknown>> = {
  [`${FILTERS}.csrf.v3.CsrfPolicy`]: readCsrf,
  [`${FILTERS}.local_ratelimit.v3.LocalRateLimit`]: readLocalRateLimit,
  [`${FILTERS}.rbac.v3.RBACPerRoute`]: readRbacOfRoute,
};

/** Refuses with the table what could not be read when a request comes. */
export function checkPerRoute(given: Any): void {
  READERS[given['@type']]?.(given);
}
