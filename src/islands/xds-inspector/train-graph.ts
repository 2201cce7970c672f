import type { PushView } from '#contract';
import { formatMs } from '../parts/format.ts';
import { serviceTitle } from '../parts/titles.ts';
import { tickStep } from '../trace-viewer/waterfall.ts';

export interface Row {
  pod: string;
  y: number;
  state: 'sent' | 'acked' | 'nacked';
  /** When istiod sent it. */
  sentX: number;
  /** When the proxy's answer came; undefined while there is none. */
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

/**
 * A push as a train graph: rows are proxies, time runs right. Only what istiod measured is drawn: when it sent, and when the
 * answer came. When the bytes reached a proxy is on that proxy's own clock, which nobody asks.
 */
export function trainGraphOf(push: PushView): TrainGraph {
  const last = Math.max(1, ...push.proxies.map((proxy) => proxy.settledMs ?? proxy.sentMs));
  const step = tickStep(last * 1.12);
  const shownMs = Math.max(step, Math.ceil((last * 1.12) / step) * step);
  const at = (ms: number): number => NAMES + (ms / shownMs) * (RIGHT - NAMES);
  const rows = push.proxies.map((proxy, index) => ({
    pod: proxy.pod,
    y: TOP + (index + 1) * PITCH,
    state: proxy.state,
    sentX: at(proxy.sentMs),
    settledX: proxy.settledMs === undefined ? undefined : at(proxy.settledMs),
    error: proxy.error,
  }));
  const ticks = [];
  for (let ms = 0; ms <= shownMs + 0.0001; ms += step) ticks.push({ x: at(ms), text: formatMs(Number(ms.toFixed(4))) });
  return { rows, ticks, height: TOP + push.proxies.length * PITCH + 24, shownMs };
}

/** `reviews v1` from the pod's name `reviews-v1-7c9d8f6b5-x2k4q`, `cart x2k4q` from `cart-7c9d8f6b5-x2k4q`; other names as they are. */
export function shortPod(pod: string): string {
  const match = /^(.+?)-(v\d+)(?:-[a-z0-9]+){0,2}$/.exec(pod);
  if (match) return `${match[1]} ${match[2]}`;
  const gateway = /^(istio-.+?gateway)(?:-[a-z0-9]+){0,2}$/.exec(pod)?.[1];
  if (gateway) return serviceTitle(gateway);
  const [, deployment, own] = /^(.+)-[a-z0-9]{8,10}-([a-z0-9]{5})$/.exec(pod) ?? [];
  return deployment ? `${deployment} ${own}` : pod;
}
