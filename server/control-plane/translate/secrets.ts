import {
  type EncodedResource,
  encodeResource,
  type ProvenIdentity,
  type ProxyNode,
  type TypeUrl,
  typeUrls,
} from '#xds';
import { ANNOTATIONS } from '../gateway-api/annotations.ts';
import {
  configMapFields,
  extractPair,
  extractRevoked,
  extractRoots,
  secretFields,
} from '../gateway-api/certificates.ts';
import { GATEWAY, LISTENER_SET, SECRET } from '../gateway-api/references.ts';
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import { mergeGateways } from './gateway-servers.ts';
import { viewProxy } from './proxy-view.ts';
import type { EncodedByType } from './translator.ts';

const ROOTS_SUFFIX = '-cacert';

/** A name by which a proxy asks for a secret, read. */
interface SecretName {
  readonly type: 'kubernetes' | 'kubernetes-gateway' | 'configmap';
  readonly namespace: string;
  readonly name: string;
}

/** Whose certificates are asked for. */
interface SecretRequest {
  readonly snapshot: MeshSnapshot;
  readonly node: ProxyNode;
  /** The proxy's configuration. */
  readonly resources: EncodedByType;
  /** Whether an account may list the Secrets of its namespace. */
  readonly mayList: (identity: ProvenIdentity) => boolean;
}

/**
 * The certificates that a proxy's configuration names and that it may have, by the names it asks with. A name that is not allowed or
 * not there is left out: what depends on it is not served. Without a proven identity there is none.
 * Source: SecretGen in istio pilot/pkg/xds/sds.go.
 */
export function secretResources({
  snapshot,
  node,
  resources,
  mayList,
}: SecretRequest): ReadonlyMap<string, EncodedResource> {
  const { identity } = node;
  const wanted = identity === undefined ? NO_NAMES : namesIn(resources);
  if (identity === undefined || wanted.size === 0) return NO_SECRETS;
  const verified = verifiedNames(snapshot, node, identity);
  const readsKeys = node.id.startsWith('router~') || mayList(identity);
  const secrets = new Map<string, EncodedResource>();
  for (const name of wanted) {
    const read = parseName(name, identity.namespace);
    if (read === undefined || !isAllowed(name, read, { identity, verified, readsKeys })) continue;
    const secret = secretOf(name, read, snapshot);
    if (secret !== undefined) secrets.set(name, encodeResource(typeUrls.secret, secret));
  }
  return secrets;
}

interface Permission {
  readonly identity: ProvenIdentity;
  readonly verified: ReadonlySet<string>;
  /** Whether the proxy may have keys that nobody vouches for. */
  readonly readsKeys: boolean;
}

/**
 * A Gateway API Gateway may name Secrets of its own namespace and granted ones. Other names reach into the proxy's own namespace only:
 * roots are open to everyone, keys to accounts that may list Secrets. Unlike Istio, gateways need no role for that.
 */
function isAllowed(name: string, { type, namespace, name: secret }: SecretName, permission: Permission): boolean {
  const { identity, verified, readsKeys } = permission;
  if (type === 'configmap') return true;
  if (type === 'kubernetes-gateway') return verified.has(name);
  return namespace === identity.namespace && (readsKeys || secret.endsWith(ROOTS_SUFFIX));
}

/** The names that the Gateways of the proxy vouch for. Source: VerifiedCertificateReferences in mergeGateways of istio pilot. */
function verifiedNames(snapshot: MeshSnapshot, node: ProxyNode, identity: ProvenIdentity): ReadonlySet<string> {
  const names = new Set<string>();
  const { ports } = mergeGateways(snapshot, viewProxy(snapshot, node));
  for (const { gateway, server } of ports.flatMap(({ servers }) => servers)) {
    const { annotations = {} } = gateway;
    const account = annotations[ANNOTATIONS.serviceAccount];
    const home = annotations[ANNOTATIONS.parentNamespace] || gateway.namespace;
    if (identity.namespace !== home || (account && identity.serviceAccount !== account)) continue;
    const inSet = annotations[ANNOTATIONS.parents]?.startsWith('ListenerSet/') === true;
    const from = { kind: inSet ? LISTENER_SET : GATEWAY, namespace: gateway.namespace };
    const { credentialName, credentialNames = [], caCertCredentialName, mode } = server.tls ?? {};
    for (const each of [credentialName, ...credentialNames, caCertCredentialName]) {
      const read = each === undefined ? undefined : parseName(each, identity.namespace);
      if (each === undefined || read?.type !== 'kubernetes-gateway') continue;
      const own = read.namespace === gateway.namespace;
      const name = read.name.endsWith(ROOTS_SUFFIX) ? read.name.slice(0, -ROOTS_SUFFIX.length) : read.name;
      if (!own && !snapshot.gatewayApi.grants.allows(from, { kind: SECRET, namespace: read.namespace, name })) continue;
      names.add(each);
      if (mode === 'MUTUAL') names.add(`${each}${ROOTS_SUFFIX}`);
    }
  }
  return names;
}

