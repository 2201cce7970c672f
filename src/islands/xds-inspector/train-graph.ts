import type { PushView } from '#contract';
import { formatMs } from '../parts/format.ts';
import { tickStep } from '../trace-viewer/waterfall.ts';

export interface Row {
  pod: string;
  y: number;
  state: 'sent' | 'acked' | 'nacked';
  /** Where the slant leaves istiod's line. */
  sentX: number;
  /** Where it arrives. */
  arrivedX: number;
  settledX: number | undefined;
  error: string | undefined;
}

export interface TrainGraph {
  rows: Row[];
  ticks: { x: number; text: string }[];
  height: number;
  shownMs: number;
}

export const NAMES = 150;
export const RIGHT = 622;
const TOP = 40;
const PITCH = 29;
/** Share of the time from sending to ACK after which the proxy has the bytes: the rest is warming and the answer's way. */
const ARRIVAL = 0.66;

/**
 * A push as a train graph: rows are proxies, time runs right. A proxy's own clock is not known to the page, so the arrival is
 * drawn two thirds of the way between sending and answer.
 */
export function trainGraphOf(push: PushView): TrainGraph {
  const last = Math.max(1, ...push.proxies.map((proxy) => proxy.settledMs ?? proxy.sentMs));
  const step = tickStep(last * 1.12);
  const shownMs = Math.max(step, Math.ceil((last * 1.12) / step) * step);
  const at = (ms: number): number => NAMES + (ms / shownMs) * (RIGHT - NAMES);
  const rows = push.proxies.map((proxy, index) => {
    const settled = proxy.settledMs;
    const arrived = settled === undefined ? shownMs * 0.97 : proxy.sentMs + (settled - proxy.sentMs) * ARRIVAL;
    return {
      pod: proxy.pod,
      y: TOP + (index + 1) * PITCH,
      state: proxy.state,
      sentX: at(proxy.sentMs),
      arrivedX: at(arrived),
      settledX: settled === undefined ? undefined : at(settled),
      error: proxy.error,
    };
  });
  const ticks = [];
  for (let ms = 0; ms <= shownMs + 0.0001; ms += step) ticks.push({ x: at(ms), text: formatMs(Number(ms.toFixed(4))) });
  return { rows, ticks, height: TOP + push.proxies.length * PITCH + 24, shownMs };
}

/** `reviews v1` from the pod's name `reviews-v1-7c9d8f6b5-x2k4q`; other names as they are. */
export function shortPod(pod: string): string {
  const match = /^(.+?)-(v\d+)(?:-[a-z0-9]+){0,2}$/.exec(pod);
  if (match) return `${match[1]} ${match[2]}`;
  const gateway = /^istio-(.+?)-?gateway(?:-[a-z0-9]+){0,2}$/.exec(pod)?.[1];
  return gateway ? `${gateway} gateway` : pod;
}
