import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadPackageDefinition, Server, ServerCredentials, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** Envoy's .proto files, as another project ships them. */
const PROTOS = join(dirname(fileURLToPath(import.meta.resolve('@grpc/grpc-js-xds/package.json'))), 'deps');

type Message = Record<string, unknown>;
type Call = { readonly request: Message };
type Reply = (error: { code: number; message: string } | null, answer?: Message) => void;

interface ServedMethod {
  readonly proto: string;
  readonly service: string;
  readonly method: string;
  /** Reads requests that have fields which those files do not know. */
  readonly read?: (bytes: Buffer) => Message;
}

/** A service of Envoy's API that grpc-js serves, with messages of protobuf.js: nothing of it is ours. */
export async function serveAuthority(
  address: string,
  { proto, service, method, read }: ServedMethod,
  answer: (request: Message, reply: Reply) => void,
  credentials = ServerCredentials.createInsecure(),
): Promise<{ stop(): void }> {
  const definition = loadSync(proto, {
    includeDirs: ['envoy-api', 'xds', 'googleapis', 'protoc-gen-validate'].map((dir) => join(PROTOS, dir)),
    keepCase: true,
    enums: String,
    defaults: false,
  });
  const found = service
    .split('.')
    .reduce((at, name) => (at as Record<string, never>)[name], loadPackageDefinition(definition) as unknown);
  const server = new Server();
  const { service: offered } = found as ServiceClientConstructor;
  const described = offered[method]!;
  server.addService(read === undefined ? offered : { [method]: { ...described, requestDeserialize: read } }, {
    [method]: ({ request }: Call, reply: Reply) => answer(request, reply),
  });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(address, credentials, (error) => (error ? reject(error) : resolve())),
  );
  return { stop: () => server.forceShutdown() };
}
