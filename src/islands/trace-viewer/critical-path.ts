import type { SpanView } from '#contract';

/** A stretch of time for which nothing but this span could be waited for. */
export interface Stretch {
  spanId: string;
  fromMs: number;
  toMs: number;
}

/**
 * The chain of spans that the whole took as long as: walked backwards from the end of the root, always into the child that ended
 * last. What no child covers is the span's own.
 */
export function criticalPath(spans: readonly SpanView[]): Stretch[] {
  const [root] = spans;
  if (root === undefined) return [];
  const children = Map.groupBy(spans, ({ parentSpanId }) => parentSpanId ?? '');
  const stretches: Stretch[] = [];
  const seen = new Set<string>();
  const walk = (span: SpanView, untilMs: number): void => {
    if (seen.has(span.spanId)) return;
    seen.add(span.spanId);
    let limit = Math.min(untilMs, endOf(span));
    const own = [...(children.get(span.spanId) ?? [])].sort((a, b) => endOf(b) - endOf(a));
    for (const child of own) {
      if (child.startMs >= limit || limit <= span.startMs) continue;
      const childEnd = Math.min(endOf(child), limit);
      add(span.spanId, childEnd, limit);
      walk(child, childEnd);
      limit = Math.max(span.startMs, child.startMs);
    }
    add(span.spanId, span.startMs, limit);
  };
  const add = (spanId: string, fromMs: number, toMs: number): void => {
    if (toMs - fromMs > 0.0005) stretches.push({ spanId, fromMs, toMs });
  };
  walk(root, endOf(root));
  return stretches.sort((a, b) => a.fromMs - b.fromMs);
}

const endOf = ({ startMs, durationMs }: SpanView): number => startMs + durationMs;

/** How long each span is the one that is waited for, longest first. */
export function waitedFor(spans: readonly SpanView[]): { span: SpanView; ms: number }[] {
  const sums = new Map<string, number>();
  for (const { spanId, fromMs, toMs } of criticalPath(spans)) sums.set(spanId, (sums.get(spanId) ?? 0) + toMs - fromMs);
  return spans
    .flatMap((span) => {
      const ms = sums.get(span.spanId);
      return ms === undefined ? [] : [{ span, ms }];
    })
    .sort((a, b) => b.ms - a.ms);
}
