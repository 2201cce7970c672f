import type { DecisionStep, HopRecord, RejectedCandidate } from '#domain';
import { didYouMean } from '#istio';

type Candidate = Pick<RejectedCandidate, 'name' | 'reason' | 'held' | 'conditions'>;

/** The ruled-out route of which the largest share of conditions holds, in words: `testers, 1 of 2 conditions hold: it needs …`. */
export function closestMiss(candidates: readonly Candidate[]): string | undefined {
  const [nearest] = candidates
    .map((candidate) => ({ candidate, share: (candidate.held ?? 0) / Math.max(1, candidate.conditions ?? 1) }))
    .sort((a, b) => b.share - a.share);
  if (nearest === undefined) return undefined;
  const { name, reason, held = 0, conditions = 0 } = nearest.candidate;
  const holds = conditions > 1 ? `, ${held} of ${conditions} conditions hold` : '';
  return `${plainName(name)}${holds}: it ${reason}`;
}

/** `rules[0] of policy only-frontend` for what Istio calls `ns[shop]-policy[only-frontend]-rule[0]`. */
function plainName(name: string): string {
  const [, policy, rule] = /^ns\[[^\]]*\]-policy\[([^\]]*)\]-rule\[(\d+)\]$/.exec(name) ?? [];
  return policy === undefined ? name : `rules[${rule}] of policy ${policy}`;
}

/**
 * What would have let a request through, or sent it another way, in words: of the decision that stopped it, else of the route that its
 * first proxy chose. Undefined where no candidate was ruled out and nothing is known to be missing.
 */
export function closestWay(focus: readonly HopRecord[]): string | undefined {
  const stopped = focus.findLast(({ response }) => response.details !== 'via_upstream');
  if (stopped !== undefined) {
    const stop = stopped.steps.findLast(({ stage, outcome }) => outcome === 'stopped' && stage !== 'response');
    return stop && throughStop(stop, stopped);
  }
  const route = focus.flatMap(({ steps }) => steps).find(({ stage, rejected }) => stage === 'route' && rejected);
  return closestMiss(route?.rejected ?? []);
}

function throughStop(stop: DecisionStep, hop: HopRecord): string | undefined {
  const [, , subset = '', host = ''] = hop.cluster.split('|');
  const upstream = [host.split('.')[0], subset].filter(Boolean).join(' ');
  switch (stop.stage) {
    case 'route':
      return closestMiss(stop.rejected ?? []);
    case 'virtual_host':
      return nearestHost(stop, hop.request.authority);
    case 'http_filter':
      // What a DENY policy matched is no near miss: its request must differ, and how is the client's choice.
      return stop.evidence?.['action'] === 'ALLOW' ? closestMiss(stop.rejected ?? []) : undefined;
    case 'cluster':
      return subset === '' ? undefined : `a DestinationRule for ${host} that defines subset ${subset}`;
    case 'filter_chain':
      return (stop.rejected ?? []).some(({ reason }) => reason.startsWith('needs TLS'))
        ? 'a client that speaks mutual TLS; this one sent plaintext'
        : undefined;
    case 'endpoint':
      if (upstream === '') return undefined;
      return (stop.rejected ?? []).some(({ reason }) => reason.startsWith('is ejected'))
        ? `one endpoint of ${upstream} that is not ejected; each comes back when its time is over`
        : `one ready endpoint of ${upstream}`;
    case 'pool':
      return upstream === '' ? undefined : `one more place in the pool for ${upstream}`;
    default:
      return undefined;
  }
}

const withoutPort = (name: string): string => name.replace(/:\d+$/, '');

/** A host that somebody answers for, spelt almost as what was asked for. */
function nearestHost({ rejected = [] }: DecisionStep, authority: string): string | undefined {
  const meant = didYouMean(withoutPort(authority), new Set(rejected.map(({ name }) => withoutPort(name))));
  return meant === undefined ? undefined : `the host ${meant}; the request asks for ${authority}`;
}
