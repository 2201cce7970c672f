import type { Guard } from '../config/guard-config.ts';
import type { RbacSubject } from '../config/rbac/subject.ts';
import type { StepNote } from '../decisions/hop-steps.ts';
import { NO_REQUEST } from '../format/subject.ts';
import { DynamicMetadata } from '../http/dynamic-metadata.ts';
import type { ResponseFlag } from '../http/response-flags.ts';
import { StreamInfo } from '../http/stream-info.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import type { ProxyRuntime } from '../runtime.ts';
import { askAboutConnection } from './ext-authz-guard.ts';
import { judgeByRbac, type RbacReport } from './rbac-guard.ts';

/** Why a connection is closed, and the words for it. */
export interface ConnectionDenial {
  /** The filter that closed it. */
  readonly filter: string;
  /** Envoy's connection termination details. */
  readonly details: string;
  readonly flag?: ResponseFlag;
  /** The connection is closed so much later. */
  readonly delayMs: number;
  readonly note: StepNote;
}

/** What a guard says; the chain's configuration may put the end off. */
export type GuardVerdict = Omit<ConnectionDenial, 'delayMs'>;

/** Why the connection itself is closed, as Envoy says it. */
const CLOSE_REASONS: Readonly<Record<string, string>> = {
  'envoy.filters.network.rbac': 'rbac_deny_close',
  'envoy.filters.network.ext_authz': 'ext_authz_close',
};

/** Notes in a connection's figures why it was denied: as in Envoy, what a service said stands where the details of answers stand. */
export function tellDenial(info: StreamInfo, { details, filter, flag }: GuardVerdict): void {
  info.closes(CLOSE_REASONS[filter] ?? '');
  if (flag === undefined) info.connectionTerminationDetails = details;
  else {
    info.flag(flag);
    info.details = details;
  }
}

export interface JudgedConnection extends Pick<RbacReport, 'onShadow'> {
  readonly runtime: ProxyRuntime;
  readonly context: ConnectionContext;
}

/**
 * Runs the guards of a connection in their order; `onVerdict` is called once, with undefined when it may go on. Returns a function that
 * gives up.
 */
export function judgeConnection(
  guards: readonly Guard[],
  { runtime, context, onShadow }: JudgedConnection,
  onVerdict: (denial: ConnectionDenial | undefined) => void,
): () => void {
  const metadata = new DynamicMetadata();
  const subject: RbacSubject = {
    head: undefined,
    connection: context,
    remoteIp: context.remoteAddress.ip,
    metadata: (filter) => metadata.of(filter),
    get attributes() {
      const info = new StreamInfo(runtime.clock.now(), runtime.clock.monotonic());
      const about = { head: NO_REQUEST, responseHead: undefined, info, connection: context };
      return { ...about, dynamicMetadata: metadata, proxy: runtime.self };
    },
  };
  let cancel = (): void => undefined;
  const runFrom = (start: number): void => {
    for (let i = start; i < guards.length; i++) {
      const guard = guards[i]!;
      if (guard.kind === 'rbac') {
        const denial = judgeByRbac(guard.config, subject, {
          metadata,
          stats: runtime.stats,
          onShadow,
          debug: runtime.debug('rbac'),
        });
        if (denial === undefined) continue;
        onVerdict({ ...denial, delayMs: guard.delayDenyMs });
        return;
      }
      const { onlyIf } = guard.config;
      if (onlyIf !== undefined && !onlyIf.accepts(subject.metadata)) continue;
      cancel = askAboutConnection(guard.config, { runtime, context, metadata }, (denial) =>
        denial === undefined ? runFrom(i + 1) : onVerdict({ ...denial, delayMs: 0 }),
      );
      return;
    }
    onVerdict(undefined);
  };
  runFrom(0);
  return () => cancel();
}
