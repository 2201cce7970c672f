import { describe, expect, it } from 'vitest';
import {
  asIs,
  type DecisionStage,
  type HopDetail,
  type HopRecord,
  RecordedHop,
  RecordedRequest,
  RecordedResponse,
  type StepNote,
  type StepTape,
  seededRandom,
} from '#domain';
import { Familiar } from '../../../server/telemetry/hop-log/familiar.ts';
import { HopLog } from '../../../server/telemetry/hop-log/hop-log.ts';
import { RequestLog } from '../../../server/telemetry/hop-log/request-log.ts';
import { summarize } from '../../../server/telemetry/summary.ts';

const random = seededRandom('hops');
const below = (limit: number): number => random.below(limit);
const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
const sometimes = (): boolean => below(2) === 0;
const hex = (digits: number): string => Array.from({ length: digits }, () => below(16).toString(16)).join('');

const TEXTS = ['', 'GET', 'reviews:9080', 'a\nb', 'ÿ and é', 'größer → kleiner', '\ud800', 'x'.repeat(300), 'default'];
const STAGES: readonly DecisionStage[] = ['capture', 'route', 'http_filter', 'endpoint', 'response'];
const OUTCOMES = ['chosen', 'passed', 'applied', 'stopped'] as const;
const proxies = ['a', 'b'].map((service): HopRecord['proxy'] => ({
  pod: `${service}-1`,
  namespace: 'default',
  service,
  version: 'v1',
  role: 'sidecar',
}));
const handshake = { at: 'a handshake' } as unknown as NonNullable<NonNullable<HopRecord['handshakes']>['upstream']>;
const text = (): string => `${pick(TEXTS)}${sometimes() ? below(1e6) : ''}`;
const list = (most: number): string[] => Array.from({ length: below(most) }, text);

const headers = (): string[] => Array.from({ length: below(40) }, (_, i) => [`x-${i}`, text()]).flat();

function note() {
  return {
    detail: text(),
    ...(sometimes() && { origin: { kind: 'VirtualService', namespace: 'default', name: 'a', path: text() } }),
    ...(sometimes() && { rejected: [{ name: text(), reason: text(), held: below(9) }] }),
    ...(sometimes() && { evidence: { total: pick([0, -1, 0.1, 1e300, Number.POSITIVE_INFINITY]), on: sometimes() } }),
  };
}

const config = { name: 'a part of the configuration' };
const words = (name: string, part: typeof config, count: number, told: boolean | undefined): StepNote => ({
  detail: `${name} ${part.name} ${told}`,
  evidence: { count },
});

function tape(): StepTape {
  const step = () => [pick(STAGES), pick(OUTCOMES), text(), below(1e9), below(5)];
  const entries = Array.from({ length: below(12) }, () =>
    sometimes()
      ? [...step(), asIs, [note()]]
      : [...step(), words, [text(), config, below(1e9) / 7, pick([true, undefined])]],
  );
  const before = [{ stage: 'listener', outcome: 'chosen', name: '0.0.0.0_80', atMs: 0 } as const];
  return { before, entries: [...entries, ['route', 'passed', text(), 1, 0, undefined, []]].flat() };
}

function detail(): HopDetail {
  const own = { requestHeaders: headers(), responseHeaders: headers() };
  if (sometimes()) return { ...own, tape: tape(), steps: [] };
  const steps = [{ stage: pick(STAGES), outcome: pick(OUTCOMES), name: text(), atMs: below(1e6) / 1000, ...note() }];
  return { ...own, tape: undefined, steps };
}

/** A hop with anything that one may have. */
function anyHop(): HopRecord {
  const own = below(4) === 0 ? undefined : detail();
  const request = { method: text(), authority: text(), path: text(), protocol: text(), bytes: below(1e9) * 1000 };
  const response = { status: below(600), flags: list(3), details: text(), bytes: below(1e9) * 1000 };
  const hop = new RecordedHop(
    {
      spanId: pick([hex(16), text()]),
      traceId: pick([hex(32), text()]),
      requestId: text(),
      proxy: pick(proxies),
      direction: pick(['inbound', 'outbound']),
      startMs: 1.7e12 + below(1e9) / 8,
      durationMs: below(1e9) / 1000,
      request: new RecordedRequest(request, own),
      response: new RecordedResponse(response, own),
      routeName: text(),
      cluster: text(),
      upstreamHost: text(),
      attempts: below(100),
      mtls: sometimes(),
      pushVersion: text(),
      accessLog: text(),
    },
    own,
  );
  if (sometimes()) hop.parentSpanId = pick([hex(16), text()]);
  if (sometimes()) hop.peer = text();
  if (sometimes()) hop.standsFor = below(300);
  if (sometimes()) hop.sampled = sometimes();
  if (sometimes()) hop.operation = text();
  if (sometimes()) hop.handshakes = pick([{ downstream: handshake }, { upstream: handshake, downstream: handshake }]);
  if (sometimes()) {
    const tracing = {
      tags: { a: text() },
      maxPathLength: pick([256, 2 ** 32 - 1]),
      scheme: text(),
      userAgent: text(),
      peerIp: text(),
    };
    hop.tracing = sometimes() ? tracing : { ...tracing, entrySpanId: text() };
  }
  return hop;
}

