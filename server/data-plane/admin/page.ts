import { RE2JS } from 're2js';
import type { Clock } from '#domain';
import type { ProxyNode } from '#xds';
import type { ProxyAdmin } from '../doors.ts';
import type { IstioMetrics } from '../stats/istio-metrics.ts';
import type { Stats } from '../stats/stats.ts';
import type { StatsForm } from '../stats/stats-form.ts';
import type { UpstreamCluster } from '../upstream/cluster.ts';
import type { LogLevels } from './log-levels.ts';
import type { RuntimeLayers } from './runtime-layers.ts';

/** What `/healthcheck/fail` and `/healthcheck/ok` switch. */
export interface HealthSwitch {
  readonly failed: boolean;
  set(failed: boolean): void;
}

export interface DrainRequest {
  /** Only listeners of inbound traffic. */
  readonly inboundOnly: boolean;
  /** Listeners stay until the drain time is over. */
  readonly graceful: boolean;
  /** Connections end, listeners stay. */
  readonly skipExit: boolean;
}

export interface PageContext {
  readonly admin: ProxyAdmin;
  readonly clusters: () => readonly UpstreamCluster[];
  readonly stats: Stats;
  /** Whether `/stats` lists a figure, by its public name. */
  readonly includesStat: (name: string) => boolean;
  readonly form: StatsForm;
  readonly metrics: IstioMetrics;
  readonly clock: Clock;
  readonly startedAtMs: number;
  readonly ready: () => boolean;
  readonly node: ProxyNode;
  readonly logging: LogLevels;
  readonly runtime: RuntimeLayers;
  readonly health: HealthSwitch;
  /** Versions of the last update of each type, by Envoy's dotted name. */
  readonly textReadouts: () => ReadonlyMap<string, string>;
  /** Listeners take no more connections; when they drain, what is open ends after its current request. */
  readonly drainListeners: (which: DrainRequest) => void;
  /** The proxy ends, as its container then does. */
  readonly quit: () => void;
}

export interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** A parameter of a page and what `/help` says of it. */
export type Parameters = Readonly<Record<string, string>>;

export interface PageEntry {
  readonly help: string;
  /** Changes something, so it answers POST only. */
  readonly post?: true;
  readonly parameters?: Parameters;
  readonly render: (context: PageContext, query: URLSearchParams) => Page;
}

const TEXT = 'text/plain; charset=UTF-8';

export const text = (body: string, status = 200): Page => ({ status, type: TEXT, body });
export const html = (body: string): Page => ({ status: 200, type: 'text/html; charset=UTF-8', body });
/** Text between tags and in quoted attributes. */
export const escapeHtml = (plain: string): string =>
  plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** Indented by one, as Envoy prints its messages. */
export const json = (value: unknown): Page => ({
  status: 200,
  type: 'application/json',
  body: `${JSON.stringify(value, null, 1)}\n`,
});

export const OK = text('OK\n');

/** An RE2 expression of a caller, or what its compiler says of it. */
export function compileRe2(source: string): { readonly pattern: RE2JS } | { readonly reason: string } {
  try {
    return { pattern: RE2JS.compile(source) };
  } catch (thrown) {
    const said = thrown instanceof Error ? thrown.message : String(thrown);
    return {
      reason: said
        .replace(/^error parsing regexp: (missing closing )?/, (_all, missing) => (missing ? 'missing ' : ''))
        .replaceAll('`', ''),
    };
  }
}
