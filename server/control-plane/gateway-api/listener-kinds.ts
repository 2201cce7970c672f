import { GATEWAY_GROUP } from './objects.ts';
import type { RouteKind } from './references.ts';
import type { Listener, RouteGroupKind } from './types.ts';

export interface SupportedKinds {
  readonly kinds: readonly { readonly group: string; readonly kind: RouteKind }[];
  /** False: the listener allows a kind that its protocol cannot carry. */
  readonly valid: boolean;
}

/** The kinds of routes that may attach to a listener: those of its protocol, narrowed by `allowedRoutes.kinds`. */
export function supportedKinds(listener: Listener): SupportedKinds {
  const kinds = protocolKinds(listener).map((kind) => ({ group: GATEWAY_GROUP, kind }));
  const allowed = listener.allowedRoutes?.kinds ?? [];
  if (allowed.length === 0) return { kinds, valid: true };
  const shared = kinds.filter(({ kind }) => allowed.some((each) => allows(each, kind)));
  return { kinds: shared, valid: shared.length === allowed.length };
}

export const allows = ({ group = GATEWAY_GROUP, kind }: RouteGroupKind, wanted: RouteKind): boolean =>
  group === GATEWAY_GROUP && kind === wanted;

function protocolKinds({ protocol, tls }: Listener): readonly RouteKind[] {
  switch (protocol) {
    case 'HTTP':
    case 'HTTPS':
      return ['HTTPRoute', 'GRPCRoute'];
    case 'TCP':
      return ['TCPRoute'];
    case 'TLS':
      return tls?.mode === 'Terminate' ? ['TLSRoute', 'TCPRoute'] : ['TLSRoute'];
    default:
      return [];
  }
}
