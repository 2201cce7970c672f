export { AGENT_COUNTS, createAdsClient, OWN_USER_AGENT } from './client/ads-client.ts';
export { HandClient, type HandReceipt } from './client/hand-client.ts';
export { decodeResource, encodeResource } from './codec/codec.ts';
export { canonicalMessage, type MergeOptions, mergeAny, mergeMessages } from './codec/merge.ts';
export { checkMessage, type MessageFindings } from './codec/message-check.ts';
export { camelCaseJson, decodeMessage, encodeMessage } from './codec/messages.ts';
export type * from './doors.ts';
export { pushOrder } from './push-order.ts';
export * from './resources.ts';
export { createAdsServer } from './server/ads-server.ts';
export {
  adsPaths,
  type DeltaDiscoveryResponse,
  type DiscoveryRequest,
  type DiscoveryResponse,
  deltaDiscoveryRequest,
  deltaDiscoveryResponse,
  discoveryRequest,
  discoveryResponse,
} from './wire/discovery.ts';
export { rawStream } from './wire/raw-stream.ts';
