import type { AdmissionControlConfig } from '../../../config/filters/admission-control.ts';
import type { ResponseHead } from '../../codec.ts';
import type { Exchange } from '../../exchange.ts';
import { isGrpc } from '../../grpc.ts';
import type { FilterParts } from '../filter-parts.ts';
import { type SuccessCounts, SuccessWindow } from './success-window.ts';

/** Four digits of a probability decide. */
const ACCURACY = 10_000;

/** Envoy's admission_control filter: the fewer answers are successes, the more requests are refused before they reach a host. */
export function admissionControl(name: string, config: AdmissionControlConfig): FilterParts {
  let made: SuccessWindow | undefined;
  const windowOf = ({ runtime }: Exchange): SuccessWindow => {
    made ??= new SuccessWindow(config.windowSeconds, runtime.clock);
    return made;
  };
  /** Those whose answers tell nothing of hosts. */
  const unrecorded = new WeakSet<Exchange>();
  const record = (exchange: Exchange, success: boolean): void => {
    windowOf(exchange).record(success);
    exchange.stats.count(`admission_control.rq_${success ? 'success' : 'failure'}`);
  };
  return {
    figures: { 'admission_control.': ['rq_failure', 'rq_rejected', 'rq_success'] },
    decode(exchange) {
      if (!exchange.runtime.values.isOn(config.enabled) || exchange.uncounted) {
        unrecorded.add(exchange);
        return 'next';
      }
      const window = windowOf(exchange);
      if (window.averageRps < config.leastRps) return 'next';
      const { counts } = window;
      const probability = refusalProbability(counts, config);
      const refused =
        ACCURACY * probability > exchange.runtime.chance.draws.below('admission', exchange.traceKey, ACCURACY);
      if (!refused && !(probability > 0)) return 'next';
      note(exchange, { name, refused, probability, counts, config });
      if (!refused) return 'next';
      unrecorded.add(exchange);
      exchange.stats.count('admission_control.rq_rejected');
      exchange.reply({ status: 503, details: 'denied_by_admission_control' });
      return 'wait';
    },
    encode(exchange, head, endStream) {
      if (unrecorded.has(exchange)) return undefined;
      const told = head.headers.get('grpc-status');
      if (!isGrpcAnswer(head, endStream)) record(exchange, config.isHttpSuccess(head.status));
      else if (told !== undefined) record(exchange, config.isGrpcSuccess(Number(told)));
      else recordTrailers(exchange, (status) => record(exchange, config.isGrpcSuccess(status)));
      return undefined;
    },
  };
}

/** NaN and what is below 0 refuse nobody. Source: AdmissionControlFilter::shouldRejectRequest in Envoy. */
export function refusalProbability(
  { requests, successes }: SuccessCounts,
  { aggression, mostRefused, successThreshold }: AdmissionControlConfig,
): number {
  const share = (requests - successes / successThreshold) / (requests + 1);
  return Math.min(aggression === 1 ? share : share ** (1 / aggression), mostRefused);
}

/** An answer that is its head alone is gRPC by its status. */
function isGrpcAnswer({ headers, status }: ResponseHead, endStream: boolean): boolean {
  return endStream ? headers.has('grpc-status') : status === 200 && isGrpc(headers);
}

/** As in Envoy, a stream that ends without trailers is neither a success nor a failure. */
function recordTrailers(exchange: Exchange, record: (status: number) => void): void {
  exchange.whenOver((whole) => {
    if (whole && exchange.responseTrailers !== undefined) record(Number(exchange.info.grpcStatus ?? Number.NaN));
  });
}

interface Noted {
  readonly name: string;
  readonly refused: boolean;
  readonly probability: number;
  readonly counts: SuccessCounts;
  readonly config: AdmissionControlConfig;
}

function note(exchange: Exchange, { name, refused, probability, counts, config }: Noted): void {
  const { requests, successes } = counts;
  const { windowSeconds, successThreshold } = config;
  const inPercent = (share: number): string => `${Math.round(share * ACCURACY) / 100} %`;
  exchange.steps.add('http_filter', refused ? 'stopped' : 'passed', name, () => ({
    detail:
      `${successes} of ${requests} answers in the last ${windowSeconds} s were successes, ${inPercent(successThreshold)} should be: a request is refused with a probability of ${inPercent(probability)}, and this one was ${refused ? '' : 'not'}`.trimEnd(),
    evidence: { requests, successes, probability: inPercent(probability) },
  }));
}
