import type { FaultPolicy } from '../../config/fault-policy.ts';
import { originOf } from '../../config/origins.ts';
import { type Fraction, inPercent } from '../../config/values.ts';
import { AnswerFilters } from '../answer-filters.ts';
import type { Exchange, RequestLayer } from '../exchange.ts';
import { slowAnswer } from './slow-answer.ts';

const DELAY = 'x-envoy-fault-delay-request';
const ABORT = 'x-envoy-fault-abort-request';
const RATE = 'x-envoy-fault-throughput-response';
const GRPC_ABORT = 'x-envoy-fault-abort-grpc-request';

/**
 * The fault filter: delays, then aborts, each with its own draw. It stands before the router: no timeout covers the delay. What a route
 * says goes before what the filter says. Source: fault_filter.cc in Envoy.
 */
export const fault =
  (own: FaultPolicy | undefined): RequestLayer =>
  (exchange) => {
    const policy = exchange.share?.fault ?? exchange.route?.fault ?? own;
    if (policy === undefined || !concerns(policy, exchange)) return 'next';
    if (policy.answerLimit !== undefined) limitAnswer(exchange, policy, policy.answerLimit);
    const ms = delayOf(policy, exchange);
    if (ms === undefined || !mayDisturb(exchange, policy)) return abort(exchange, policy);
    exchange.info.flag('DI');
    count(exchange, policy, 'delays_injected');
    const timer = exchange.runtime.clock.after(ms, () => {
      exchange.underWay = undefined;
      if (abort(exchange, policy) === 'next') exchange.proceed();
    });
    exchange.underWay = timer;
    return 'wait';
  };

const NEXT_TO_CLIENT = -1;

/** Bodies of answers come slowly, whoever gives them. */
function limitAnswer(exchange: Exchange, policy: FaultPolicy, limit: NonNullable<FaultPolicy['answerLimit']>): void {
  const kbps = limit.byHeader ? numberIn(exchange, RATE) : limit.kbps;
  if (kbps === undefined || kbps === 0) return;
  const allowed = exchange.runtime.values.share(limit.share, policy.keys.limitPercent);
  const share = limit.byHeader ? shareIn(exchange, `${RATE}-percentage`, allowed) : allowed;
  if (!drawn(exchange, share, `at most ${kbps} KiB of the answer a second`, 'fault') || !mayDisturb(exchange, policy))
    return;
  exchange.stats.count('fault.response_rl_injected');
  const slow = slowAnswer(exchange, kbps);
  exchange.answerFilters = (exchange.answerFilters ?? new AnswerFilters([])).with({
    place: NEXT_TO_CLIENT,
    filter: slow,
  });
}

/** Only so many requests are disturbed at a time; one that is stays so until it ends. */
function mayDisturb(exchange: Exchange, { keys, maxActive: given = Infinity }: FaultPolicy): boolean {
  if (exchange.disturbed !== undefined) return true;
  const maxActive = exchange.runtime.values.whole(keys.maxActive, given);
  const active = exchange.runtime.stats.stat(`http.${exchange.config.statPrefix}.fault.active_faults`);
  if (active.value >= maxActive) {
    exchange.stats.count('fault.faults_overflow');
    return false;
  }
  active.value++;
  exchange.disturbed = active;
  return true;
}

function count({ head, stats }: Exchange, { countsClients }: FaultPolicy, name: string): void {
  stats.count(`fault.${name}`);
  const client = head.headers.get('x-envoy-downstream-service-cluster');
  if (countsClients && client) stats.count(`fault.${client}.${name}`);
}

function concerns({ cluster, headers, nodes }: FaultPolicy, { head, share, route }: Exchange): boolean {
  if (cluster !== '') {
    const chosen = share?.cluster ?? (route?.target.kind === 'forward' ? route.target.shares[0]?.cluster : undefined);
    if (chosen !== cluster) return false;
  }
  if (nodes.length > 0 && !nodes.includes(head.headers.get('x-envoy-downstream-service-node') ?? '')) return false;
  return headers.every((holds) => holds(head.headers, head));
}

