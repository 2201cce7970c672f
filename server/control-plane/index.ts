export { createControlPlane } from './control-plane.ts';
export type * from './doors.ts';
export {
  type AskedConnection,
  type LeftOut,
  type LeftOutQuestion,
  policiesLeftOut,
  rulesLeftOut,
} from './left-out/index.ts';
export { discoveredNamespaces } from './snapshot/discovered-objects.ts';
export { resolveHost } from './snapshot/hosts.ts';
export { DEFAULT_MESH_CONFIG, ISTIO_MESH_DEFAULTS, readMeshConfig, readMeshText } from './snapshot/mesh-config.ts';
export { createSnapshotDeriver, type MeshSnapshot } from './snapshot/mesh-snapshot.ts';
export { createObjectTables, type ObjectTables } from './snapshot/object-tables.ts';
export { readFeatures } from './snapshot/pilot-features.ts';
export { selectProtocol } from './snapshot/protocol.ts';
export { NOWHERE, nodeLocality, ownLocality } from './snapshot/workloads.ts';
export { buildResources, createTranslator, type ProxyResources, type Translator } from './translate/index.ts';
export { viewProxy } from './translate/proxy-view.ts';
export { createScope, type OutboundScope } from './translate/scope.ts';
