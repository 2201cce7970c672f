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

export interface PushMark {
  readonly push: PushView;
  readonly xPx: number;
  /** Its number, or those of a crowd that begins with it; absent where an earlier one speaks for it. */
  readonly numbers?: string;
  /** There is room for its title. */
  readonly title: boolean;
  /** Left edge of what is pressed: beside the playhead where the mark stands under it. Of one that is spoken for: its mark's place. */
  readonly boxPx: number;
}

/** The least that a finger or an unsteady hand can be asked to hit, WCAG 2.5.8. */
const TARGET_PX = 24;
const LETTER_PX = 6.4;
const numbersWidth = (numbers: string): number => Math.max(TARGET_PX, 4 + numbers.length * 7);

interface Crowd {
  readonly first: number;
  last: number;
  readonly leftPx: number;
  numbers: string;
}

/**
 * Pushes along the bar, each with a place to press that no other covers. Marks too close for that share a number, as `2–4`; a title that would
 * cover the next, or leave the bar, is left out.
 */
export function placeMarks(
  pushes: readonly PushView[],
  span: Span,
  bar: { widthPx: number; headPx: number },
): PushMark[] {
  const shown = pushes
    .filter((push) => push.atMs >= span.fromMs)
    .map((push) => ({ push, xPx: shareOf(span, push.atMs) * bar.widthPx }));
  const crowds: Crowd[] = [];
  for (const [index, { push, xPx }] of shown.entries()) {
    const before = crowds.at(-1);
    if (before && xPx < before.leftPx + numbersWidth(before.numbers)) {
      before.last = index;
      before.numbers = `${shown[before.first]?.push.number}–${push.number}`;
    } else crowds.push({ first: index, last: index, leftPx: xPx, numbers: String(push.number) });
  }
  const boxes = boxesOf(
    crowds.map(({ leftPx }) => leftPx),
    bar.headPx,
  );
  return shown.map(({ push, xPx }, index) => {
    const place = crowds.findIndex(({ first }) => first === index);
    const crowd = crowds[place];
    if (!crowd) return { push, xPx, title: false, boxPx: xPx };
    const endPx = crowds[place + 1]?.leftPx ?? bar.widthPx;
    const title = crowd.first === crowd.last && xPx + 14 + push.title.length * LETTER_PX <= endPx;
    return { push, xPx, numbers: crowd.numbers, title, boxPx: boxes[place] ?? xPx };
  });
}

/** Boxes round the marks, pushed aside from the playhead's own, those before it to the left. */
function boxesOf(marks: readonly number[], headPx: number): number[] {
  const half = TARGET_PX / 2;
  const boxes = marks.map((xPx) => xPx - half);
  const after = marks.findIndex((xPx) => xPx > headPx);
  const border = after < 0 ? marks.length : after;
  let rightPx = headPx - half;
  for (let index = border - 1; index >= 0; index--) {
    boxes[index] = Math.min(boxes[index] ?? 0, rightPx - TARGET_PX);
    rightPx = boxes[index] ?? 0;
  }
  let leftPx = headPx + half;
  for (let index = border; index < marks.length; index++) {
    boxes[index] = Math.max(boxes[index] ?? 0, leftPx);
    leftPx = (boxes[index] ?? 0) + TARGET_PX;
  }
  return boxes;
}
