import type { Clock } from '#domain';
import type { GrpcCheck, HttpCheck, StatusRange } from '../../config/health-check-config.ts';
import { applyRequestRules, noRequest } from '../../http/apply-rules.ts';
import type { HostPool, RequestHead } from '../../http/codec.ts';
import { Headers } from '../../http/headers.ts';
import { StreamInfo } from '../../http/stream-info.ts';
import { readServing, servingRequest } from './grpc-health.ts';
import { type CheckAnswer, CheckExchange } from './http-exchange.ts';
import { type HealthProbe, holdsInOrder, type ProbeResult } from './probe.ts';

const USER_AGENT = 'Envoy/HC';
const GRPC_PATH = '/grpc.health.v1.Health/Check';
/** Bytes of a gRPC answer that are read; the message has a few, and may have fields that nobody knows. */
const GRPC_ANSWER_BYTES = 65_536;

const UNREACHABLE: ProbeResult = { healthy: false, type: 'NETWORK', retriable: false };
const passed = (degraded: boolean): ProbeResult => ({ healthy: true, degraded });

export interface HttpProbeOptions {
  readonly check: HttpCheck | GrpcCheck;
  /** Host header. */
  readonly authority: string;
  readonly scheme: 'http' | 'https';
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly reuse: boolean;
  readonly createPool: () => HostPool;
  readonly onVerifyCluster: () => void;
  readonly onViolation: () => void;
}

/** Sends a request and judges the answer. Source: Envoy's extensions/health_checkers/{http,grpc}. */
export class HttpProbe implements HealthProbe {
  readonly #options: HttpProbeOptions;
  #pool: HostPool | undefined;
  #exchange: CheckExchange | undefined;

  constructor(options: HttpProbeOptions) {
    this.#options = options;
  }

  run(done: (result: ProbeResult) => void): void {
    const { check, reuse } = this.#options;
    this.#pool ??= this.#options.createPool();
    const exchange = new CheckExchange({
      request: this.#request(),
      payload: check.kind === 'GRPC' ? servingRequest(check.serviceName) : check.send,
      limit: check.kind === 'GRPC' ? GRPC_ANSWER_BYTES : check.bufferBytes || Number.POSITIVE_INFINITY,
      done: (answer) => {
        this.#exchange = undefined;
        if (!reuse) this.#closeAfter(exchange);
        done(this.#judge(answer));
      },
    });
    this.#exchange = exchange;
    exchange.start(this.#pool);
  }

  abandon(): void {
    this.#exchange?.forget();
    this.close();
  }

  close(): void {
    this.#pool?.close();
    this.#pool = undefined;
  }

  /** As in Envoy, whose codec takes a connection of HTTP/2 that ends in the middle of its work for one that broke the rules. */
  #closeAfter({ ended }: CheckExchange): void {
    const { check, onViolation } = this.#options;
    if (ended && (check.kind === 'GRPC' || check.protocol === 'http2')) onViolation();
    this.close();
  }

  #judge(answer: CheckAnswer | undefined): ProbeResult {
    if (answer === undefined) return UNREACHABLE;
    const { check, onVerifyCluster } = this.#options;
    if (check.kind === 'HTTP') return judgeHttp(check, answer, onVerifyCluster);
    return readServing(answer) ? passed(false) : { healthy: false, type: 'ACTIVE', retriable: false };
  }

  #request(): RequestHead {
    const { authority, check, scheme, timeoutMs } = this.#options;
    const grpc = check.kind === 'GRPC';
    const head: RequestHead = {
      method: grpc ? 'POST' : check.method,
      path: grpc ? GRPC_PATH : check.path,
      authority,
      scheme,
      protocol: grpc || check.protocol === 'http2' ? 'HTTP/2' : 'HTTP/1.1',
      headers: Headers.of({
        ...(grpc && { te: 'trailers', 'content-type': 'application/grpc', 'grpc-timeout': `${timeoutMs}m` }),
        'user-agent': USER_AGENT,
        ...(!grpc && check.send !== undefined && { 'content-length': String(check.send.length) }),
      }),
    };
    const info = new StreamInfo(this.#options.clock.now(), 0);
    const subject = { head: noRequest(head.protocol), responseHead: undefined, info, connection: NOBODY };
    applyRequestRules(check.headers, subject, head.headers);
    return head;
  }
}

/** A check comes from no client. */
const NOBODY = {
  direction: 'outbound',
  remoteAddress: { ip: '127.0.0.1', port: 0 },
  localAddress: { ip: '127.0.0.1', port: 0 },
  requestedServerName: '',
  tls: undefined,
} as const;

const within = (ranges: readonly StatusRange[], status: number): boolean =>
  ranges.some(([from, to]) => status >= from && status < to);

function judgeHttp(check: HttpCheck, { head, body }: CheckAnswer, onVerifyCluster: () => void): ProbeResult {
  const excluded = head.headers.has('x-envoy-immediate-health-check-fail');
  const failed = (retriable: boolean): ProbeResult => ({
    healthy: false,
    type: 'ACTIVE',
    retriable,
    excluded,
    status: head.status,
  });
  if (!holdsInOrder(check.receive, body)) return failed(false);
  if (!within(check.expected, head.status)) return failed(within(check.retriable, head.status));
  if (check.serviceName !== undefined) {
    onVerifyCluster();
    const served = head.headers.get('x-envoy-upstream-healthchecked-cluster') ?? '';
    if (!check.serviceName.accepts(served))
      return { healthy: false, type: 'ACTIVE', retriable: false, status: head.status };
  }
  return passed(head.headers.has('x-envoy-degraded'));
}