/** How long this request is held back; undefined: not at all. */
function delayOf({ delay, keys }: FaultPolicy, exchange: Exchange): number | undefined {
  if (delay === undefined) return undefined;
  const { values } = exchange.runtime;
  const key = ofClient(exchange, 'delay.fixed_duration_ms') ?? keys.delayMs;
  const ms = delay.byHeader ? numberIn(exchange, DELAY) : values.whole(key, delay.ms);
  // Envoy counts in whole milliseconds, and to wait for none is no fault.
  if (ms === undefined || ms < 1) return undefined;
  const allowed = values.share(delay.share, ofClient(exchange, 'delay.fixed_delay_percent') ?? keys.delayPercent);
  const share = delay.byHeader ? shareIn(exchange, `${DELAY}-percentage`, allowed) : allowed;
  return drawn(exchange, share, `delay of ${ms} ms`, 'fault.delay') ? ms : undefined;
}

interface Abort {
  readonly status: number;
  readonly grpcStatus: number | undefined;
}

function abortOf(
  { abort: given, keys }: FaultPolicy,
  exchange: Exchange,
): (Abort & { readonly share: Fraction }) | undefined {
  if (given === undefined) return undefined;
  const { values } = exchange.runtime;
  const allowed = values.share(given.share, ofClient(exchange, 'abort.abort_percent') ?? keys.abortPercent);
  if (!given.byHeader) {
    if (given.grpcStatus !== undefined)
      return { ...given, share: allowed, grpcStatus: values.whole(keys.abortGrpcStatus, given.grpcStatus) };
    const key = ofClient(exchange, 'abort.http_status') ?? keys.abortStatus;
    const asked = values.whole(key, given.status);
    return { ...given, share: allowed, status: isStatus(asked) ? asked : given.status };
  }
  const share = shareIn(exchange, `${ABORT}-percentage`, allowed);
  const status = numberIn(exchange, ABORT);
  if (status !== undefined && isStatus(status)) return { status, grpcStatus: undefined, share };
  const grpcStatus = numberIn(exchange, GRPC_ABORT);
  return grpcStatus === undefined ? undefined : { status: 200, grpcStatus, share };
}

const isStatus = (status: number): boolean => status >= 200 && status < 600;

/** The key for requests of one client's cluster, which takes the place of the one for all. */
function ofClient({ head }: Exchange, what: string): string | undefined {
  const client = head.headers.get('x-envoy-downstream-service-cluster');
  return client ? `fault.http.${client}.${what}` : undefined;
}

function abort(exchange: Exchange, policy: FaultPolicy): 'next' | 'wait' {
  const found = abortOf(policy, exchange);
  if (found === undefined) return 'next';
  const { status, grpcStatus, share } = found;
  const what = grpcStatus === undefined ? `abort with ${status}` : `abort with gRPC status ${grpcStatus}`;
  if (!drawn(exchange, share, what, 'fault.abort') || !mayDisturb(exchange, policy)) return 'next';
  count(exchange, policy, 'aborts_injected');
  const reply = { flag: 'FI', details: 'fault_filter_abort', body: 'fault filter abort' } as const;
  if (grpcStatus === undefined) exchange.reply({ status, ...reply });
  else exchange.reply({ status: 200, ...reply, grpcStatus });
  return 'wait';
}

function numberIn({ head }: Exchange, name: string): number | undefined {
  const given = head.headers.get(name);
  return given !== undefined && /^\d{1,9}$/.test(given) ? Number(given) : undefined;
}

/** A client may ask for a smaller share than the configuration allows. */
function shareIn(exchange: Exchange, name: string, allowed: Fraction): Fraction {
  const asked = numberIn(exchange, name);
  return asked === undefined ? allowed : { numerator: Math.min(asked, allowed.numerator), of: allowed.of };
}

function drawn(exchange: Exchange, share: Fraction, what: string, part: string): boolean {
  if (share.numerator === 0) return false;
  const draw = exchange.runtime.chance.draws.below('fault', exchange.traceKey, share.of);
  const hit = draw < share.numerator;
  const { route } = exchange;
  exchange.steps.add('http_filter', hit ? 'applied' : 'passed', 'envoy.filters.http.fault', () => ({
    detail: `${what} for ${inPercent(share)} % of requests: drew ${draw} of ${share.of}, so this one ${hit ? 'is hit' : 'is spared'}`,
    origin: originOf(route?.origins, part),
    evidence: { draw, total: share.of, below: share.numerator },
  }));
  return hit;
}
