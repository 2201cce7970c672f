import type { HttpFilterPlan } from '../../config/http-filter.ts';
import type { HttpFilterConfig } from '../../config/network-filter.ts';
import type { RequestLayer } from '../exchange.ts';
import { router } from '../router/router.ts';
import { cors } from './cors.ts';
import { extAuthz } from './ext-authz/ext-authz.ts';
import { fault } from './fault.ts';
import { jwtAuthn } from './jwt/jwt-authn.ts';
import { moduleFilter } from './module.ts';
import { localRateLimit } from './rate-limit/local-rate-limit.ts';
import { rateLimit } from './rate-limit/rate-limit.ts';
import { rbac } from './rbac.ts';

/** The configured HTTP filters as layers, in the order of the configuration. */
export const runHttpFilters = (config: HttpFilterConfig): readonly RequestLayer[] => config.filters.map(layerOf);

function layerOf(plan: HttpFilterPlan): RequestLayer {
  switch (plan.kind) {
    case 'module':
      return moduleFilter(plan.config);
    case 'rbac':
      return rbac(plan.config);
    case 'jwt_authn':
      return jwtAuthn(plan.config);
    case 'ext_authz':
      return extAuthz(plan.config);
    case 'local_ratelimit':
      return localRateLimit(plan.config);
    case 'ratelimit':
      return rateLimit(plan.config);
    case 'fault':
      return fault(plan.config);
    case 'cors':
      return cors;
    case 'router':
      return router;
  }
}
