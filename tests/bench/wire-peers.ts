import type { ChildProcess } from 'node:child_process';
import { freePort } from '../support/free-port.ts';
import { listening, missingTools, PROXY_CPU } from './measure.ts';
import { envoyClientConfig, envoyServerConfig, startEnvoy } from './wire-envoy.ts';
import { haproxyClientConfig, haproxyServerConfig, startHaproxy } from './wire-haproxy.ts';
import { clientHopConfig, type HopPorts, serverHopConfig, startNginx } from './wire-nginx.ts';

/** Two hops of one native proxy with mTLS between them. */
export interface Peer {
  readonly path: string;
  readonly ports: HopPorts;
  readonly processes: readonly ChildProcess[];
}

interface PeerProxy {
  readonly tool: string;
  readonly wire: 'HTTP/1.1' | 'HTTP/2';
  start(folder: string, ports: HopPorts): readonly ChildProcess[];
}

const PEERS: readonly PeerProxy[] = [
  {
    tool: 'nginx',
    wire: 'HTTP/1.1',
    start: (folder, ports) => [
      startNginx(folder, 'client', clientHopConfig(folder, ports), PROXY_CPU),
      startNginx(folder, 'server', serverHopConfig(folder, ports), PROXY_CPU),
    ],
  },
  {
    tool: 'haproxy',
    wire: 'HTTP/2',
    start: (folder, ports) => [
      startHaproxy(folder, 'client', haproxyClientConfig(folder, ports), PROXY_CPU),
      startHaproxy(folder, 'server', haproxyServerConfig(folder, ports), PROXY_CPU),
    ],
  },
  {
    tool: 'envoy',
    wire: 'HTTP/2',
    start: (folder, ports) => [
      startEnvoy(folder, 'client', envoyClientConfig(folder, ports), PROXY_CPU),
      startEnvoy(folder, 'server', envoyServerConfig(folder, ports), PROXY_CPU),
    ],
  },
];

/** Three free ports: of the client's hop, the server's, and the application. */
export const newPorts = async (upstream: number): Promise<HopPorts> => ({
  client: await freePort(),
  server: await freePort(),
  upstream,
});

/** Starts two hops of every native proxy that is installed; nginx is the first. `children` gets every process, even where another does not start. */
export async function startPeers(folder: string, upstream: number, children: ChildProcess[]): Promise<readonly Peer[]> {
  const peers: Peer[] = [];
  for (const { tool, wire, start } of PEERS) {
    if (missingTools([tool]).length > 0) continue;
    const ports = await newPorts(upstream);
    const processes = start(folder, ports);
    children.push(...processes);
    peers.push({ path: `${tool}+${tool} (${wire})`, ports, processes });
  }
  for (const { ports } of peers) for (const port of [ports.client, ports.server]) await listening(port);
  return peers;
}
