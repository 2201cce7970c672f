import type { ConnectionAuthorizer } from '../config/guard-config.ts';
import { policyOrigin } from '../decisions/policy-origin.ts';
import { callGrpc } from '../http/call/grpc-call.ts';
import type { DynamicMetadata } from '../http/dynamic-metadata.ts';
import { CHECK, readCheck } from '../http/filters/ext-authz/grpc-check.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import type { ProxyRuntime } from '../runtime.ts';
import { principalsOf } from '../tls/peer-certificates.ts';
import type { GuardVerdict } from './judge.ts';

const NAME = 'envoy.filters.network.ext_authz';
/** Where the rule that made the proxy ask left its name. */
const ASKED_BY = 'istio_ext_authz_shadow_effective_policy_id';

export interface ConnectionQuestion {
  readonly runtime: ProxyRuntime;
  readonly context: ConnectionContext;
  readonly metadata: DynamicMetadata;
}

/** Asks a service about a connection. Returns a function that gives up. */
export function askAboutConnection(
  config: ConnectionAuthorizer,
  { runtime, context, metadata }: ConnectionQuestion,
  onVerdict: (denial: GuardVerdict | undefined) => void,
): () => void {
  const count = (name: string): void => {
    runtime.stats.stat(`ext_authz.${config.statPrefix}.${name}`).value++;
  };
  const rule = metadata.of('envoy.filters.network.rbac')?.[ASKED_BY];
  const refusal = (detail: string, details: string): GuardVerdict => ({
    filter: NAME,
    details,
    flag: 'UAEX',
    note: { detail, origin: typeof rule === 'string' ? policyOrigin(rule) : undefined },
  });
  count('total');
  return callGrpc({
    runtime,
    method: CHECK,
    service: config.service,
    message: { attributes: attributesOf(context, runtime) },
    onDone: (answer) => {
      const verdict = typeof answer === 'string' ? ({ kind: 'error', reason: answer } as const) : readCheck(answer);
      count(verdict.kind);
      if (verdict.kind === 'ok') return onVerdict(undefined);
      const { cluster } = config.service;
      if (verdict.kind === 'denied') {
        count('cx_closed');
        return onVerdict(refusal(`${cluster} was asked and refuses it`, 'ext_authz_denied'));
      }
      if (config.failureModeAllow) {
        count('failure_mode_allowed');
        return onVerdict(undefined);
      }
      count('cx_closed');
      return onVerdict(
        refusal(`${cluster} could not be asked (${verdict.reason}), so it is refused`, 'ext_authz_error'),
      );
    },
  });
}

function attributesOf({ remoteAddress, localAddress, tls }: ConnectionContext, { self }: ProxyRuntime): object {
  const address = ({ ip, port }: { ip: string; port: number }): object => ({
    address: { socket_address: { address: ip, port_value: port } },
  });
  const { peer, local } = principalsOf(tls, self.spiffeId);
  return {
    source: { ...address(remoteAddress), principal: peer },
    destination: { ...address(localAddress), principal: local },
  };
}
