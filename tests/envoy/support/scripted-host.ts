import { createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** What a host does next: bytes, a pause in milliseconds, or the end of its connection. */
export type Step = string | Buffer | number | 'FIN' | 'RST';

/** A host that does not care for what it is asked: once a request has come it does what its script says. */
export interface ScriptedHost {
  readonly port: number;
  script: readonly Step[];
  /** Ends all connections. */
  hangUp(): void;
  stop(): Promise<void>;
}

/** `asked`: whether what has come so far on a connection holds a request. */
export async function startScriptedHost(asked: (bytes: Buffer) => boolean, greeting?: Buffer): Promise<ScriptedHost> {
  const open = new Set<Socket>();
  const host = { script: [] as readonly Step[] };
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket)).on('error', () => undefined);
    if (greeting !== undefined) socket.write(greeting);
    let bytes = Buffer.alloc(0);
    let played = false;
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (played || !asked(bytes)) return;
      played = true;
      play(socket, host.script).catch(() => socket.destroy());
    });
    socket.on('end', () => socket.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(host, {
    port: (server.address() as { port: number }).port,
    hangUp() {
      for (const socket of open) socket.destroy();
    },
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  });
}

async function play(socket: Socket, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    if (socket.destroyed) return;
    if (typeof step === 'number') await pause(step);
    else if (step === 'FIN') socket.end();
    else if (step === 'RST') socket.resetAndDestroy();
    else if (typeof step === 'string') socket.write(step, 'latin1');
    else socket.write(step);
  }
}
