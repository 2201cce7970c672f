import type { PushView } from '#contract';
import type { Bucket } from '../../lab-client/index.ts';

/** The span of time that the bar shows. */
export interface Span {
  fromMs: number;
  toMs: number;
}

const LEAST_MS = 120_000;
const MOST_MS = 1_800_000;

/** From the first thing known to now, at least two minutes, at most thirty. */
export function spanOf(history: readonly Bucket[], pushes: readonly PushView[], nowMs: number): Span {
  const since = nowMs - MOST_MS;
  const push = pushes.find(({ atMs }) => atMs >= since);
  const first = Math.min(history[0]?.atMs ?? nowMs, push?.atMs ?? nowMs);
  const length = Math.min(MOST_MS, Math.max(LEAST_MS, (nowMs - first) * 1.08));
  return { fromMs: nowMs - length, toMs: nowMs };
}

/** 0 to 1 within the span; outside it is cut to the edge. */
export function shareOf(span: Span, atMs: number): number {
  return Math.min(1, Math.max(0, (atMs - span.fromMs) / (span.toMs - span.fromMs)));
}

export const WIDTH = 1150;
const GROUND = 36;
const PEAK = 12;
const CELLS = 230;

interface Cell {
  total: number;
  failed: number;
}

function cellsOf(history: readonly Bucket[], span: Span): Cell[] {
  const cells: Cell[] = Array.from({ length: CELLS }, () => ({ total: 0, failed: 0 }));
  for (const bucket of history) {
    if (bucket.atMs < span.fromMs || bucket.atMs > span.toMs) continue;
    const cell = cells[Math.min(CELLS - 1, Math.floor(shareOf(span, bucket.atMs) * CELLS))];
    if (!cell) continue;
    cell.total += bucket.total;
    cell.failed += bucket.failed;
  }
  return cells;
}

/** The rate as one grey ground, as an SVG path on the bar's line. */
export function groundPath(history: readonly Bucket[], span: Span): string {
  const cells = cellsOf(history, span);
  const smooth = cells.map((_, index) => {
    const near = cells.slice(Math.max(0, index - 2), index + 3);
    return near.reduce((sum, cell) => sum + cell.total, 0) / near.length;
  });
  const most = Math.max(1, ...smooth);
  const points = smooth.map((value, index) => {
    const y = GROUND - (value / most) * PEAK;
    return `L${((index + 0.5) * WIDTH) / CELLS} ${y.toFixed(1)}`;
  });
  return `M0 ${GROUND}${points.join('')}L${WIDTH} ${GROUND}Z`;
}

/** Red ticks where requests failed, higher where a larger share did. */
export function failurePath(history: readonly Bucket[], span: Span): string {
  return cellsOf(history, span)
    .flatMap((cell, index) => {
      if (cell.failed === 0) return [];
      const height = 6 + 12 * Math.min(1, (cell.failed / Math.max(1, cell.total)) * 2);
      return [`M${(((index + 0.5) * WIDTH) / CELLS).toFixed(1)} ${GROUND}v${(-height).toFixed(1)}`];
    })
    .join('');
}

export interface PushLabel {
  push: PushView;
  share: number;
  /** Its number, or those of a crowd that begins with it; absent where an earlier one speaks for it. */
  numbers?: string;
  /** There is room for its title. */
  title: boolean;
}

const LETTER_PX = 6.4;
const numbersWidth = (numbers: string): number => 4 + numbers.length * 7;

/** Push numbers and titles that fit: marks too close for their numbers share one, as `2–4`; a title that would cover the next, or leave the bar, is left out. */
export function labelled(pushes: readonly PushView[], span: Span, widthPx: number): PushLabel[] {
  const crowds: { first: number; last: number; leftPx: number; numbers: string }[] = [];
  const shown = pushes
    .filter((push) => push.atMs >= span.fromMs)
    .map((push) => ({ push, share: shareOf(span, push.atMs) }));
  for (const [index, { push, share }] of shown.entries()) {
    const before = crowds.at(-1);
    if (before && share * widthPx < before.leftPx + numbersWidth(before.numbers)) {
      before.last = index;
      before.numbers = `${shown[before.first]?.push.number}–${push.number}`;
    } else crowds.push({ first: index, last: index, leftPx: share * widthPx, numbers: String(push.number) });
  }
  return shown.map(({ push, share }, index) => {
    const place = crowds.findIndex(({ first }) => first === index);
    const crowd = crowds[place];
    if (!crowd) return { push, share, title: false };
    const endPx = crowds[place + 1]?.leftPx ?? widthPx;
    const alone = crowd.first === crowd.last;
    const title = alone && crowd.leftPx + 14 + push.title.length * LETTER_PX <= endPx;
    return { push, share, numbers: crowd.numbers, title };
  });
}
