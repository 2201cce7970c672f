import type { PushChangesView, PushView, ResourceChangeView } from '#contract';
import type { EncodedResource } from '#xds';
import { ApiError } from '../../errors.ts';
import { type Locate, originsIn, textOf } from './origins.ts';
import type { LedgerEntry, PushLedger } from './push-ledger.ts';

const TYPES: Readonly<Record<string, string>> = {
  Cluster: 'CDS',
  ClusterLoadAssignment: 'EDS',
  Listener: 'LDS',
  RouteConfiguration: 'RDS',
  ScopedRouteConfiguration: 'SRDS',
  Secret: 'SDS',
  TypedExtensionConfig: 'ECDS',
};
export const shortType = (typeUrl: string): string => TYPES[typeUrl.split('.').at(-1) ?? ''] ?? typeUrl;

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
          ...(before !== undefined && shown && { before: textOf(before.json) }),
          ...(after !== undefined && shown && { after: textOf(after.json) }),
          origins: originsIn((after ?? before)?.json, asked.locate),
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
