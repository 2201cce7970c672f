import type { KindDefinition } from '#domain';
import { destinationRuleKind } from './destination-rule.ts';
import { furtherKinds } from './further-kinds.ts';
import { gatewayKind } from './gateway.ts';
import { peerAuthenticationKind } from './peer-authentication.ts';
import { virtualServiceKind } from './virtual-service.ts';

/** All kinds of Istio's API. */
export const istioKinds: readonly KindDefinition[] = [
  virtualServiceKind,
  destinationRuleKind,
  gatewayKind,
  peerAuthenticationKind,
  ...furtherKinds,
];
