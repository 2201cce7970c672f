import type { HopEntry } from '../../../server/envoy/hop-format.ts';

export const FRONTEND = '127.9.1.2';
export const REVIEWS = '127.9.1.3';
export const REQUEST_ID = 'b1f0a3d2-4c5b-4e6f-8a7b-1c2d3e4f5a6b';

/** A call of frontend to reviews as Envoy writes it down. */
export const entry = (changes: Partial<HopEntry>): HopEntry => ({
  direction: 'outbound',
  traces: 'no',
  kind: 'http',
  plans: '0',
  start: '1795732606957',
  duration: 7,
  protocol: 'HTTP/1.1',
  method: 'GET',
  path: '/reviews/0',
  authority: 'reviews:8080',
  server_name: null,
  status: 200,
  grpc_status: null,
  flags: '-',
  details: 'via_upstream',
  terminated: null,
  transport_failure: null,
  received: 0,
  sent: 92,
  route: 'default',
  cluster: 'outbound|8080|v1|reviews.default.svc.cluster.local',
  host: `${REVIEWS}:8080`,
  services: [{ host: 'reviews.default.svc.cluster.local', name: 'reviews', namespace: 'default' }],
  workload: 'reviews-v1;default;reviews;v1;Kubernetes',
  upstream_local: `${FRONTEND}:40001`,
  remote: `${FRONTEND}:50001`,
  local: '127.9.128.3:8080',
  attempts: 1,
  client_uri: null,
  host_uri: 'spiffe://cluster.local/ns/default/sa/reviews',
  stream: '6a2f',
  line: 'the line',
  request_headers: { 'x-request-id': REQUEST_ID },
  response_headers: { server: 'envoy', location: null },
  ...changes,
});
