import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { type AskCommand, type AskReply, askPath } from './messages.ts';

/** A gRPC server on a loopback port that answers every RPC with its own name. */
export interface GrpcBackend {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  stop(): void;
}

export interface BackendOptions {
  readonly host?: string;
  readonly port?: number;
  /** Absent: plaintext. */
  readonly credentials?: ServerCredentials;
}

export async function startGrpcBackend(name: string, options: BackendOptions = {}): Promise<GrpcBackend> {
  const { host = '127.0.0.1', port: wantedPort = 0, credentials = ServerCredentials.createInsecure() } = options;
  const server = new Server();
  const asIs = (bytes: Buffer): Buffer => bytes;
  const ask = {
    path: askPath,
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  server.addService(
    { ask },
    { ask: (_call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => reply(null, Buffer.from(name)) },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(`${host}:${wantedPort}`, credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  return { name, address: host, port, stop: () => server.forceShutdown() };
}

export interface GrpcXdsClientOptions {
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

function bootstrapOf({ xdsAddress, nodeId, metadata, certificates }: GrpcXdsClientOptions): string {
  return JSON.stringify({
    xds_servers: [{ server_uri: xdsAddress, channel_creds: [{ type: 'insecure' }], server_features: ['xds_v3'] }],
    // The library refuses a node without a locality.
    node: { id: nodeId, cluster: 'grpc', locality: {}, metadata: { GENERATOR: 'grpc', ...metadata } },
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

function launch(options: GrpcXdsClientOptions): ChildProcess {
  return fork(fileURLToPath(new URL('./client-process.ts', import.meta.url)), [], {
    execArgv: [],
    env: { PATH: process.env['PATH'] ?? '', GRPC_XDS_BOOTSTRAP_CONFIG: bootstrapOf(options) },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

export function startGrpcXdsClient(options: GrpcXdsClientOptions): GrpcXdsClient {
  const child = launch(options);
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
