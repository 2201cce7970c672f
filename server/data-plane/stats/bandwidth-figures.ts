import { readBandwidthLimit } from '../config/filters/bandwidth-limit.ts';
import type { RouteTable } from '../config/route-table.ts';
import type { Stats } from './stats.ts';

const bothWays = (figure: string): string[] => [`request_${figure}`, `response_${figure}`];

const GAUGES: readonly string[] = ['pending', 'incoming_size', 'allowed_size'].flatMap(bothWays);
const COUNTERS: readonly string[] = ['enabled', 'enforced', 'incoming_total_size', 'allowed_total_size'].flatMap(
  bothWays,
);

/** Shows the figures of a limit of bytes a second from its start; `scope` is where they stand, dot included. */
export function declareBandwidthLimit(stats: Stats, scope: string): void {
  stats.declare(scope, COUNTERS, bothWays('transfer_duration'));
  for (const name of GAUGES) stats.level(scope + name);
}

/** The same of the limits that routes have. */
export function declareBandwidthLimits(stats: Stats, { routes }: RouteTable['virtualHosts'][number]): void {
  for (const { filterLevels } of routes)
    for (const level of filterLevels)
      for (const given of Object.values(level))
        if (given['@type'].endsWith('.bandwidth_limit.v3.BandwidthLimit'))
          declareBandwidthLimit(stats, readBandwidthLimit(given).scope);
}
