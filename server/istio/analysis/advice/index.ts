import type { Analyzer } from '../analyzer.ts';
import { gatewayShortHosts } from './gateway-short-hosts.ts';
import { outlierDetection } from './outlier-detection.ts';
import { plainText } from './plain-text.ts';
import { policySelectors } from './policy-selectors.ts';
import { proxyFilters } from './proxy-filters.ts';
import { routeReferences } from './route-references.ts';
import { servicePods } from './service-pods.ts';
import { serviceSubsets } from './service-subsets.ts';
import { tokenDemand } from './token-demand.ts';

/** Analyzers for mistakes that Istio has no code for. */
export const adviceAnalyzers: readonly Analyzer[] = [
  policySelectors,
  serviceSubsets,
  plainText,
  outlierDetection,
  tokenDemand,
  gatewayShortHosts,
  servicePods,
  routeReferences,
  proxyFilters,
];
