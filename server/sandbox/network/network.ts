import { isIPv4, Socket } from 'node:net';
import { connectTcp, listenOnTcp, type ProxyNetwork } from '#data-plane';
import type { AskNames, Clock, Random, SocketAddress } from '#domain';
import { formatAddress } from '#domain';
import type { KubeStore } from '#kube-api';
import { type Dial, leadingTo } from '#workloads';
import type { AddressPlan } from './addresses.ts';
import { createCaptureTable } from './capture-table.ts';
import { clusterNames, NAME_TTL_S, resolveAddresses, resolveName } from './dns.ts';
import { hostPort } from './host-ports.ts';
import { ServiceDoors } from './service-doors.ts';
import { createServiceTable } from './service-table.ts';
import { lookUp } from './stub-resolver.ts';

const OUTBOUND_CAPTURE_PORT = 15001;
const INBOUND_CAPTURE_PORT = 15006;
/** A record follows its connection within one turn of the loop; who is not recorded by then was not redirected. */
const CAPTURE_WAIT_MS = 250;
/** What a proxy serves of itself, on the pod's own address. */
const PROXY_STATE_PORTS = new Set([15000, 15004, 15020, 15021, 15090]);
/** A proxy's names are whole ones; the search list of a namespace has nothing to add. */
const DNS_NAMESPACE = 'default';
const LOOPBACK_IP = '127.0.0.1';
/** Where Istio's inbound connections to the application come from. */
const INBOUND_PASSTHROUGH_IP = '127.0.0.6';

/** How a pod's programs connect. */
export interface PodSide {
  readonly podIp: string;
  readonly namespace: string;
  /** The application listens on a hidden address; its connections go to the pod's own proxy on 15001, which learns where they wanted to go. */
  readonly captured: boolean;
  /** Which connections of a captured pod go to the proxy; absent: all. */
  readonly outbound?: (destination: SocketAddress) => boolean;
  /** Who answers the pod's DNS questions in the place of the cluster's name server; absent or undefined: nobody does. */
  readonly names?: () => AskNames | undefined;
  readonly bound?: BoundTo;
}

/** The address of a pod that a program of it has bound the port to; 0.0.0.0, or undefined when it is not known: all of them. */
export type BoundTo = (port: number) => string | undefined;

/** The wires of a sandbox: real TCP connections between 127.x addresses. Nothing outside its own block is ever dialled. */
export interface Network {
  /** For an application in a pod: names resolve as in the cluster. Errors carry the system's codes. */
  dialFrom(pod: PodSide): Dial;
  /** For a program on the host: addresses only, and Services as the node's kube-proxy forwards them. */
  readonly dialFromOutside: Dial;
  forProxy(podIp: string, bound?: BoundTo): ProxyNetwork;
  /**
   * From now on what other pods send to ports of this pod that `leads` names arrives at its proxy, which hears of the port, although nothing
   * listens there. The answer ends it.
   */
  captureInbound(podIp: string, leads: (port: number) => boolean): () => void;
  resolve(name: string, namespace: string): string | undefined;
  /** The cluster's name server. */
  readonly ask: AskNames;
  /** All addresses of a name, as a name server answers a pod of the namespace; none when there is no such name. */
  addresses(name: string, namespace: string): readonly string[];
  stop(): void;
}

