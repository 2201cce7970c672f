import type { ResponseHead } from './codec.ts';
import type { Exchange, RequestLayer } from './exchange.ts';
import { takeCallersOperation } from './tracing/operations.ts';

/** Tells the server's proxy who calls, and learns from its answer who served; the application sees neither. */
export const exchangeMetadataAsClient: RequestLayer = (exchange) => {
  if (exchange.connection.listener.serves) takeCallersOperation(exchange);
  exchange.runtime.peerMetadata.write(exchange.head.headers);
  exchange.editResponse(learnServer);
  return 'next';
};

function learnServer(head: ResponseHead, exchange: Exchange): void {
  exchange.peer = exchange.runtime.peerMetadata.take(head.headers);
}

/** Learns who calls, and answers with this workload's names to a caller that asked. */
export const exchangeMetadataAsServer: RequestLayer = (exchange) => {
  const { peerMetadata } = exchange.runtime;
  const peer = peerMetadata.take(exchange.head.headers);
  takeCallersOperation(exchange);
  if (peer === undefined) return 'next';
  exchange.peer = peer;
  exchange.editResponse(introduceServer);
  return 'next';
};

function introduceServer(head: ResponseHead, exchange: Exchange): void {
  exchange.runtime.peerMetadata.write(head.headers);
}
