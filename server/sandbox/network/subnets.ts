import { createServer, type Server } from 'node:net';
import { MeshworkError, type Random } from '#domain';

/** One 127.<subnet>.0.0/16 of this machine, held until released. */
export interface SubnetLease {
  readonly subnet: number;
  release(): Promise<void>;
}

const FIRST = 16;
const COUNT = 230;
/** Nothing in a mesh listens here; holding it on 127.<subnet>.0.1 marks the subnet as taken, across processes. */
const LOCK_PORT = 15999;

/** Finds a free subnet, starting at a random one so that servers running side by side seldom meet. */
export async function leaseSubnet(random: Random): Promise<SubnetLease> {
  const start = random.below(COUNT);
  for (let step = 0; step < COUNT; step++) {
    const subnet = FIRST + ((start + step) % COUNT);
    const lock = await tryListen(`127.${subnet}.0.1`);
    if (lock) return { subnet, release: () => new Promise((resolve) => lock.close(() => resolve())) };
  }
  throw new MeshworkError('no_subnet', `All ${COUNT} loopback subnets are in use, or this system has only 127.0.0.1.`);
}

function tryListen(host: string): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', () => resolve(undefined));
    server.listen({ host, port: LOCK_PORT, exclusive: true }, () => {
      server.unref();
      resolve(server);
    });
  });
}
