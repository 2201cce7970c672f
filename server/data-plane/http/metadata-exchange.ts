import type { RequestLayer } from './exchange.ts';

/** Tells the server's proxy who calls, and learns from its answer who served; the application sees neither. */
export const exchangeMetadataAsClient: RequestLayer = (exchange) => {
  const { peerMetadata } = exchange.runtime;
  peerMetadata.write(exchange.head.headers);
  exchange.responseEdits.push((head) => {
    exchange.peer = peerMetadata.take(head.headers);
  });
  return 'next';
};

/** Learns who calls, and answers with this workload's names to a caller that asked. */
export const exchangeMetadataAsServer: RequestLayer = (exchange) => {
  const { peerMetadata } = exchange.runtime;
  const peer = peerMetadata.take(exchange.head.headers);
  exchange.head.headers.remove('x-envoy-decorator-operation');
  if (peer === undefined) return 'next';
  exchange.peer = peer;
  exchange.responseEdits.push((head) => peerMetadata.write(head.headers));
  return 'next';
};
