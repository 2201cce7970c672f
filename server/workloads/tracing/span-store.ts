/** A span in Zipkin's v2 format; times are microseconds. */
export interface ZipkinSpan {
  readonly traceId: string;
  readonly id: string;
  readonly parentId?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly timestamp?: number;
  readonly duration?: number;
  readonly localEndpoint?: { readonly serviceName?: string; readonly ipv4?: string };
  readonly remoteEndpoint?: { readonly serviceName?: string };
  readonly shared?: boolean;
  readonly annotations?: readonly object[];
  readonly tags?: Readonly<Record<string, string>>;
}

/** What a search for traces asks. */
export interface TraceQuery {
  readonly serviceName?: string | undefined;
  readonly spanName?: string | undefined;
  readonly annotationQuery?: string | undefined;
  readonly minDuration?: number | undefined;
  readonly maxDuration?: number | undefined;
  readonly endMs: number;
  readonly lookbackMs: number;
  readonly limit: number;
}

const MAX_TRACES = 2000;
const MAX_SPANS_A_TRACE = 500;

/** Spans by trace, the oldest trace forgotten first. */
export class SpanStore {
  readonly #traces = new Map<string, Map<string, ZipkinSpan>>();

  get spans(): number {
    return [...this.#traces.values()].reduce((sum, trace) => sum + trace.size, 0);
  }

  get traces(): number {
    return this.#traces.size;
  }

  add(span: ZipkinSpan): void {
    const trace = this.#traces.get(span.traceId) ?? new Map<string, ZipkinSpan>();
    this.#traces.set(span.traceId, trace);
    // Both sides of a call may tell one span.
    const key = `${span.id}/${span.kind ?? ''}/${serviceOf(span)}`;
    if (trace.size < MAX_SPANS_A_TRACE || trace.has(key)) trace.set(key, span);
    for (const oldest of this.#traces.keys()) {
      if (this.#traces.size <= MAX_TRACES) return;
      this.#traces.delete(oldest);
    }
  }

  trace(traceId: string): readonly ZipkinSpan[] | undefined {
    const trace = this.#traces.get(traceId.toLowerCase());
    return trace && inOrder(trace.values());
  }

  services(): string[] {
    return [...new Set(this.#all().map(serviceOf))].filter((name) => name !== '').sort();
  }

  spanNames(service: string): string[] {
    const own = this.#all().filter((span) => serviceOf(span) === service);
    return [...new Set(own.map(({ name = '' }) => name.toLowerCase()))].filter((name) => name !== '').sort();
  }

  /** The newest traces first. */
  search(query: TraceQuery): (readonly ZipkinSpan[])[] {
    return [...this.#traces.values()]
      .map((trace) => inOrder(trace.values()))
      .filter((trace) => fits(trace, query))
      .toSorted((a, b) => startOf(b) - startOf(a))
      .slice(0, query.limit);
  }

  /** Calls between services: a span whose parent stands for another service. Source: DependencyLinker in Zipkin. */
  dependencies(): { parent: string; child: string; callCount: number; errorCount?: number }[] {
    const links = new Map<string, { parent: string; child: string; callCount: number; errorCount: number }>();
    for (const trace of this.#traces.values()) {
      const services = new Map([...trace.values()].map((span) => [span.id, serviceOf(span)]));
      for (const span of trace.values()) {
        const [parent, child] = [services.get(span.parentId ?? '') ?? '', serviceOf(span)];
        if (parent === '' || child === '' || parent === child) continue;
        const link = links.get(`${parent} ${child}`) ?? { parent, child, callCount: 0, errorCount: 0 };
        links.set(`${parent} ${child}`, link);
        link.callCount++;
        if (span.tags?.['error'] !== undefined) link.errorCount++;
      }
    }
    return [...links.values()].map(({ errorCount, ...link }) => (errorCount > 0 ? { ...link, errorCount } : link));
  }

  #all(): ZipkinSpan[] {
    return [...this.#traces.values()].flatMap((trace) => [...trace.values()]);
  }
}

/** Zipkin knows services by lower case. */
export const serviceOf = ({ localEndpoint }: ZipkinSpan): string => (localEndpoint?.serviceName ?? '').toLowerCase();

const inOrder = (spans: Iterable<ZipkinSpan>): ZipkinSpan[] =>
  [...spans].sort((a, b) => (a.timestamp ?? 0) - (b.timestamp ?? 0));

const startOf = (trace: readonly ZipkinSpan[]): number => trace[0]?.timestamp ?? 0;

function fits(trace: readonly ZipkinSpan[], query: TraceQuery): boolean {
  const startMs = startOf(trace) / 1000;
  if (startMs > query.endMs || startMs < query.endMs - query.lookbackMs) return false;
  const { serviceName, spanName, annotationQuery, minDuration = 0, maxDuration = Number.POSITIVE_INFINITY } = query;
  const own = trace.filter((span) => serviceName === undefined || serviceOf(span) === serviceName.toLowerCase());
  const wanted =
    annotationQuery === undefined ? [] : annotationQuery.split(' and ').map((part) => part.split(/=(.*)/s));
  return own.some(
    ({ name = '', duration = 0, tags = {} }) =>
      (spanName === undefined || name.toLowerCase() === spanName.toLowerCase()) &&
      duration >= minDuration &&
      duration <= maxDuration &&
      wanted.every(([key = '', value]) => (value === undefined ? key in tags : tags[key] === value)),
  );
}
