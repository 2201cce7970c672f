import type { KubeObject } from '#domain';
import { knownCiphers } from '../snapshot/cipher-suites.ts';
import type { ServerTlsSettings } from '../snapshot/istio-types.ts';
import { caCertificateName, certificateName } from './certificate-references.ts';
import { type Fault, joinFaults } from './conditions.ts';
import type { ReferenceContext } from './reference-context.ts';
import type { FrontendTls, GatewayApiGatewaySpec, Listener, ListenerTls } from './types.ts';

export interface ListenerTlsResult {
  /** Absent: the listener has no `tls`. */
  readonly tls?: ServerTlsSettings;
  readonly fault?: Fault;
}

/** A listener option of Istio's own: how a listener that ends TLS treats clients. */
const TERMINATE_MODE = 'gateway.istio.io/tls-terminate-mode';
const CIPHER_SUITES = 'gateway.istio.io/tls-cipher-suites';
const LISTENER_MODE = 'gateway.istio.io/listener-protocol';

export interface ListenerOwner {
  /** The Gateway or ListenerSet that holds the listener. */
  readonly object: KubeObject;
  /** The Gateway that serves it. */
  readonly gateway: GatewayApiGatewaySpec;
}

/** The TLS settings of a listener's server. Source: buildTLS in istio pilot/pkg/config/kube/gateway. */
export function listenerTls(listener: Listener, owner: ListenerOwner, context: ReferenceContext): ListenerTlsResult {
  const { tls } = listener;
  if (tls === undefined) return {};
  if (tls.mode === 'Passthrough') {
    return {
      tls: { mode: isAutoPassthrough(listener, owner.object) ? 'AUTO_PASSTHROUGH' : 'PASSTHROUGH', ...ciphers(tls) },
    };
  }
  const mode = tls.options?.[TERMINATE_MODE];
  if (mode === 'ISTIO_SIMPLE') return { tls: { mode: 'SIMPLE', credentialName: 'builtin://' } };
  if (mode === 'ISTIO_MUTUAL') return { tls: { mode: 'ISTIO_MUTUAL' } };
  const own: ServerTlsSettings = { mode: mode === 'MUTUAL' || mode === 'OPTIONAL_MUTUAL' ? mode : 'SIMPLE' };
  const served = certificates(tls, owner.object, context);
  if ('fault' in served) return { tls: own, fault: served.fault };
  const clients = clientValidation(frontendFor(listener.port, owner.gateway), { tls, owner: owner.object, context });
  const settings = { ...own, ...served.names };
  if ('fault' in clients) return { tls: settings, fault: clients.fault };
  return { tls: { ...settings, ...clients.settings, ...ciphers(tls) } };
}

const MAX_CERTIFICATES = 2;

type Certificates =
  | { readonly names: Pick<ServerTlsSettings, 'credentialName' | 'credentialNames'> }
  | { readonly fault: Fault };

/** The certificates a listener names. One bad reference among good ones is passed over; without a good one there is no server. */
function certificates(
  { certificateRefs = [] }: ListenerTls,
  owner: KubeObject,
  context: ReferenceContext,
): Certificates {
  if (certificateRefs.length > MAX_CERTIFICATES) {
    return {
      fault: { reason: 'InvalidCertificateRef', message: 'TLS mode can only support up to 2 server certificates' },
    };
  }
  const names: string[] = [];
  let fault: Fault | undefined;
  for (const reference of certificateRefs) {
    const found = certificateName(reference, owner, context);
    if ('fault' in found) fault = joinFaults(fault, found.fault);
    else names.push(found.name);
  }
  const [first, ...others] = names;
  if (first === undefined) return fault === undefined ? { names: {} } : { fault };
  return { names: others.length === 0 ? { credentialName: first } : { credentialNames: names } };
}

type ClientValidation =
  | { readonly settings: Pick<ServerTlsSettings, 'mode' | 'insecureSkipVerify' | 'caCertCredentialName'> }
  | { readonly fault: Fault };

interface ValidationInput {
  readonly tls: ListenerTls;
  readonly owner: KubeObject;
  readonly context: ReferenceContext;
}

/** How clients are verified: what the Gateway says for the port, which the listener's own option may still change. */
function clientValidation(
  frontend: FrontendTls | undefined,
  { tls, owner, context }: ValidationInput,
): ClientValidation {
  const { caCertificateRefs = [], mode } = frontend?.validation ?? {};
  const [reference, ...others] = caCertificateRefs;
  if (reference === undefined) return { settings: {} };
  if (others.length > 0) {
    return { fault: { reason: 'InvalidCACertificateRef', message: 'only one caCertificateRef is supported' } };
  }
  const found = caCertificateName(reference, owner, context);
  if ('fault' in found) return found;
  const caCertCredentialName = found.name;
  const option = tls.options?.[TERMINATE_MODE];
  if (option === 'MUTUAL' || option === 'OPTIONAL_MUTUAL') {
    return { settings: { mode: option, insecureSkipVerify: false, caCertCredentialName } };
  }
  const insecure = mode === 'AllowInsecureFallback';
  return {
    settings: { mode: insecure ? 'OPTIONAL_MUTUAL' : 'MUTUAL', insecureSkipVerify: insecure, caCertCredentialName },
  };
}

function frontendFor(port: number, { tls }: GatewayApiGatewaySpec): FrontendTls | undefined {
  const frontend = tls?.frontend;
  const own = frontend?.perPort?.find((each) => each.port === port);
  return own === undefined ? frontend?.default : own.tls;
}

/** A listener for other clusters' traffic: TLS that is forwarded by its SNI without any route. */
function isAutoPassthrough(listener: Listener, { metadata }: KubeObject): boolean {
  const { labels = {} } = metadata;
  if (listener.tls?.options?.[LISTENER_MODE] === 'auto-passthrough') return true;
  if (labels['topology.istio.io/network'] === undefined) return false;
  return String(listener.port) === (labels['networking.istio.io/gatewayPort'] ?? '15443');
}

/** The cipher suites that a listener's option names, without those that Envoy does not have. */
function ciphers({ options }: ListenerTls): Pick<ServerTlsSettings, 'cipherSuites'> {
  const named = options?.[CIPHER_SUITES];
  if (!named) return {};
  const known = knownCiphers(named.split(',').map((suite) => suite.trim()));
  return known.length === 0 ? {} : { cipherSuites: known };
}
