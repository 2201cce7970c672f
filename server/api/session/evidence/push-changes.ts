import type { PushChangesView, PushView, ResourceChangeView } from '#contract';
import type { Origin, SourceLocation } from '#domain';
import type { EncodedResource } from '#xds';
import { ApiError } from '../../errors.ts';
import type { LedgerEntry, PushLedger } from './push-ledger.ts';

type Locate = (origin: Origin) => SourceLocation | undefined;

const TYPES: Readonly<Record<string, string>> = {
  Cluster: 'CDS',
  ClusterLoadAssignment: 'EDS',
  Listener: 'LDS',
  RouteConfiguration: 'RDS',
  ScopedRouteConfiguration: 'SRDS',
  Secret: 'SDS',
  TypedExtensionConfig: 'ECDS',
};
const shortType = (typeUrl: string): string => TYPES[typeUrl.split('.').at(-1) ?? ''] ?? typeUrl;

/** Secrets carry keys on the wire: of them, the name is all that is shown. */
const isSecret = (typeUrl: string): boolean => shortType(typeUrl) === 'SDS';

/** What one proxy was sent by a push: each response with its times, each resource before and after. */
export function pushChanges(
  ledger: PushLedger,
  pushes: readonly PushView[],
  asked: { push: number; pod: string; namespace: string; locate: Locate },
): PushChangesView {
  const push = pushes.find(({ number }) => number === asked.push);
  if (push === undefined) throw new ApiError('unknown_push', `Push ${asked.push} is no longer kept.`);
  const entries = ledger.of(push, `${asked.pod}.${asked.namespace}`);
  return {
    push: push.number,
    pod: asked.pod,
    responses: entries.map((entry) => responseView(entry, push.atMs)),
    changes: entries.flatMap(({ typeUrl, changes }) =>
      changes.map(({ name, before, after }): ResourceChangeView => {
        const shown = !isSecret(typeUrl);
        return {
          type: shortType(typeUrl),
          name,
          change: changeWord(before, after),
          ...(before !== undefined && shown && { before: textOf(before) }),
          ...(after !== undefined && shown && { after: textOf(after) }),
          origins: originsOf(after ?? before, asked.locate),
        };
      }),
    ),
  };
}

function responseView(entry: LedgerEntry, beganMs: number): PushChangesView['responses'][number] {
  const { typeUrl, bytes, sentAtMs, settledAtMs, state, error } = entry;
  return {
    type: shortType(typeUrl),
    bytes,
    sentMs: sentAtMs - beganMs,
    ...(settledAtMs !== undefined && { settledMs: settledAtMs - beganMs }),
    state,
    ...(error !== undefined && { error }),
  };
}

function changeWord(
  before: EncodedResource | undefined,
  after: EncodedResource | undefined,
): ResourceChangeView['change'] {
  if (before === undefined) return 'added';
  if (after === undefined) return 'removed';
  return before.version === after.version ? 'resent' : 'changed';
}

const OWN_METADATA = 'meshwork';

/** The resource without the marks that lead to the YAML: they are no part of Envoy's configuration. */
function textOf({ json }: EncodedResource): string {
  return JSON.stringify(json, withoutMarks, 2);
}

function withoutMarks(key: string, value: unknown): unknown {
  if (key !== 'metadata' || typeof value !== 'object' || value === null) return value;
  const { filter_metadata: held, ...others } = value as { filter_metadata?: Record<string, unknown> };
  if (held === undefined) return value;
  const { [OWN_METADATA]: _own, ...kept } = held;
  const rest = { ...others, ...(Object.keys(kept).length > 0 && { filter_metadata: kept }) };
  return Object.keys(rest).length > 0 ? rest : undefined;
}

/** Origins of a resource that are told, at most. */
const MOST_ORIGINS = 12;

/** Every object that left a mark in the resource, each once, with its place in the applied text. */
function originsOf(resource: EncodedResource | undefined, locate: Locate): ResourceChangeView['origins'] {
  const found = new Map<string, Origin>();
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || found.size >= MOST_ORIGINS) return;
    const mark = markOf(value);
    if (mark !== undefined) found.set(`${mark.kind}/${mark.namespace}/${mark.name}/${mark.path}`, mark);
    for (const part of Object.values(value)) walk(part);
  };
  walk(resource?.json);
  return [...found.values()].map((origin) => {
    const location = locate(origin);
    return { ...origin, ...(location !== undefined && { location }) };
  });
}

function markOf(value: object): Origin | undefined {
  const mark: unknown = (value as { filter_metadata?: Record<string, unknown> }).filter_metadata?.[OWN_METADATA];
  if (typeof mark !== 'object' || mark === null) return undefined;
  const { kind, namespace = '', name, path = '' } = mark as Partial<Record<keyof Origin, unknown>>;
  if (typeof kind !== 'string' || typeof name !== 'string') return undefined;
  return { kind, namespace: String(namespace), name, path: String(path) };
}
