import type { PooledRequest } from '../codec.ts';
import type { Exchange } from '../exchange.ts';

/** What a cluster must know of a request whose connection depends on its client. */
export const pooledRequest = ({ config, connection, head: { authority, protocol } }: Exchange): PooledRequest => ({
  authority,
  protocol,
  connection: connection.id,
  client: config.namesClients ? connection : undefined,
});
