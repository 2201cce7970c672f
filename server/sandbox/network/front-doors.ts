import { createServer, type Server, type Socket } from 'node:net';
import type { SocketAddress } from '#domain';
import { formatAddress } from '#domain';
import type { KubeStore, WatchEvent } from '#kube-api';
import { keyOf, type ServiceObject, type ServicePort } from '../kube-types.ts';
import { hostPort } from './host-ports.ts';

/** Real listeners for what a cluster opens to the outside: the ports of LoadBalancer addresses, and NodePorts on the node. */
export interface FrontDoors {
  /** Where a client outside reaches a port of a Service; undefined when nothing listens for it. */
  addressOf(service: ServiceObject, port: number): SocketAddress | undefined;
  /** Resolves when every door that the store asks for now is open, or could not be opened. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

export interface FrontDoorOptions {
  readonly store: KubeStore;
  readonly nodeIp: string;
  /** A connection to a ready pod behind a Service's address, as kube-proxy makes it. */
  readonly connect: (destination: SocketAddress) => Promise<Socket>;
  readonly onError: (what: string, error: unknown) => void;
}

interface Door {
  readonly server: Server;
  readonly sockets: Set<Socket>;
  readonly opened: Promise<boolean>;
  open: boolean;
  destination: SocketAddress;
}

export function startFrontDoors(options: FrontDoorOptions): FrontDoors {
  const { store, nodeIp, connect, onError } = options;
  const doors = new Map<string, Door>();

  /** Of the Services that have doors: most have none, and there may be a thousand of them. */
  const plans = new Map<string, readonly DoorPlan[]>();

  const follow = ({ type, object }: WatchEvent): void => {
    const key = keyOf(object);
    const planned = type === 'DELETED' ? [] : doorsOf(object as ServiceObject, nodeIp);
    if (planned.length === 0 && !plans.delete(key)) return;
    if (planned.length > 0) plans.set(key, planned);
    open();
  };
  const open = (): void => {
    const wanted = new Map<string, SocketAddress & { readonly at: SocketAddress }>();
    for (const { at, to } of [...plans.values()].flat()) wanted.set(formatAddress(at), { ...to, at });
    for (const [key, door] of doors) if (!wanted.has(key)) close(key, door);
    for (const [key, { at, ip, port }] of wanted) {
      const door = doors.get(key);
      if (door === undefined) doors.set(key, openDoor(at, { ip, port }, { connect, onError }));
      else door.destination = { ip, port };
    }
  };
  const close = (key: string, door: Door): Promise<void> => {
    doors.delete(key);
    for (const socket of door.sockets) socket.destroy();
    return new Promise((resolve) => door.server.close(() => resolve()));
  };
  const stopWatch = store.watch('Service', follow);

  return {
    addressOf: (service, port) =>
      doorsOf(service, nodeIp).find(({ service: own, at }) => own === port && doors.get(formatAddress(at))?.open)?.at,
    settled: async () => {
      await Promise.all([...doors.values()].map(({ opened }) => opened));
    },
    stop: async () => {
      stopWatch();
      await Promise.all([...doors].map(([key, door]) => close(key, door)));
    },
  };
}

interface DoorPlan {
  /** The Service's own port. */
  readonly service: number;
  readonly at: SocketAddress;
  readonly to: SocketAddress;
}

function doorsOf({ spec, status }: ServiceObject, nodeIp: string): DoorPlan[] {
  const clusterIp = spec.clusterIP;
  if (clusterIp === undefined || clusterIp === '' || clusterIp === 'None') return [];
  const balancers = (status as { loadBalancer?: { ingress?: readonly { ip?: string }[] } } | undefined)?.loadBalancer;
  const ips = spec.type === 'LoadBalancer' ? (balancers?.ingress ?? []).flatMap(({ ip }) => ip ?? []) : [];
  return (spec.ports ?? []).filter(isTcp).flatMap(({ port, nodePort }) => {
    const to = { ip: clusterIp, port };
    const places = ips.map((ip) => ({ ip, port: hostPort(port) }));
    if (nodePort !== undefined && nodePort !== 0) places.push({ ip: nodeIp, port: nodePort });
    return places.map((at) => ({ service: port, at, to }));
  });
}

const isTcp = ({ protocol }: ServicePort): boolean => protocol === undefined || protocol === 'TCP';

function openDoor(at: SocketAddress, to: SocketAddress, parts: Pick<FrontDoorOptions, 'connect' | 'onError'>): Door {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (client) => {
    keep(client);
    client.on('error', () => client.destroy());
    parts.connect(door.destination).then(
      (upstream) => {
        keep(upstream);
        join(client, upstream);
      },
      // Nobody is ready behind the Service: the kernel's REJECT rule would reset.
      () => client.resetAndDestroy(),
    );
  });
  const opened = new Promise<boolean>((resolve) => {
    server.once('listening', () => {
      door.open = true;
      resolve(true);
    });
    server.once('error', (error) => {
      // Somebody else holds it: the Service is then reached by its pods' own addresses.
      parts.onError(`the door ${formatAddress(at)}`, error);
      resolve(false);
    });
  });
  const door: Door = { server, sockets, opened, open: false, destination: to };
  server.listen({ host: at.ip, port: at.port });
  return door;
}

function join(client: Socket, upstream: Socket): void {
  upstream.on('error', () => client.destroy());
  client.once('close', () => upstream.destroy());
  upstream.once('close', () => client.destroySoon());
  client.pipe(upstream);
  upstream.pipe(client);
}
