import type { KindDefinition } from '#domain';
import { authorizationPolicyKind } from './authorization-policy.ts';
import { destinationRuleKind } from './destination-rule.ts';
import { envoyFilterKind } from './envoy-filter.ts';
import { gatewayKind } from './gateway.ts';
import { peerAuthenticationKind } from './peer-authentication.ts';
import { proxyConfigKind } from './proxy-config.ts';
import { requestAuthenticationKind } from './request-authentication.ts';
import { serviceEntryKind } from './service-entry.ts';
import { sidecarKind } from './sidecar.ts';
import { telemetryKind } from './telemetry.ts';
import { trafficExtensionKind } from './traffic-extension.ts';
import { virtualServiceKind } from './virtual-service.ts';
import { wasmPluginKind } from './wasm-plugin.ts';
import { workloadEntryKind } from './workload-entry.ts';
import { workloadGroupKind } from './workload-group.ts';

/** All kinds of Istio's API. */
export const istioKinds: readonly KindDefinition[] = [
  virtualServiceKind,
  destinationRuleKind,
  gatewayKind,
  serviceEntryKind,
  sidecarKind,
  workloadEntryKind,
  workloadGroupKind,
  envoyFilterKind,
  proxyConfigKind,
  peerAuthenticationKind,
  requestAuthenticationKind,
  authorizationPolicyKind,
  telemetryKind,
  wasmPluginKind,
  trafficExtensionKind,
];
