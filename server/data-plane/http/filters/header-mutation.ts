import {
  type HeaderMutationConfig,
  type QueryChange,
  readHeaderMutation,
} from '../../config/filters/header-mutation.ts';
import type { HeaderChange } from '../../config/header-mutations.ts';
import type { BodyCoder, BodyOut } from '../answer-filters.ts';
import { changeHeaders, changeRequest } from '../change-headers.ts';
import type { Exchange } from '../exchange.ts';
import { isGrpc } from '../grpc.ts';
import { encodeParam, QueryParams } from '../query-params.ts';
import type { FilterParts } from './filter-parts.ts';
import { isOf, levelsOf } from './per-route.ts';

/** Envoy's header_mutation filter: what the listener says comes first, then what the levels of the route say. */
export function headerMutation(name: string, own: HeaderMutationConfig): FilterParts {
  const known = new WeakMap<object, HeaderMutationConfig>();
  const levels = (exchange: Exchange): readonly HeaderMutationConfig[] => {
    const given = levelsOf(exchange).map((level) => level[name]);
    const read = given.flatMap((level) => {
      if (level === undefined || !isOf(level, 'header_mutation.v3.HeaderMutationPerRoute')) return [];
      const held = known.get(level) ?? readHeaderMutation(level);
      known.set(level, held);
      return [held];
    });
    return [own, ...(own.mostSpecificWins ? read : read.reverse())];
  };
  return {
    decode(exchange) {
      const all = levels(exchange);
      // As in Envoy, an answer of this proxy has the form of the request that came.
      exchange.cameAsGrpc ??= isGrpc(exchange.head.headers);
      for (const { request, query } of all) {
        changeRequest(exchange.head, request, exchange);
        if (query.length > 0) changeQuery(exchange, query);
      }
      const trailing = all.flatMap(({ requestTrailers }) => requestTrailers);
      if (trailing.length > 0) exchange.recodeBody((out) => trailersChanged(out, trailing, exchange));
      return 'next';
    },
    encode(exchange, { headers }) {
      const all = levels(exchange);
      for (const { response } of all) changeHeaders(headers, response, exchange);
      const trailing = all.flatMap(({ trailers }) => trailers);
      if (trailing.length === 0) return undefined;
      return (out: BodyOut): BodyCoder => trailersChanged(out, trailing, exchange);
    },
  };
}

/** Passes a body on as it is. */
const trailersChanged = (out: BodyOut, changes: readonly HeaderChange[], exchange: Exchange): BodyCoder => ({
  data: (chunk) => out.data(chunk),
  end(trailers) {
    if (trailers !== undefined) changeHeaders(trailers, changes, exchange);
    out.end(trailers);
  },
  resume: () => undefined,
  cancel: () => undefined,
});

/** As in Envoy, all parameters are decoded and sorted, also where no change meets one. */
function changeQuery(exchange: Exchange, changes: readonly QueryChange[]): void {
  const { head } = exchange;
  const params = new QueryParams(head.path, 'decoded');
  for (const { name, value, action } of changes) {
    if (value === undefined) {
      params.remove(name);
      continue;
    }
    const made = encodeParam(value(exchange));
    if (action === 'APPEND_IF_EXISTS_OR_ADD') params.add(name, made);
    else if (action === 'OVERWRITE_IF_EXISTS_OR_ADD' || params.has(name) === (action === 'OVERWRITE_IF_EXISTS'))
      params.overwrite(name, made);
  }
  head.path = params.toPath();
}
