import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { errorMessage } from '#domain';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { type Answer, answer, html, json, pathOf, readBody, text } from '../respond.ts';
import { SpanStore, serviceOf, type ZipkinSpan } from './span-store.ts';

const PORT = 9411;
const DAY_MS = 86_400_000;

const hex = (least: number, most: number) => z.string().regex(new RegExp(`^[0-9a-fA-F]{${least},${most}}$`));
const spanSchema = z.looseObject({
  traceId: hex(1, 32),
  id: hex(1, 16),
  parentId: hex(1, 16).optional(),
  kind: z.enum(['CLIENT', 'SERVER', 'PRODUCER', 'CONSUMER']).optional(),
  name: z.string().optional(),
  timestamp: z.number().optional(),
  duration: z.number().optional(),
  tags: z.record(z.string(), z.string()).optional(),
});

/**
 * Zipkin's server as far as traces need it: takes spans in its v2 JSON, answers searches and dependencies by its API on 9411, keeps the newest two
 * thousand traces in memory. Unlike the published image it has no pages, takes neither v1 nor protobuf, and logs what arrives.
 */
export const zipkinImages: readonly WorkloadImage[] = ['zipkin', 'zipkin-slim'].map((name) => ({
  name,
  start: async (context) => {
    const store = new SpanStore();
    await context.listen(PORT, (request, response) => {
      handle(request, store, context)
        .catch((thrown: unknown) => text(500, `${errorMessage(thrown)}\n`))
        .then((told) => answer(response, told));
    });
    context.log(`zipkin: Serving HTTP at /0.0.0.0:${PORT} - http://127.0.0.1:${PORT}/`);
  },
}));

async function handle(request: IncomingMessage, store: SpanStore, context: ContainerContext): Promise<Answer> {
  const path = pathOf(request);
  if (request.method === 'POST') {
    if (path === '/api/v2/spans') return take(await readBody(request), store, context);
    return text(404, '');
  }
  const { searchParams: asked } = new URL(request.url ?? '/', 'http://zipkin');
  const trace = /^\/api\/v2\/trace\/([0-9a-fA-F]{1,32})$/.exec(path)?.[1];
  if (trace !== undefined) {
    const spans = store.trace(trace);
    return spans === undefined ? text(404, `${trace} not found\n`) : json(200, spans);
  }
  switch (path) {
    case '/health':
      return json(200, { status: 'UP', zipkin: { status: 'UP', details: { InMemoryStorage: { status: 'UP' } } } });
    case '/api/v2/services':
      return json(200, store.services());
    case '/api/v2/spans':
      return json(200, store.spanNames((asked.get('serviceName') ?? '').toLowerCase()));
    case '/api/v2/traces':
      return search(asked, store, context);
    case '/api/v2/dependencies':
      return json(200, store.dependencies());
    case '/':
    case '/zipkin/':
      return html(
        200,
        `<!doctype html><title>Zipkin</title><p>This Zipkin has no pages. Ask /api/v2/traces, /api/v2/services.\n`,
      );
    default:
      return text(404, '');
  }
}

function search(asked: URLSearchParams, store: SpanStore, { clock }: ContainerContext): Answer {
  const number = (name: string): number | undefined => (asked.has(name) ? Number(asked.get(name)) : undefined);
  const numbers = ['minDuration', 'maxDuration', 'endTs', 'lookback', 'limit'].map(
    (name) => [name, number(name)] as const,
  );
  const wrong = numbers.find(([, value]) => value !== undefined && !(value >= 0));
  if (wrong !== undefined) return text(400, `${wrong[0]} is no number\n`);
  const filter = (name: string): string | undefined => {
    const value = asked.get(name) ?? '';
    return value === '' || value === 'all' ? undefined : value;
  };
  const found = store.search({
    serviceName: filter('serviceName'),
    spanName: filter('spanName'),
    annotationQuery: filter('annotationQuery'),
    minDuration: number('minDuration'),
    maxDuration: number('maxDuration'),
    endMs: number('endTs') ?? clock.now(),
    lookbackMs: number('lookback') ?? DAY_MS,
    limit: number('limit') ?? 10,
  });
  return json(200, found);
}

function take(body: string, store: SpanStore, { log }: ContainerContext): Answer {
  let given: unknown;
  try {
    given = JSON.parse(body);
  } catch {
    return text(400, 'Malformed reading List<Span> from json\n');
  }
  const { data, error } = z.array(spanSchema).safeParse(given);
  if (data === undefined) {
    const [issue] = error.issues;
    return text(400, `Malformed reading List<Span> from json: ${issue?.path.join('.')}: ${issue?.message}\n`);
  }
  for (const span of data) {
    const known = normalized(span as ZipkinSpan);
    store.add(known);
    log(
      `span trace=${known.traceId} id=${known.id} parent=${known.parentId ?? '-'} ${known.kind ?? '-'} service=${serviceOf(known)} name=${known.name ?? ''}`,
    );
  }
  return { status: 202, type: 'text/plain', body: '' };
}

/** Ids in lower case and in full width, as Zipkin keeps them. */
const normalized = (span: ZipkinSpan): ZipkinSpan => ({
  ...span,
  traceId: span.traceId.toLowerCase().padStart(span.traceId.length > 16 ? 32 : 16, '0'),
  id: span.id.toLowerCase().padStart(16, '0'),
  ...(span.parentId !== undefined && { parentId: span.parentId.toLowerCase().padStart(16, '0') }),
});
