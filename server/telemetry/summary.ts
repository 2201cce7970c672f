import type { HopRecord } from '#domain';
import { parseClusterName } from '#domain';
import type { RequestSummary } from './doors.ts';

const VIA_UPSTREAM = 'via_upstream';
const UNKNOWN = 'unknown';

interface Party {
  readonly service: string;
  readonly version: string;
}

/** What of the side that answered goes into a summary when the caller's side is there too. */
export interface HopFacts {
  readonly proxy: HopRecord['proxy'];
  readonly mtls: boolean;
  readonly request: Pick<HopRecord['request'], 'protocol'>;
  readonly response: Pick<HopRecord['response'], 'status' | 'flags' | 'details'>;
}

/** Joins what the caller's proxy and the server's proxy saw of one call; at least one of them is there. */
export function summarize(call: HopRecord, answer: HopFacts | undefined): RequestSummary;
export function summarize(call: HopRecord | undefined, answer: HopRecord): RequestSummary;
export function summarize(call: HopRecord | undefined, answer: HopFacts | HopRecord | undefined): RequestSummary {
  const first = call ?? (answer as HopRecord);
  const answeredBy = whoAnswered(call, answer);
  const flags = first.response.flags.length > 0 ? first.response.flags : (answer?.response.flags ?? []);
  return {
    id: first.spanId,
    traceId: first.traceId,
    startMs: first.startMs,
    durationMs: first.durationMs,
    source: call === undefined ? callerOf(first) : partyOf(call),
    destination: answer === undefined ? targetOf(first) : partyOf(answer),
    method: first.request.method,
    path: first.request.path,
    authority: first.request.authority,
    status: first.response.status,
    flags,
    mtls: (call?.mtls ?? false) || (answer?.mtls ?? false),
    answeredBy,
    ...(first.standsFor !== undefined && { standsFor: first.standsFor }),
  };
}

const partyOf = ({ proxy }: HopFacts): Party => ({ service: proxy.service, version: proxy.version });

/** A caller without a proxy is known by its certificate at best. */
function callerOf(answer: HopRecord): Party {
  const account = /\/sa\/([^/]+)$/.exec(answer.peer ?? '')?.[1];
  return { service: account ?? UNKNOWN, version: '' };
}

/** Where no server's proxy reported: the cluster's service and subset, else the host that was asked for. */
function targetOf(call: HopRecord): Party {
  const cluster = parseClusterName(call.cluster);
  if (cluster !== undefined && cluster.host !== '') {
    return { service: cluster.host.split('.')[0] ?? cluster.host, version: cluster.subset };
  }
  const host = call.request.authority.replace(/:\d+$/, '');
  const isAddress = /^[\d.]+$/.test(host);
  return { service: (isAddress ? host : host.split('.')[0]) || UNKNOWN, version: '' };
}

/** A connection that was passed on as it is has no status; without a flag it went well. */
export const isPlainTcp = ({ request, response }: HopFacts): boolean =>
  request.protocol === 'TCP' && response.flags.length === 0;

function whoAnswered(call: HopFacts | undefined, answer: HopFacts | undefined): RequestSummary['answeredBy'] {
  if (isPlainTcp((answer ?? call)!)) return 'upstream';
  if (answer !== undefined && answer.response.details !== VIA_UPSTREAM) {
    // A server's proxy that refused the connection never answered, but it is the one that said no.
    const refused = answer.response.status === 0 && answer.response.flags.includes('NR');
    if (refused || call === undefined || call.response.details === VIA_UPSTREAM) return 'server-proxy';
  }
  return call !== undefined && call.response.details !== VIA_UPSTREAM ? 'client-proxy' : 'upstream';
}