export function createNetwork(options: {
  readonly plan: AddressPlan;
  readonly store: KubeStore;
  readonly clock: Clock;
  readonly random: Random;
}): Network {
  const { plan, store, clock, random } = options;
  const capture = createCaptureTable(clock);
  const services = createServiceTable(store, { random, clock });
  const nameServer = random.stream('name server');
  const ask = clusterNames(store);
  const doors = new ServiceDoors({ pick: services.pick, contains: plan.contains });

  /** Closed ports of captured pods, by the pod's address. */
  const inbound = new Map<string, (port: number) => boolean>();

  const toTarget = (target: SocketAddress, from: string | undefined): Socket => {
    const leads = from === undefined || from === target.ip ? undefined : inbound.get(target.ip);
    if (from === undefined || leads?.(target.port) !== true) return connectTcp(socketOptions(target, from));
    const socket = connectTcp(socketOptions({ ip: target.ip, port: INBOUND_CAPTURE_PORT }, from));
    return socket.once('connect', () => remember(socket, { from, destination: target }));
  };

  const direct = (destination: SocketAddress, from: string | undefined): Promise<Socket> => {
    const target = plan.contains(destination.ip) ? services.pick(destination, from) : undefined;
    if (target === undefined) return Promise.reject(unreachable(plan, destination));
    return established(toTarget(target, from), destination);
  };

  const captured = async (destination: SocketAddress, podIp: string): Promise<Socket> => {
    const proxy = { ip: podIp, port: OUTBOUND_CAPTURE_PORT };
    const socket = await established(connectTcp(socketOptions(proxy, podIp)), destination);
    remember(socket, { from: podIp, destination });
    return socket;
  };

  /** Where a redirected connection wanted to go, for as long as it lives. */
  const remember = (
    socket: Socket,
    { from, destination }: { readonly from: string; readonly destination: SocketAddress },
  ): void => {
    const source = { ip: from, port: socket.localPort ?? 0 };
    capture.record(source, destination);
    socket.once('close', () => capture.forget(source));
  };

  return {
    ask,
    resolve: (name, namespace) => resolveName(store, name, namespace),
    addresses: (name, namespace) => resolveAddresses(store, name, namespace),
    dialFrom:
      ({ podIp, namespace, captured: isCaptured, outbound = () => true, names, bound = () => undefined }) =>
      async (host, port) => {
        if (host === 'localhost' || host === LOOPBACK_IP || host === podIp) {
          const own = { ip: host === podIp ? podIp : LOOPBACK_IP, port };
          const boundIp = bound(port);
          if (!isFound(boundIp, own.ip)) throw closed(own);
          const hidden = (isCaptured && !PROXY_STATE_PORTS.has(port)) || boundIp === LOOPBACK_IP;
          return leadingTo(await direct({ ip: hidden ? plan.hiddenIp(podIp) : podIp, port }, podIp), own);
        }
        // A name server gives the addresses of a headless Service in any order, and a client takes the first.
        const proxied = names?.();
        const addresses =
          proxied === undefined ? resolveAddresses(store, host, namespace) : lookUp(proxied, host, namespace).addresses;
        const ip = addresses.length > 1 ? addresses[nameServer.below(addresses.length)] : addresses[0];
        if (ip === undefined) throw systemError('ENOTFOUND', `getaddrinfo ENOTFOUND ${host}`);
        return isCaptured && outbound({ ip, port }) ? captured({ ip, port }, podIp) : direct({ ip, port }, podIp);
      },
    dialFromOutside: (host, port) =>
      isIPv4(host)
        ? direct({ ip: host, port }, undefined)
        : Promise.reject(systemError('ENOTFOUND', `getaddrinfo ENOTFOUND ${host}`)),
    forProxy: (podIp, bound = () => undefined) => ({
      podIp,
      listen: ({ ip, port }, onSocket) => listenOnTcp({ ip, port: hostPort(port) }, onSocket),
      originalDestination: (socket) =>
        capture.lookup({ ip: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }, CAPTURE_WAIT_MS),
      resolve: async (name) => ({ addresses: resolveAddresses(store, name, DNS_NAMESPACE), ttlS: NAME_TTL_S }),
      ask,
      reach: (address) => (plan.isServiceIp(address.ip) ? doors.open(address) : Promise.resolve()),
      connect: (destination, { toApp }) => {
        if (toApp) {
          const { port } = destination;
          const asked = destination.ip === podIp ? podIp : LOOPBACK_IP;
          if (!isFound(bound(port), asked)) return refused(closed({ ip: asked, port }));
          return connectTcp(socketOptions({ ip: plan.hiddenIp(podIp), port }, INBOUND_PASSTHROUGH_IP));
        }
        const target = plan.contains(destination.ip) ? services.pick(destination, podIp) : undefined;
        if (target !== undefined) return toTarget(target, podIp);
        const reason = unreachable(plan, destination);
        // The kernel knows at once that no way leads there; a refusal comes from the other side.
        if (!plan.contains(destination.ip)) throw reason;
        return refused(reason);
      },
    }),
    captureInbound: (podIp, leads) => {
      inbound.set(podIp, leads);
      return () => {
        if (inbound.get(podIp) === leads) inbound.delete(podIp);
      };
    },
    stop: () => {
      doors.stop();
      services.stop();
    },
  };
}

const socketOptions = ({ ip, port }: SocketAddress, from: string | undefined) => ({
  host: ip,
  port: hostPort(port),
  noDelay: true,
  ...(from === undefined ? {} : { localAddress: from }),
});

/** The socket once it is connected; errors name the destination that the program asked for. */
function established(socket: Socket, destination: SocketAddress): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      socket.destroy();
      const code = error.code ?? 'ECONNREFUSED';
      reject(systemError(code, `connect ${code} ${formatAddress(destination)}`, error));
    };
    socket.once('error', onError);
    socket.once('connect', () => {
      socket.removeListener('error', onError);
      resolve(leadingTo(socket, destination));
    });
  });
}

/** A Service without ready pods refuses, as kube-proxy's REJECT rule does; the world outside the sandbox cannot be reached. */
function unreachable(plan: AddressPlan, destination: SocketAddress): Error {
  const code = plan.contains(destination.ip) ? 'ECONNREFUSED' : 'ENETUNREACH';
  return systemError(code, `connect ${code} ${formatAddress(destination)}`);
}

/** Whether a port that is bound to the one address answers at the other. */
const isFound = (bound: string | undefined, asked: string): boolean =>
  bound === undefined || bound === '0.0.0.0' || bound === asked;

const closed = (destination: SocketAddress): Error =>
  systemError('ECONNREFUSED', `connect ECONNREFUSED ${formatAddress(destination)}`);

/** A socket that fails as a refused connection does: while it connects, by its `error` event, after the caller had time to listen. */
function refused(error: Error): Socket {
  const socket = Object.assign(new Socket(), { connecting: true });
  setImmediate(() => socket.destroy(error));
  return socket;
}

function systemError(code: string, message: string, cause?: unknown): NodeJS.ErrnoException {
  return Object.assign(new Error(message, { cause }), { code });
}
