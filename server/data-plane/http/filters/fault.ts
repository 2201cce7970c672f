import { originOf } from '../../config/origins.ts';
import { type Fraction, inPercent } from '../../config/values.ts';
import type { Exchange, RequestLayer } from '../exchange.ts';

/** The fault filter: delays, then aborts, each with its own draw. It stands before the router: no timeout covers the delay. */
export const fault: RequestLayer = (exchange) => {
  const policy = exchange.route?.fault;
  if (policy?.delay === undefined) return abort(exchange);
  const { ms, share } = policy.delay;
  if (!drawn(exchange, share, `delay of ${ms} ms`, 'fault.delay')) return abort(exchange);
  exchange.info.flag('DI');
  exchange.runtime.stats.stat(`http.${exchange.config.statPrefix}.fault.delays_injected`).value++;
  const timer = exchange.runtime.clock.after(ms, () => {
    exchange.onCancel = undefined;
    if (abort(exchange) === 'next') exchange.proceed();
  });
  exchange.onCancel = () => timer.cancel();
  return 'wait';
};

function abort(exchange: Exchange): 'next' | 'wait' {
  const policy = exchange.route?.fault?.abort;
  if (policy === undefined) return 'next';
  const { status, grpcStatus, share } = policy;
  const what = grpcStatus === undefined ? `abort with ${status}` : `abort with gRPC status ${grpcStatus}`;
  if (!drawn(exchange, share, what, 'fault.abort')) return 'next';
  exchange.runtime.stats.stat(`http.${exchange.config.statPrefix}.fault.aborts_injected`).value++;
  if (grpcStatus === undefined) {
    exchange.reply({ status, flag: 'FI', details: 'fault_filter_abort', body: 'fault filter abort' });
    return 'wait';
  }
  const headers = {
    'content-type': 'application/grpc',
    'grpc-status': String(grpcStatus),
    'grpc-message': 'fault filter abort',
  };
  exchange.reply({ status: 200, flag: 'FI', details: 'fault_filter_abort', headers });
  return 'wait';
}

function drawn(exchange: Exchange, share: Fraction, what: string, part: string): boolean {
  if (share.numerator === 0) return false;
  const draw = exchange.runtime.chance.draws.below('fault', exchange.span.traceId, share.of);
  const hit = draw < share.numerator;
  const { route } = exchange;
  exchange.steps.add('http_filter', hit ? 'applied' : 'passed', 'envoy.filters.http.fault', () => ({
    detail: `${what} for ${inPercent(share)} % of requests: drew ${draw} of ${share.of}, so this one ${hit ? 'is hit' : 'is spared'}`,
    origin: originOf(route?.origins, part),
    evidence: { draw, total: share.of, below: share.numerator },
  }));
  return hit;
}