function parseName(name: string, ownNamespace: string): SecretName | undefined {
  const [, type, path = ''] = /^(kubernetes-gateway|kubernetes|configmap):\/\/(.+)$/.exec(name) ?? [];
  if (type !== 'kubernetes' && type !== 'kubernetes-gateway' && type !== 'configmap') return undefined;
  const slash = path.indexOf('/');
  if (slash < 0) return type === 'kubernetes' ? { type, namespace: ownNamespace, name: path } : undefined;
  return { type, namespace: path.slice(0, slash), name: path.slice(slash + 1) };
}

/** Undefined where there is nothing to serve; an SDS secret otherwise: roots for names that end in `-cacert`, else a pair. */
function secretOf(name: string, read: SecretName, { credentials }: MeshSnapshot): Record<string, unknown> | undefined {
  const stripped = read.name.endsWith(ROOTS_SUFFIX) ? read.name.slice(0, -ROOTS_SUFFIX.length) : read.name;
  if (read.type === 'configmap') {
    const configMap = credentials.configMaps.get(`${read.namespace}/${stripped}`);
    return configMap && rootsSecret(name, configMapFields(configMap));
  }
  const { secrets } = credentials;
  const own = secrets.get(`${read.namespace}/${read.name}`);
  if (stripped !== read.name) {
    // The roots stand in a Secret of that name, else beside the certificate.
    const found = own ?? secrets.get(`${read.namespace}/${stripped}`);
    return found && rootsSecret(name, secretFields(found));
  }
  if (own === undefined) return undefined;
  const pair = extractPair(secretFields(own));
  if ('error' in pair) return undefined;
  return {
    name,
    tls_certificate: {
      certificate_chain: { inline_bytes: base64(pair.value.certificate) },
      private_key: { inline_bytes: base64(pair.value.key) },
    },
  };
}

function rootsSecret(name: string, fields: Readonly<Record<string, string>>): Record<string, unknown> | undefined {
  const roots = extractRoots(fields);
  if ('error' in roots) return undefined;
  const revoked = extractRevoked(fields);
  return {
    name,
    validation_context: {
      trusted_ca: { inline_bytes: base64(roots.value) },
      ...(revoked !== undefined && { crl: { inline_bytes: base64(revoked) } }),
    },
  };
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

const NAMING_TYPES: readonly TypeUrl[] = [typeUrls.listener, typeUrls.cluster];

/** How the names begin that `parseName` reads. */
const SCHEMES = ['kubernetes-gateway://', 'kubernetes://', 'configmap://'] as const;

/** What resources name, remembered as long as they are. */
const known = new WeakMap<EncodedResource, readonly string[]>();

/** Most resources name no secret, which their bytes tell at once: only the others are read as JSON. */
function namesOf(resource: EncodedResource): readonly string[] {
  const { buffer, byteOffset, byteLength } = resource.bytes;
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  return SCHEMES.some((scheme) => bytes.includes(scheme)) ? [...findNames(resource.json)] : [];
}

const NO_NAMES: ReadonlySet<string> = new Set();
const NO_SECRETS: ReadonlyMap<string, EncodedResource> = new Map();
const named = new WeakMap<EncodedByType, ReadonlySet<string>>();

/** The secrets that the control plane itself serves, by the names that listeners and clusters ask with. */
function namesIn(resources: EncodedByType): ReadonlySet<string> {
  const found = named.get(resources) ?? collectNames(resources);
  named.set(resources, found);
  return found;
}

function collectNames(resources: EncodedByType): ReadonlySet<string> {
  const names = new Set<string>();
  for (const typeUrl of NAMING_TYPES) {
    for (const resource of resources.get(typeUrl)?.values() ?? []) {
      const own = known.get(resource) ?? namesOf(resource);
      known.set(resource, own);
      for (const name of own) names.add(name);
    }
  }
  return names;
}

/** Every `{name, sds_config: {ads}}` inside a message. */
function* findNames(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return;
  const { name, sds_config } = value as { readonly name?: unknown; readonly sds_config?: { readonly ads?: unknown } };
  if (typeof name === 'string' && sds_config?.ads !== undefined) yield name;
  for (const child of Object.values(value)) yield* findNames(child);
}
