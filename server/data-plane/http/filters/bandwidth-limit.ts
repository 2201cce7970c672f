import { type BandwidthLimitConfig, readBandwidthLimit } from '../../config/filters/bandwidth-limit.ts';
import { declareBandwidthLimit } from '../../stats/bandwidth-figures.ts';
import type { BodyOut } from '../answer-filters.ts';
import type { Exchange } from '../exchange.ts';
import { Headers } from '../headers.ts';
import type { FilterParts } from './filter-parts.ts';
import { LimitedBody, type LimitedBodyEvents } from './limited-body.ts';
import { perRoute } from './per-route.ts';
import { TokenBucket } from './rate-limit/token-bucket.ts';

type Way = 'request' | 'response';

/** A limit with the bucket that all its bodies share. */
interface Limiter {
  readonly config: BandwidthLimitConfig;
  bucket: TokenBucket | undefined;
}

/** How long a request's body took, for the trailers of its answer. */
interface Delays {
  tookMs: number;
  heldMs: number;
}

/** Envoy's bandwidth_limit filter: bodies go on no faster than so many bytes a second, requests and answers together. */
export function bandwidthLimit(name: string, own: BandwidthLimitConfig): FilterParts {
  const limiterOf = perRoute<Limiter>({ name, type: 'bandwidth_limit.v3.BandwidthLimit' }, made(own), (given) =>
    made(readBandwidthLimit(given)),
  );
  const delays = new WeakMap<Exchange, Delays>();
  return {
    declare: (stats) => declareBandwidthLimit(stats, own.scope),
    decode(exchange) {
      const limiter = limiterOf(exchange);
      if (!limiter.config.limitsRequests) return 'next';
      begin(exchange, limiter, { name, way: 'request' });
      exchange.recodeBody((out) => limited({ exchange, limiter, way: 'request', delays, name }, out));
      return 'next';
    },
    encode(exchange) {
      const limiter = limiterOf(exchange);
      if (!limiter.config.limitsAnswers) return undefined;
      begin(exchange, limiter, { name, way: 'response' });
      return (out) => limited({ exchange, limiter, way: 'response', delays, name }, out);
    },
  };
}

const made = (config: BandwidthLimitConfig): Limiter => ({ config, bucket: undefined });

function begin(exchange: Exchange, { config }: Limiter, { name, way }: { name: string; way: Way }): void {
  exchange.runtime.stats.stat(`${config.scope}${way}_enabled`).value++;
  exchange.steps.add('http_filter', 'applied', name, () => ({
    detail: `the body of the ${way} goes on with ${config.bytesPerSecond} bytes a second at most, which all bodies of this limit share`,
    evidence: { bytesPerSecond: config.bytesPerSecond, fillIntervalMs: config.fillIntervalMs },
  }));
}

interface Given {
  readonly exchange: Exchange;
  readonly limiter: Limiter;
  readonly way: Way;
  readonly delays: WeakMap<Exchange, Delays>;
  readonly name: string;
}

function limited(given: Given, out: BodyOut): LimitedBody {
  const { exchange, limiter, way } = given;
  const { config, bucket } = limiter;
  const { clock } = exchange.runtime;
  limiter.bucket = bucket ?? new TokenBucket(bucketOf(config), clock);
  return new LimitedBody(out, {
    bucket: limiter.bucket,
    fillIntervalMs: config.fillIntervalMs,
    clock,
    events: eventsOf(given),
    endsWithBytes: endsWithBytes(exchange, way),
  });
}

/** Bodies of HTTP/1.1 have an end of its own. */
function endsWithBytes({ head, info }: Exchange, way: Way): boolean {
  if (way === 'request') return head.protocol === 'HTTP/2';
  return info.details !== 'via_upstream' || info.upstreamProtocol === 'HTTP/2';
}

const bucketOf = ({ bytesPerSecond }: BandwidthLimitConfig) => ({
  maxTokens: bytesPerSecond,
  tokensPerFill: bytesPerSecond,
  fillIntervalMs: 1000,
});

function eventsOf({ exchange, limiter: { config }, way, delays, name }: Given): LimitedBodyEvents {
  const { stats, clock } = exchange.runtime;
  const place = `${config.scope}${way}_`;
  let beganAt = 0;
  let heldMs = 0;
  return {
    began() {
      beganAt = clock.monotonic();
      stats.level(`${place}pending`).value++;
    },
    came(bytes) {
      stats.level(`${place}incoming_size`).value = bytes;
      stats.stat(`${place}incoming_total_size`).value += bytes;
    },
    went(bytes, held) {
      stats.level(`${place}allowed_size`).value = bytes;
      stats.stat(`${place}allowed_total_size`).value += bytes;
      if (!held) return;
      stats.stat(`${place}enforced`).value++;
      heldMs += config.fillIntervalMs;
    },
    finished(trailers) {
      const tookMs = Math.floor(clock.monotonic() - beganAt);
      stats.level(`${place}pending`).value--;
      stats.histogram(`${place}transfer_duration`).record(tookMs);
      if (heldMs > 0) {
        exchange.steps.add('http_filter', 'applied', name, () => ({
          detail: `the body of the ${way} took ${tookMs} ms: it was held back for ${heldMs} ms, until there were tokens`,
        }));
      }
      if (config.trailerPrefix === undefined) return trailers;
      if (way === 'request') {
        delays.set(exchange, { tookMs, heldMs });
        return trailers;
      }
      // As in Envoy, trailers of its own are for HTTP/2.
      if (exchange.head.protocol !== 'HTTP/2' && trailers === undefined) return undefined;
      return told(trailers, config.trailerPrefix, { request: delays.get(exchange), response: { tookMs, heldMs } });
    },
    brokenOff() {
      stats.level(`${place}pending`).value--;
    },
  };
}

/** Adds what took time to the trailers. */
function told(
  given: Headers | undefined,
  prefix: string,
  took: { readonly request: Delays | undefined; readonly response: Delays },
): Headers {
  const trailers = given ?? Headers.of({});
  for (const way of ['request', 'response'] as const) {
    const { tookMs = 0, heldMs = 0 } = took[way] ?? {};
    if (tookMs > 0) trailers.set(`${prefix}${way}-delay-ms`, String(tookMs));
    if (heldMs > 0) trailers.set(`${prefix}${way}-filter-delay-ms`, String(heldMs));
  }
  return trailers;
}
