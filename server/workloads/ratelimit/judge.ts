import type { Counters } from './counters.ts';
import { type Fields, isFields } from './fields.ts';
import type { RateLimitFigures } from './figures.ts';
import { type FoundLimit, findLimit } from './find-limit.ts';
import type { LimitTable } from './limits.ts';
import type { AskedDescriptor, DescriptorStatus, RateLimitRequest, RateLimitResponse } from './messages.ts';

/** What the server's variables say. */
export interface JudgeSettings {
  /** Nobody is stopped. */
  readonly shadow: boolean;
  /** All limits are quotas. */
  readonly quota: boolean;
  /** Names of headers for limit, what is left of it, and seconds until it begins anew; undefined: the client is told nothing. */
  readonly headers: readonly [limit: string, remaining: string, reset: string] | undefined;
  /** What was asked, and the metadata of limits that are kept, go into dynamic metadata. */
  readonly tellsMetadata: boolean;
}

export interface Judging {
  readonly limits: LimitTable;
  readonly counters: Counters;
  readonly settings: JudgeSettings;
  readonly figures: RateLimitFigures;
}

const MAX_UINT32 = 4_294_967_295;

/** Why a request cannot be answered. */
export function wrongRequest({ domain, descriptors }: RateLimitRequest): string | undefined {
  if (domain === '') return 'rate limit domain must not be empty';
  return descriptors.length === 0 ? 'rate limit descriptor list must not be empty' : undefined;
}

/** Counts a request, and says what is to become of it. Source: shouldRateLimitWorker in envoyproxy/ratelimit. */
export function judge(request: RateLimitRequest, judging: Judging): RateLimitResponse {
  const { settings } = judging;
  const found = request.descriptors.map((descriptor) => limitOf(descriptor, request.domain, judging.limits));
  const replaced = new Set(found.flatMap((each) => each?.limit.replaces ?? []));
  const judged = request.descriptors.map((descriptor, i): Judged => {
    const own = found[i];
    if (own?.limit.unlimited === true) return { limit: undefined, status: { over: false, remaining: MAX_UINT32 } };
    const counts = own !== undefined && !(own.limit.name !== '' && replaced.has(own.limit.name));
    return counts ? count(own, descriptor.hits ?? request.hits, request.domain, judging) : UNLIMITED;
  });
  const isOverAny = isOver(judged, settings);
  if (isOverAny && settings.shadow) judging.figures.count('ratelimit.service.global_shadow_mode');
  const stops = isOverAny && !settings.shadow;
  return {
    over: stops,
    statuses: judged.map(({ status }) => status),
    headers: headersOf(judged, settings),
    metadata: settings.tellsMetadata ? metadataOf(request, judged) : undefined,
  };
}

interface Judged {
  readonly limit: FoundLimit['limit'] | undefined;
  readonly status: DescriptorStatus;
}

const UNLIMITED: Judged = { limit: undefined, status: { over: false } };

function limitOf({ entries, limit }: AskedDescriptor, domain: string, limits: LimitTable): FoundLimit | undefined {
  if (limit === undefined || !limits.has(domain)) return findLimit(limits, domain, entries);
  const brought = { name: '', replaces: [], unlimited: false, shadow: false, quota: false, metadata: undefined };
  return { limit: { ...limit, ...brought, path: domain }, entries };
}

function count({ limit, entries }: FoundLimit, hits: number, domain: string, { counters, figures }: Judging): Judged {
  const told = counters.add(domain, entries, { limit, hits });
  figures.hit(limit, told, hits);
  const { over, remaining, resetSeconds } = told;
  return { limit, status: { over: over && !limit.shadow, limit, remaining, resetSeconds } };
}

/** One limit is enough; of quotas all have to be used up. */
function isOver(judged: readonly Judged[], { quota }: JudgeSettings): boolean {
  const isQuota = ({ limit }: Judged): boolean => quota || limit?.quota === true;
  const quotas = judged.filter(isQuota);
  if (quotas.length > 0 && quotas.every(({ status }) => status.over)) return true;
  return judged.some((each) => each.status.over && !isQuota(each));
}

/** Of the limit that is nearest; of one that is over, where there is one. */
function headersOf(judged: readonly Judged[], { headers }: JudgeSettings): readonly (readonly [string, string])[] {
  const limited = judged.map(({ status }) => status).filter(({ limit }) => limit !== undefined);
  const [first, ...others] = limited;
  if (headers === undefined || first === undefined) return [];
  const nearest = others.reduce((least, one) => ((one.remaining ?? 0) < (least.remaining ?? 0) ? one : least), first);
  const { limit, remaining = 0, resetSeconds = 0 } = limited.findLast(({ over }) => over) ?? nearest;
  const values = [limit?.requestsPerUnit ?? 0, remaining, resetSeconds];
  return headers.map((name, i) => [name, String(values[i])]);
}

function metadataOf(request: RateLimitRequest, judged: readonly Judged[]): Readonly<Record<string, unknown>> {
  const kept = judged.filter(({ status }) => !status.over).map(({ limit }) => limit?.metadata ?? {});
  const metadata = kept.reduce<Fields>(joined, {});
  return {
    domain: request.domain,
    descriptors: request.descriptors.map(({ entries, hits }) => ({
      entries: entries.map(({ key, value }) => `${key}=${value}`),
      ...(hits !== undefined && { hitsAddend: hits }),
    })),
    ...(request.toldHits > 0 && { hitsAddend: request.toldHits }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  };
}

/** What came first stays; messages are joined field by field. */
function joined(first: Fields, second: Fields): Fields {
  const all: Record<string, unknown> = { ...second, ...first };
  for (const [name, value] of Object.entries(second)) {
    const before = first[name];
    if (isFields(before) && isFields(value)) all[name] = joined(before, value);
  }
  return all;
}
