import type { Any } from '#xds';
import { readNumber } from '../../config/values.ts';
import { peekBody } from '../peek-body.ts';
import type { FilterParts } from './filter-parts.ts';
import { perRoute } from './per-route.ts';

/** Bytes that are waited for; undefined: nothing is. */
type Limit = number | undefined;

/** Reads envoy.extensions.filters.http.buffer.v3.Buffer. */
export const readBuffer = (config: Any): number => readNumber(config['max_request_bytes'], 0);

/** Reads BufferPerRoute. */
const readOfRoute = (config: Any): Limit =>
  config['disabled'] === true ? undefined : readBuffer((config['buffer'] ?? {}) as Any);

/** Envoy's buffer filter: a request goes on once all of it is there, with its length. */
export function buffer(name: string, own: number): FilterParts {
  const limitOf = perRoute<Limit>({ name, type: 'buffer.v3.BufferPerRoute' }, own, readOfRoute);
  return {
    decode(exchange) {
      const limit = limitOf(exchange);
      if (limit === undefined || !exchange.stream.hasBody || exchange.stream.tunnel) return 'next';
      peekBody(exchange, limit, (body, complete) => {
        if (complete) {
          if (!exchange.head.headers.has('content-length')) {
            exchange.head.headers.set('content-length', String(body.length));
          }
          exchange.proceed();
          return;
        }
        exchange.stats.count('downstream_rq_too_large');
        exchange.reply({ status: 413, details: 'request_payload_too_large', body: 'Payload Too Large' });
      });
      return 'wait';
    },
  };
}
