import type { Analyzer } from '../analyzer.ts';
import { annotations } from './annotations.ts';
import { applicationUser } from './application-user.ts';
import { authorizationPolicies } from './authorization-policies.ts';
import { caCertificates } from './ca-certificates.ts';
import { conditions } from './conditions.ts';
import { deploymentServices } from './deployment-services.ts';
import { deprecations } from './deprecations.ts';
import { destinationHosts } from './destination-hosts.ts';
import { destinationSubsets } from './destination-subsets.ts';
import { envoyFilters } from './envoy-filters.ts';
import { externalControlPlane } from './external-control-plane.ts';
import { gatewayApiVersions, gatewaySelectors } from './gateway-api.ts';
import { gatewayCertificates } from './gateway-certificates.ts';
import { gatewayConflicts } from './gateway-conflicts.ts';
import { gatewayPorts } from './gateway-ports.ts';
import { gatewayReferences } from './gateway-references.ts';
import { gatewaySecrets } from './gateway-secrets.ts';
import { imageAuto } from './image-auto.ts';
import { injection } from './injection.ts';
import { jwksFetches } from './jwks-fetches.ts';
import { jwtClaimRoutes } from './jwt-claim-routes.ts';
import { meshHosts } from './mesh-hosts.ts';
import { meshNetworks } from './mesh-networks.ts';
import { portNames } from './port-names.ts';
import { proxyImages } from './proxy-images.ts';
import { serviceEntryAddresses, serviceEntryProtocols } from './service-entries.ts';
import { sidecars } from './sidecars.ts';
import { subsetPods } from './subset-pods.ts';
import { telemetryDefaults, telemetryLightstep, telemetryProviders, telemetrySelectors } from './telemetry.ts';
import { webhooks } from './webhooks.ts';

/** Istio's analyzers. What several clusters say of one Service is not compared: a mesh here is one cluster. */
export const istioAnalyzers: readonly Analyzer[] = [
  annotations,
  jwksFetches,
  authorizationPolicies,
  conditions,
  deploymentServices,
  applicationUser,
  caCertificates,
  subsetPods,
  deprecations,
  envoyFilters,
  externalControlPlane,
  gatewayPorts,
  gatewayCertificates,
  gatewaySecrets,
  gatewayConflicts,
  injection,
  proxyImages,
  imageAuto,
  gatewaySelectors,
  gatewayApiVersions,
  meshNetworks,
  portNames,
  sidecars,
  meshHosts,
  destinationHosts,
  destinationSubsets,
  gatewayReferences,
  jwtClaimRoutes,
  serviceEntryAddresses,
  serviceEntryProtocols,
  webhooks,
  telemetryProviders,
  telemetrySelectors,
  telemetryDefaults,
  telemetryLightstep,
];
