import { RE2JS } from 're2js';
import type { StatsInclusion } from '../doors.ts';

/** Source: getStatsOptions in istio pkg/bootstrap, and its template of the bootstrap. */
const PREFIXES = ['reporter=', 'cluster_manager', 'listener_manager', 'server', 'cluster.xds-grpc', 'wasm'];
const OWN_PREFIXES = ['component', 'istio'];
const SUFFIXES = ['rbac.allowed', 'rbac.denied', 'shadow_allowed', 'shadow_denied'];
const REGEXPS = [String.raw`vhost\..*\.route\..*`];

/** What `stats_matcher` of a proxy's bootstrap lets in, by the parts of names; expressions must match whole names. */
export function inclusionPatterns(wanted: StatsInclusion, podIp: string): Required<StatsInclusion> {
  const own = (texts: readonly string[]): string[] => texts.map((text) => text.replaceAll('{pod_ip}', podIp));
  return {
    prefixes: [...own(wanted.prefixes), ...PREFIXES, ...OWN_PREFIXES],
    suffixes: [...own(wanted.suffixes), ...SUFFIXES],
    regexps: [...own(wanted.regexps), ...REGEXPS],
  };
}

/**
 * Tells whether pages of figures list a name. Unlike Istio, a proxy without any wish of its own lists all: the learner finds every figure.
 * Expressions that cannot be read match none.
 */
export function includesStat(wanted: StatsInclusion | undefined, podIp: string): (name: string) => boolean {
  if (wanted === undefined) return () => true;
  const { prefixes, suffixes, regexps } = inclusionPatterns(wanted, podIp);
  const patterns = regexps.flatMap(compiled);
  return (name) =>
    prefixes.some((prefix) => name.startsWith(prefix)) ||
    suffixes.some((suffix) => name.endsWith(suffix)) ||
    patterns.some((pattern) => pattern.matches(name));
}

function compiled(text: string): RE2JS[] {
  try {
    return [RE2JS.compile(text)];
  } catch {
    return [];
  }
}
