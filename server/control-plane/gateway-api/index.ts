export type { GatewayApiConversion } from './derive.ts';
export { createInstanceLookup } from './gateway-instances.ts';
export { createStatusWriter, type StatusWriter } from './status-writer.ts';
export { createGatewayApiDeriver, tellsInStatus } from './tables.ts';
