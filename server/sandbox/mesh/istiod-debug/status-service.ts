import type { Metadata, Server, ServerDuplexStream, ServiceDefinition, UntypedHandleCall } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { istioVersion } from '#istio';
import type { ProvenIdentity } from '#xds';
import { type DebugSources, renderDebugPage } from './debug-pages.ts';
import { configDumpResources, syncResources } from './status-resources.ts';
import { any, type Field, message, readRequest, type StatusRequest } from './wire.ts';

const SYNCZ = 'istio.io/debug/syncz';
const CONFIG_DUMP = 'istio.io/debug/config_dump';
const DEBUG = 'istio.io/debug';
const NONCE = 'debug';
/** What namespaces other than istiod's may ask, of their own proxies. Source: activeNamespaceDebuggers in istio pilot. */
const OF_ANY_NAMESPACE = new Set(['config_dump', 'ndsz', 'edsz']);

const raw = (bytes: Buffer): Buffer => bytes;
const definition: ServiceDefinition = {
  StreamAggregatedResources: {
    path: '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources',
    requestStream: true,
    responseStream: true,
    requestSerialize: raw,
    requestDeserialize: raw,
    responseSerialize: raw,
    responseDeserialize: raw,
  },
};

export interface StatusServiceOptions extends DebugSources {
  /** istiod's pod, which signs each answer. */
  readonly podName: string;
  readonly rootNamespace: string;
  /** Whose token it is; undefined for one that proves nothing. */
  readonly verify: (token: string) => ProvenIdentity | undefined;
}

class Refused extends Error {
  readonly code: status;
  constructor(code: status, details: string) {
    super(details);
    this.code = code;
  }
}

/**
 * What istioctl asks istiod on its secure port, as xDS resources: the sync table (`proxy-status`), what a proxy is to hold
 * (`proxy-status POD`) and any debug page (`experimental internal-debug`). Source: StatusGen and DebugGen in istio pilot/pkg/xds. Unlike
 * istiod, serves no proxy there: those of a sandbox use port 15010.
 */
export function addStatusService(server: Server, options: StatusServiceOptions): void {
  const stream = (call: ServerDuplexStream<Buffer, Buffer>): void => {
    call.on('error', () => undefined);
    call.on('end', () => call.end());
    call.on('data', (bytes: Buffer) => {
      const request = readRequest(bytes);
      // The client's acknowledgement; a nonce of its own invention is a question all the same.
      if (request.nonce === NONCE) return;
      try {
        call.write(response(options, request.typeUrl, answer(options, request, call.metadata)));
      } catch (thrown) {
        if (!(thrown instanceof Refused)) throw thrown;
        call.emit('error', { code: thrown.code, details: thrown.message });
      }
    });
  };
  server.addService(definition, { StreamAggregatedResources: stream as UntypedHandleCall });
}

function answer(options: StatusServiceOptions, { typeUrl, names }: StatusRequest, metadata: Metadata): Uint8Array[] {
  if (typeUrl !== SYNCZ && typeUrl !== CONFIG_DUMP && typeUrl !== DEBUG) {
    throw new Refused(status.UNIMPLEMENTED, `${typeUrl} is served on port 15010`);
  }
  const [header] = metadata.get('authorization');
  const token = /^Bearer (.+)$/i.exec(String(header ?? ''))?.[1];
  const identity = token === undefined ? undefined : options.verify(token);
  if (identity === undefined) throw new Refused(status.UNAUTHENTICATED, 'authentication required');
  // Empty: all of them.
  const namespace = identity.namespace === options.rootNamespace ? '' : identity.namespace;
  if (typeUrl === SYNCZ) return syncResources(options, namespace);
  if (typeUrl === CONFIG_DUMP) {
    return names.length === 1 ? configDumpResources(options, names[0] ?? '', namespace) : [];
  }
  return [debugResource(options, names, namespace)];
}

/** A page as it stands on port 15014, under the name of a resource: `edsz?proxyID=cart`. */
function debugResource(options: StatusServiceOptions, names: readonly string[], namespace: string): Uint8Array {
  const [name = ''] = names;
  if (names.length !== 1) throw new Refused(status.INVALID_ARGUMENT, 'exactly one debug request is required');
  const url = new URL(`/debug/${name}`, 'http://istiod');
  if (namespace !== '' && !OF_ANY_NAMESPACE.has(url.pathname.slice('/debug/'.length))) {
    throw new Refused(
      status.PERMISSION_DENIED,
      `the debug info is not available for current identity: it is of namespace ${namespace}`,
    );
  }
  const page = renderDebugPage({ ...options, ...(namespace !== '' && { namespace }) }, url);
  return any(DEBUG, Buffer.from(page?.body ?? '404 page not found\n'));
}

/** DiscoveryResponse: version_info (1), resources (2), type_url (4), nonce (5), control_plane (6). */
function response({ podName }: StatusServiceOptions, typeUrl: string, resources: readonly Uint8Array[]): Buffer {
  const identifier = JSON.stringify({ Component: 'istiod', ID: podName, Info: { version: istioVersion } });
  const fields: Field[] = [
    [1, '1'],
    ...resources.map((resource): Field => [2, resource]),
    [4, typeUrl],
    [5, NONCE],
    [6, message([[1, identifier]])],
  ];
  return Buffer.from(message(fields));
}