/** Everything that a reader can see of a hop, as plain values. */
const seen = (hop: HopRecord | undefined): unknown =>
  hop && {
    ...hop,
    request: { ...hop.request, headers: hop.request.headers },
    response: { ...hop.response, headers: hop.response.headers },
    steps: hop.steps,
  };

const log = (capacity: number, detailed: number): HopLog =>
  new HopLog({ capacity, detailed, familiar: new Familiar() });

describe('the log of hops', () => {
  it('gives back all that a hop had, whatever that was', () => {
    const hops = Array.from({ length: 600 }, anyHop);
    const kept = log(600, 600);
    const numbers = hops.map((hop) => kept.write(hop));
    expect(numbers.map((number) => seen(kept.read(number)))).toEqual(hops.map(seen));
  });

  it('gives back the steps of hops that are alike but for some values, names, times and notes', () => {
    const parts = [config, { name: 'another part' }];
    const alike = (i: number): StepTape => {
      const value = (j: number): unknown => (below(3) === 0 ? pick([text(), [], Number.NaN, undefined, i]) : j);
      const values = Array.from({ length: 20 }, (_, j) => value(j));
      const entries = [
        [
          'route',
          'chosen',
          sometimes() ? 'default' : text(),
          i,
          0,
          words,
          ['reviews', parts[i % 2], 1, [], i % 5 === 0],
        ],
        ['endpoint', 'chosen', pick(['10.0.0.1:80', '10.0.0.2:80']), i + 1, 1, asIs, [note()]],
        ['response', 'passed', '200', i + 2, 1, words, i % 50 === 49 ? values.map(() => text()) : values],
      ];
      return { before: [], entries: entries.flat() };
    };
    const own = (i: number): HopDetail => ({ requestHeaders: [], responseHeaders: [], tape: alike(i), steps: [] });
    const details = Array.from({ length: 500 }, (_, i) => own(i));
    const kept = log(500, 500);
    for (const each of details) kept.write(new RecordedHop(anyHop(), each));
    expect(details.map((_, number) => kept.read(number)?.tape)).toEqual(details.map(({ tape: told }) => told));
  });

  it('keeps the newest hops, and headers and steps of the newest that have them, however much comes', () => {
    const hops = Array.from({ length: 900 }, anyHop);
    const kept = log(100, 30);
    for (const hop of hops) kept.write(hop);
    const whole = new Set(hops.filter(({ thin }) => !thin).slice(-30));
    for (const [number, hop] of hops.entries()) {
      const found = kept.read(number);
      if (number < 800) expect(found).toBeUndefined();
      else if (whole.has(hop)) expect(seen(found)).toEqual(seen(hop));
      else expect(found).toMatchObject({ thin: true, accessLog: hop.accessLog, steps: [], traceId: hop.traceId });
    }
  });

  it('lets a reader keep a hop for longer than the log does', () => {
    const kept = log(2, 1);
    const hop = Array.from({ length: 100 }, anyHop).find(({ thin, steps }) => !thin && steps.length > 2)!;
    const found = kept.read(kept.write(hop));
    for (let i = 0; i < 100; i++) kept.write(anyHop());
    expect(seen(found)).toEqual(seen(hop));
  });

  it('begins anew when it is cleared', () => {
    const kept = log(20, 10);
    for (let i = 0; i < 50; i++) kept.write(anyHop());
    kept.clear();
    expect(kept.read(0)).toBeUndefined();
    const hop = anyHop();
    expect(seen(kept.read(kept.write(hop)))).toEqual(seen(hop));
    expect(kept.read(1)).toBeUndefined();
  });
});

describe('the log of requests', () => {
  it.each([50, 700])('gives back the newest %i as they were told, or told again', (capacity) => {
    const kept = new RequestLog(capacity, new Familiar());
    const count = 2 * capacity + 20;
    const requests = Array.from({ length: count }, () => summarize(anyHop(), sometimes() ? anyHop() : undefined));
    for (const [number, request] of requests.entries()) {
      kept.write(request);
      if (number === capacity - 1)
        expect(requests.slice(0, capacity).map((_, i) => kept.read(i))).toEqual(requests.slice(0, capacity));
    }
    const oldest = count - capacity;
    expect(Array.from({ length: capacity }, (_, i) => kept.read(oldest + i))).toEqual(requests.slice(oldest));
    const again = {
      ...requests[count - 20]!,
      destination: { service: 'late', version: 'v9' },
      mtls: true,
      flags: ['UT'],
    };
    kept.rewrite(count - 20, again);
    kept.rewrite(10, again);
    expect(kept.read(count - 20)).toEqual(again);
    expect(kept.read(count - 10)).toEqual(requests[count - 10]);
  });
});
