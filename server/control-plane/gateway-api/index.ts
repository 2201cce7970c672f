export { ANNOTATIONS, usesGatewaySemantics } from './annotations.ts';
export { builtinClassObjects } from './classes.ts';
export {
  convertGatewayApi,
  type GatewayApiConfig,
  type GatewayApiConversion,
  type GatewayApiFindings,
} from './derive.ts';
export { createInstanceLookup, type InstanceLookup } from './gateway-instances.ts';
export type { GatewayApiObjects } from './objects.ts';
export type { Grants } from './references.ts';
export { createStatusWriter, type StatusWriter } from './status-writer.ts';
export { type StatusChange, statusChanges } from './statuses.ts';
export { createGatewayApiDeriver, tellsInStatus } from './tables.ts';
