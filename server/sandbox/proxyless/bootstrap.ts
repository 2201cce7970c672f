import { errorMessage } from '#domain';

/** What a gRPC client must know before its first request for configuration. Source: gRFC A27, "xDS client bootstrap". */
export interface Bootstrap {
  readonly host: string;
  readonly port: number;
  readonly node: {
    readonly id: string;
    readonly cluster: string;
    readonly metadata: Readonly<Record<string, unknown>>;
  };
}

interface Written {
  readonly xds_servers?: readonly { readonly server_uri?: unknown; readonly channel_creds?: unknown }[];
  readonly node?: { readonly id?: unknown; readonly cluster?: unknown; readonly metadata?: unknown };
}

/** Reads the bootstrap; throws with the field that is missing, in words for the one who wrote it. */
export function readBootstrap(text: string): Bootstrap {
  const { xds_servers: servers, node } = parse(text);
  const uri = servers?.[0]?.server_uri;
  if (typeof uri !== 'string') throw new Error('the bootstrap has no xds_servers[0].server_uri');
  const colon = uri.lastIndexOf(':');
  const port = Number(uri.slice(colon + 1));
  if (colon < 1 || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`server_uri is host:port, such as istiod.istio-system.svc:15010; it is ${uri}`);
  if (typeof node?.id !== 'string' || node.id === '') throw new Error('the bootstrap has no node.id');
  return {
    host: uri.slice(0, colon),
    port,
    node: {
      id: node.id,
      cluster: typeof node.cluster === 'string' ? node.cluster : '',
      metadata: isRecord(node.metadata) ? node.metadata : {},
    },
  };
}

function parse(text: string): Written {
  if (text === '') throw new Error('GRPC_XDS_BOOTSTRAP_CONFIG is not set, so nobody knows whom to ask');
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : {};
  } catch (thrown) {
    throw new Error(`GRPC_XDS_BOOTSTRAP_CONFIG is not JSON: ${errorMessage(thrown)}`);
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
