import { type MessageShape, messageText, shapeOf } from './message-text.ts';

const SOCKET_ADDRESS = shapeOf({ protocol: [1, 'number'], address: [2, 'text'], port_value: [3, 'number'] });
const ADDRESS = shapeOf({ socket_address: [1, { message: SOCKET_ADDRESS }] });
const PEER = shapeOf({
  address: [1, { message: ADDRESS }],
  service: [2, 'text'],
  labels: [3, { map: 'text' }],
  principal: [4, 'text'],
  certificate: [5, 'text'],
});
const TIMESTAMP = shapeOf({ seconds: [1, 'number'], nanos: [2, 'number'] });
const HTTP = shapeOf({
  id: [1, 'text'],
  method: [2, 'text'],
  headers: [3, { map: 'text' }],
  path: [4, 'text'],
  host: [5, 'text'],
  scheme: [6, 'text'],
  query: [7, 'text'],
  fragment: [8, 'text'],
  size: [9, 'number'],
  protocol: [10, 'text'],
  body: [11, 'text'],
  raw_body: [12, 'text'],
});
const REQUEST = shapeOf({ time: [1, { message: TIMESTAMP }], http: [2, { message: HTTP }] });
const NOTHING: MessageShape = new Map();

/** AttributeContext of Envoy's authorization API, version 3. What metadata holds is left out. */
const ATTRIBUTES = shapeOf({
  source: [1, { message: PEER }],
  destination: [2, { message: PEER }],
  request: [4, { message: REQUEST }],
  context_extensions: [10, { map: 'text' }],
  metadata_context: [11, { message: NOTHING }],
  tls_session: [12, { message: shapeOf({ sni: [1, 'text'] }) }],
  route_metadata_context: [13, { message: NOTHING }],
});

/** What an authorizer was asked about, as Istio's sample logs it and sends it on. */
export const attributesText = (attributes: Uint8Array): string => messageText(attributes, ATTRIBUTES);
