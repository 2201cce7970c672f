import type { HttpFilterPlan } from '../../config/http-filter.ts';
import type { HttpFilterConfig } from '../../config/network-filter.ts';
import { type AnswerFilter, AnswerFilters, type PlacedFilter } from '../answer-filters.ts';
import type { RequestLayer } from '../exchange.ts';
import { router } from '../router/router.ts';
import { cors } from './cors.ts';
import { extAuthz } from './ext-authz/ext-authz.ts';
import { fault } from './fault.ts';
import { type FilterParts, takesPart } from './filter-parts.ts';
import { jwtAuthn } from './jwt/jwt-authn.ts';
import { moduleFilter } from './module.ts';
import { localRateLimit } from './rate-limit/local-rate-limit.ts';
import { rateLimit } from './rate-limit/rate-limit.ts';
import { rbac } from './rbac.ts';

/** The configured HTTP filters as layers, in the order of the configuration; what they do with answers is done in the opposite order. */
export function runHttpFilters(config: HttpFilterConfig): readonly RequestLayer[] {
  const plans = config.filters.map((plan, place) => ({ plan, place, parts: partsOf(plan, place) }));
  const encoders = plans.flatMap(({ plan, place, parts }) =>
    parts.encode === undefined ? [] : [{ place, filter: answering(plan, parts.encode) }],
  );
  const decoders = plans.flatMap(({ plan, parts }) => (parts.decode === undefined ? [] : [asking(plan, parts.decode)]));
  return encoders.length === 0 ? decoders : [filterAnswers(encoders.reverse()), ...decoders];
}

const filterAnswers =
  (encoders: readonly PlacedFilter[]): RequestLayer =>
  (exchange) => {
    exchange.answerFilters = new AnswerFilters(encoders);
    return 'next';
  };

const answering =
  ({ name, off }: HttpFilterPlan, encode: AnswerFilter): AnswerFilter =>
  (exchange, head, endStream) =>
    takesPart(exchange, name, off) ? encode(exchange, head, endStream) : undefined;

/** The router takes part in everything. */
const asking = ({ kind, name, off }: HttpFilterPlan, decode: RequestLayer): RequestLayer =>
  kind === 'router' ? decode : (exchange) => (takesPart(exchange, name, off) ? decode(exchange) : 'next');

const partsOf = (plan: HttpFilterPlan, place: number): FilterParts =>
  plan.kind === 'parts' ? plan.parts : { decode: layerOf(plan, place) };

/** `place`: where in the configuration it stands. */
function layerOf(plan: Exclude<HttpFilterPlan, { kind: 'parts' }>, place: number): RequestLayer {
  switch (plan.kind) {
    case 'module':
      return moduleFilter(plan.config);
    case 'rbac':
      return rbac(plan.config);
    case 'jwt_authn':
      return jwtAuthn(plan.config);
    case 'ext_authz':
      return extAuthz(plan.config, place);
    case 'local_ratelimit':
      return localRateLimit(plan.config, place);
    case 'ratelimit':
      return rateLimit(plan.config, place);
    case 'fault':
      return fault(plan.config);
    case 'cors':
      return cors(place);
    case 'router':
      return router;
  }
}
