import { connect, createServer, type Socket } from 'node:net';

/** What of a connection goes through a relay, in bytes; absent: all. The rest is taken and never said. */
export interface Share {
  toServer?: number;
  toClient?: number;
}

export interface ShortRelay {
  readonly port: number;
  /** Of connections from now on. */
  share: Share;
  /** Ends all connections. */
  hangUp(): void;
  stop(): Promise<void>;
}

/** Stands before a server and lets only the beginning of what both sides say through: connections that stall half way. */
export async function startShortRelay(
  target: () => { readonly ip: string; readonly port: number },
): Promise<ShortRelay> {
  const open = new Set<Socket>();
  const relay = { share: {} as Share };
  const server = createServer((client) => {
    const { ip, port } = target();
    const onward = connect(port, ip);
    pass(client, onward, relay.share.toServer);
    pass(onward, client, relay.share.toClient);
    for (const socket of [client, onward]) {
      open.add(socket);
      socket.on('close', () => open.delete(socket)).on('error', () => undefined);
    }
    client.on('close', () => onward.destroy());
    onward.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const hangUp = (): void => {
    for (const socket of open) socket.destroy();
  };
  return Object.assign(relay, {
    port: (server.address() as { port: number }).port,
    hangUp,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        hangUp();
      }),
  });
}

function pass(from: Socket, to: Socket, bytes = Number.POSITIVE_INFINITY): void {
  let left = bytes;
  from.on('data', (chunk: Buffer) => {
    if (left > 0) to.write(left < chunk.length ? chunk.subarray(0, left) : chunk);
    left -= chunk.length;
  });
}
