import type { FractionalPercent } from '#xds';
import { within } from './problem.ts';
import { readSpanWords, type SpanWords, type SpanWordsJson, type TracedShares } from './tracing-config.ts';
import { ALWAYS, readFraction } from './values.ts';

/** How the requests of one route are traced: its shares take the place of the connection manager's, its tags that of those of their name. */
export interface RouteTracing extends TracedShares, SpanWords {
  readonly tagNames: ReadonlySet<string>;
  /** A tag or a name tells how long parts of the request took. */
  readonly timed: boolean;
}

/** envoy.config.route.v3.Tracing */
export interface RouteTracingJson extends SpanWordsJson {
  readonly client_sampling?: FractionalPercent;
  readonly random_sampling?: FractionalPercent;
  readonly overall_sampling?: FractionalPercent;
}

/** Reads `tracing` of a route. As in Envoy, a share that is not told is all, whatever the connection manager says. */
export function readRouteTracing(given: RouteTracingJson | undefined): RouteTracing | undefined {
  if (given === undefined) return undefined;
  return within('tracing', () => ({
    share: readFraction(given.random_sampling, ALWAYS),
    clientShare: readFraction(given.client_sampling, ALWAYS),
    overallShare: readFraction(given.overall_sampling, ALWAYS),
    ...readSpanWords(given),
    tagNames: new Set((given.custom_tags ?? []).map(({ tag = '' }) => tag)),
    timed: JSON.stringify(given).includes('_DURATION'),
  }));
}
