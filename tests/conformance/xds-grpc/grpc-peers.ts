import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { addAskService, type Manner } from './ask-service.ts';
import type { AskCommand, AskReply } from './messages.ts';

/** A gRPC server on a loopback port that answers every RPC with its own name. */
export interface GrpcBackend {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  stop(): void;
}

export interface BackendOptions extends Manner {
  readonly host?: string;
  readonly port?: number;
  /** Absent: plaintext. */
  readonly credentials?: ServerCredentials;
}

export async function startGrpcBackend(name: string, options: BackendOptions = {}): Promise<GrpcBackend> {
  const { host = '127.0.0.1', port: wantedPort = 0, credentials = ServerCredentials.createInsecure() } = options;
  const server = new Server();
  addAskService(server, name, options);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`${host}:${wantedPort}`, credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  return { name, address: host, port, stop: () => server.forceShutdown() };
}

/** Who asks an ADS server for configuration. */
export interface GrpcXdsNode {
  /** `127.0.0.1:15010`: an ADS server, in plaintext. */
  readonly xdsAddress: string;
  readonly nodeId: string;
  /** node.metadata. `GENERATOR: grpc` is added, as Istio's agent does for proxyless gRPC. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Files (PEM) that the certificate provider `default` reads. */
  readonly certificates?: { readonly chain: string; readonly key: string; readonly roots: string };
}

/** gRPC's own xDS client for Node, in a process of its own. */
export interface GrpcXdsClient {
  /**
   * Sends `count` RPCs to an `xds:///` target; resolves to how many each backend answered, by name, and how many failed, by
   * `<status>: <details>`. Each RPC may take `timeoutMs`, which includes the wait for its configuration.
   */
  ask(
    target: string,
    count: number,
    options?: { readonly timeoutMs?: number; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<AskReply['answers']>;
  stop(): Promise<void>;
}

/** As Istio's agent writes it. */
function bootstrapOf({ xdsAddress, nodeId, metadata, certificates }: GrpcXdsNode): string {
  return JSON.stringify({
    xds_servers: [{ server_uri: xdsAddress, channel_creds: [{ type: 'insecure' }], server_features: ['xds_v3'] }],
    // The library refuses a node without a locality.
    node: { id: nodeId, cluster: 'grpc', locality: {}, metadata: { GENERATOR: 'grpc', ...metadata } },
    server_listener_resource_name_template: 'xds.istio.io/grpc/lds/inbound/%s',
    ...(certificates && {
      certificate_providers: {
        default: {
          plugin_name: 'file_watcher',
          config: {
            certificate_file: certificates.chain,
            private_key_file: certificates.key,
            ca_certificate_file: certificates.roots,
            refresh_interval: '1s',
          },
        },
      },
    }),
  });
}

function launch(program: string, list: readonly string[], node: GrpcXdsNode): ChildProcess {
  return fork(fileURLToPath(new URL(program, import.meta.url)), list, {
    execArgv: [],
    env: {
      PATH: process.env['PATH'] ?? '',
      GRPC_XDS_BOOTSTRAP_CONFIG: bootstrapOf(node),
      // Off by default in the library.
      GRPC_XDS_EXPERIMENTAL_RBAC: 'true',
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

/** gRPC's own xDS server for Node, in a process of its own, on the address that it binds. */
export async function startGrpcXdsServer(name: string, address: string, node: GrpcXdsNode): Promise<GrpcBackend> {
  const child = launch('./server-process.ts', [name, address], node);
  const [{ port, error }] = (await once(child, 'message')) as [{ port: number; error?: string }];
  if (error !== undefined) throw new Error(`${address}: ${error}`);
  return { name, address: address.slice(0, address.lastIndexOf(':')), port, stop: () => child.disconnect() };
}

export function startGrpcXdsClient(node: GrpcXdsNode): GrpcXdsClient {
  const child = launch('./client-process.ts', [], node);
  const waiting = new Map<number, { resolve(answers: AskReply['answers']): void; reject(error: Error): void }>();
  let commands = 0;
  child.on('message', (reply: AskReply) => {
    waiting.get(reply.id)?.resolve(reply.answers);
    waiting.delete(reply.id);
  });
  const exited = new Promise<void>((resolve) => {
    child.on('exit', (code) => {
      for (const { reject } of waiting.values()) reject(new Error(`the gRPC client process ended with code ${code}`));
      waiting.clear();
      resolve();
    });
  });
  return {
    ask(target, count, { timeoutMs = 10_000, headers = {} } = {}) {
      commands += 1;
      const command: AskCommand = { id: commands, target, count, timeoutMs, headers };
      return new Promise((resolve, reject) => {
        waiting.set(command.id, { resolve, reject });
        child.send(command);
      });
    },
    stop() {
      if (child.connected) child.disconnect();
      return exited;
    },
  };
}
