export { type AnalyzeOptions, analyze, analyzerNames, analyzers } from './analysis/analyze.ts';
export type { Analyzer } from './analysis/analyzer.ts';
export { type MeshSettings, readMeshSettings, readRegistryEndpoints } from './analysis/mesh/mesh-settings.ts';
export { formatFinding, levelName } from './analysis/results.ts';
export { type CatalogueEntry, diagnosticCatalogue } from './diagnostics/catalogue.ts';
export { diagnostic } from './diagnostics/diagnostic.ts';
export { didYouMean } from './diagnostics/suggest.ts';
export { gatewayKinds } from './gateway-api/gateway-kinds.ts';
export { istioKinds } from './kinds/istio-kinds.ts';
export type {
  FieldPosition,
  ManifestFile,
  ParsedDocument,
  ParseResult,
  UnreadableDocument,
} from './manifests/document.ts';
export { parseKubernetesYaml, writeKubernetesYaml } from './manifests/kubernetes-yaml.ts';
export { FILE_LIMITS, MANIFEST_LIMITS, type ManifestLimits } from './manifests/limits.ts';
export { parseManifests } from './manifests/parse.ts';
export { childPath, parentPath } from './manifests/path.ts';
export { originOf, toDiagnostics, type ValidateOptions, validateDocument } from './manifests/validate.ts';
export { meshConfigProblems } from './mesh-config/config-map.ts';
export { canonicalMesh } from './mesh-config/mesh-fields.ts';
export { hostsMatch } from './rules/hosts.ts';
export { checkFields } from './schema/check.ts';
export { istioVersion } from './version.ts';
