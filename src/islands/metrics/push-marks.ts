import type { MetricsView, PushView } from '#contract';
import { formatTime } from '../parts/format.ts';

export interface PushMark {
  number: number;
  title: string;
  /** 0 at the beginning of the window, 1 at its end. */
  share: number;
  atMs: number;
}

type Window = Pick<MetricsView, 'fromMs' | 'untilMs'>;

/** The pushes of the window. */
export function pushMarks(pushes: readonly PushView[], { fromMs, untilMs }: Window): PushMark[] {
  return pushes
    .filter(({ atMs }) => atMs >= fromMs && atMs < untilMs)
    .map(({ number, title, atMs }) => ({ number, title, atMs, share: (atMs - fromMs) / (untilMs - fromMs) }));
}

const TICKS_S = [30, 60, 120, 300, 600];

/** Round moments for the foot of a chart, four of them or fewer. */
export function timeTicks({ fromMs, untilMs }: Window, most = 4): { share: number; text: string }[] {
  const stepMs = (TICKS_S.find((step) => (untilMs - fromMs) / (step * 1000) <= most) ?? 600) * 1000;
  const ticks = [];
  for (let ms = Math.ceil(fromMs / stepMs) * stepMs; ms <= untilMs; ms += stepMs)
    ticks.push({ share: (ms - fromMs) / (untilMs - fromMs), text: formatTime(ms, false) });
  return ticks;
}
