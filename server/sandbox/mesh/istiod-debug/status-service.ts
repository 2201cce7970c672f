import type { Metadata } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { errorMessage } from '#domain';
import { istioVersion } from '#istio';
import type { AdsCall, AdsTerms, ProvenIdentity } from '#xds';
import { type DebugSources, renderDebugPage } from './debug-pages.ts';
import { configDumpResources, syncResources } from './status-resources.ts';
import { any, type Field, message, readRequest, type StatusRequest } from './wire.ts';

const SYNCZ = 'istio.io/debug/syncz';
const CONFIG_DUMP = 'istio.io/debug/config_dump';
const DEBUG = 'istio.io/debug';
const QUESTIONS: ReadonlySet<string> = new Set([SYNCZ, CONFIG_DUMP, DEBUG]);
const NONCE = 'debug';
/** What namespaces other than istiod's may ask, of their own proxies. Source: activeNamespaceDebuggers in istio pilot. */
const OF_ANY_NAMESPACE = new Set(['config_dump', 'ndsz', 'edsz']);

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
 * (`proxy-status POD`) and any debug page (`experimental internal-debug`). Source: StatusGen and DebugGen in istio pilot/pkg/xds. Takes over
 * the streams that begin with such a question.
 */
export function createStatusService(options: StatusServiceOptions): NonNullable<AdsTerms['divert']> {
  const answerTo = (call: AdsCall, bytes: Buffer): void => {
    try {
      const request = readRequest(bytes);
      // The client's acknowledgement; a nonce of its own invention is a question all the same.
      if (request.nonce === NONCE) return;
      call.write(response(options, request.typeUrl, answer(options, request, call.metadata)));
    } catch (thrown) {
      const code = thrown instanceof Refused ? thrown.code : status.INVALID_ARGUMENT;
      call.emit('error', { code, details: errorMessage(thrown) });
    }
  };
  return (call, first) => {
    if (!isQuestion(first)) return false;
    call.on('end', () => call.end());
    call.on('data', (bytes: Buffer) => answerTo(call, bytes));
    answerTo(call, first);
    return true;
  };
}

function isQuestion(bytes: Buffer): boolean {
  try {
    return QUESTIONS.has(readRequest(bytes).typeUrl);
  } catch {
    // Whoever serves proxies says what is wrong with it.
    return false;
  }
}

function answer(options: StatusServiceOptions, { typeUrl, names }: StatusRequest, metadata: Metadata): Uint8Array[] {
  if (!QUESTIONS.has(typeUrl)) throw new Refused(status.INVALID_ARGUMENT, `${typeUrl} is no question for this stream`);
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
