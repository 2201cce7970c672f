import type { SpanView } from '#contract';
import { SLOW_MS } from '../../lab-client/index.ts';
import { formatMs } from '../parts/format.ts';
import { serviceTitle } from '../parts/titles.ts';
import { criticalPath } from './critical-path.ts';

export interface Bar {
  span: SpanView;
  label: string;
  /** Indent in px. */
  indent: number;
  y: number;
  x: number;
  width: number;
  tone: 'plain' | 'slow' | 'failed';
  note: string;
  /** Where the note stands: after the bar, or before it where there is no room. */
  noteX: number;
  noteAnchor: 'start' | 'end';
  /** The thin line that joins it to the span that caused it. */
  drop: { x: number; from: number } | undefined;
}

export interface Waterfall {
  bars: Bar[];
  ticks: { x: number; text: string }[];
  /** The critical path, piece by piece, under the bars. */
  critical: { x: number; y: number; width: number }[];
  height: number;
  totalMs: number;
}

export const LABELS = 168;
export const FULL = 640;
/** Room for the note of a bar that reaches the end of the axis. */
const NOTES = 88;
const TOP = 30;
const ROW = 33;
const NICE = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10_000, 20_000, 60_000];

/** Round steps for an axis of `totalMs`, at most five of them. */
export function tickStep(totalMs: number, most = 4): number {
  return NICE.find((step) => totalMs / step <= most) ?? totalMs / most;
}

/** Spans as bars on one axis, in the order given (depth first); `leastMs`: the axis holds at least as much, to be compared. */
export function waterfallOf(spans: readonly SpanView[], leastMs = 0): Waterfall {
  const begin = Math.min(...spans.map((span) => span.startMs));
  const end = Math.max(...spans.map((span) => span.startMs + span.durationMs));
  const totalMs = Math.max(0.1, end - begin);
  const axisMs = Math.max(totalMs, leastMs);
  const step = tickStep(axisMs);
  const shownMs = Math.max(axisMs * 1.04, step);
  const scale = (FULL - LABELS - NOTES) / shownMs;
  const at = (ms: number): number => LABELS + (ms - begin) * scale;
  const rows = new Map(spans.map((span, index) => [span.spanId, TOP + index * ROW]));
  const parents = new Set(spans.flatMap((span) => (span.parentSpanId ? [span.parentSpanId] : [])));
  const bars = spans.map((span, index) => {
    const parentRow = span.parentSpanId === undefined ? undefined : rows.get(span.parentSpanId);
    const x = at(span.startMs);
    const width = Math.max(3, span.durationMs * scale);
    return {
      span,
      label: labelOf(span),
      indent: Math.min(span.depth, 6) * 10,
      y: TOP + index * ROW,
      x,
      width,
      tone: toneOf(span),
      ...noteOf(span, { x, width, alone: !parents.has(span.spanId) }),
      drop: parentRow === undefined ? undefined : { x: x + 1, from: parentRow + 13 },
    };
  });
  const ticks = [];
  for (let ms = 0; ms <= shownMs + 0.0001; ms += step)
    ticks.push({ x: at(begin + ms), text: formatMs(Number(ms.toFixed(4))) });
  const critical = criticalPath(spans).flatMap(({ spanId, fromMs, toMs }) => {
    const y = rows.get(spanId);
    return y === undefined ? [] : [{ x: at(fromMs), width: Math.max(1, (toMs - fromMs) * scale), y: y + 22 }];
  });
  return { bars, ticks, critical, height: TOP + spans.length * ROW + 6, totalMs };
}

/** The workload that a span belongs to, or for a call what it asked for. */
export function labelOf(span: SpanView): string {
  if (span.kind === 'server' || span.depth === 0) return serviceTitle(span.service);
  return span.operation;
}

function toneOf(span: SpanView): Bar['tone'] {
  if (span.status === 0 || span.status >= 400) return 'failed';
  return span.flags.includes('DI') || span.durationMs >= SLOW_MS ? 'slow' : 'plain';
}

function noteOf(
  span: SpanView,
  bar: { x: number; width: number; alone: boolean },
): Pick<Bar, 'note' | 'noteX' | 'noteAnchor'> {
  const failed = toneOf(span) === 'failed';
  const stayed = failed && span.kind === 'client' && bar.alone ? ['never left the proxy'] : [];
  const status = failed ? [[span.status || 'no answer', ...span.flags].join(' ')] : span.flags;
  const note = [formatMs(span.durationMs), ...status, ...stayed].join(' · ');
  const room = FULL - (bar.x + bar.width) > note.length * 6.6 + 8;
  const before = !room && bar.x - LABELS > note.length * 6.6;
  if (room) return { note, noteX: bar.x + bar.width + 8, noteAnchor: 'start' };
  return before ? { note, noteX: bar.x - 8, noteAnchor: 'end' } : { note, noteX: FULL - 4, noteAnchor: 'end' };
}
