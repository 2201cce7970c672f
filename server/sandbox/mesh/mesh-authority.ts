import { type AuthorityMaterial, type CertificateAuthority, createCertificateAuthority, type TokenIssuer } from '#ca';
import type { Clock, KubeObject } from '#domain';
import { errorMessage, parseDurationMs } from '#domain';
import type { KubeStore } from '#kube-api';
import type { PublishedFile } from '../controllers/namespaces.ts';
import {
  keepOwn,
  OWN_SECRET,
  PLUGGED_SECRET,
  type PluggedMaterial,
  readOwn,
  readPlugged,
} from './authority-secrets.ts';

const ROOT_MAP = 'istio-ca-root-cert';
const LIST_MAP = 'istio-ca-crl';

export interface MeshAuthorityOptions {
  readonly store: KubeStore;
  readonly clock: Clock;
  readonly tokens: TokenIssuer;
  /** That of the CA's own names. */
  readonly trustDomain: string;
  /** What MeshConfig says now; absent: the same. */
  readonly workloadTrustDomain?: () => string;
  /**
   * istiod's environment: DEFAULT_WORKLOAD_CERT_TTL, MAX_WORKLOAD_CERT_TTL, ISTIO_MULTIROOT_MESH, PILOT_ENABLE_CA_CRL,
   * PILOT_CRL_CONFIGMAP.
   */
  readonly env: Readonly<Record<string, string>>;
  readonly log: (line: string) => void;
  /** What is published has changed while istiod runs. */
  readonly onPublished: () => void;
}

/** istiod's CA while istiod runs. */
export interface MeshAuthority extends Pick<CertificateAuthority, 'sign' | 'issueServerCertificate' | 'trustDomain'> {
  /** What each namespace gets: the trust bundle in force, and what the CA has revoked (an empty file where it has revoked nothing). */
  readonly published: readonly PublishedFile[];
  stop(): void;
}

/**
 * The CA of the Secret `cacerts`, if there is one, else that of `istio-ca-secret`, which is made at the first start
 * (istio/pilot/pkg/bootstrap/istio_ca.go). A plugged-in CA is replaced when its Secret changes: at once for another intermediate of the same
 * root or another revocation list, and for another trust bundle at the next start of istiod, unless ISTIO_MULTIROOT_MESH lets it be.
 */
export function startMeshAuthority(options: MeshAuthorityOptions): MeshAuthority {
  const { store, log } = options;
  const plugged = pluggedOf(options, store.get('Secret', PLUGGED_SECRET));
  if (plugged !== undefined) tell(options, plugged);
  log(
    plugged === undefined
      ? 'info\tUse self-signed certificate as the CA certificate'
      : 'info\tUse local CA certificate',
  );
  let authority = createAuthority(options, plugged ?? readOwn(store.get('Secret', OWN_SECRET)));
  if (plugged === undefined && store.get('Secret', OWN_SECRET) === undefined) keepOwn(store, authority.material);
  const stop = store.watch('Secret', ({ type, object }) => {
    const { namespace, name } = object.metadata;
    const isPlugged = name === PLUGGED_SECRET.name && namespace === PLUGGED_SECRET.namespace;
    if (plugged === undefined || type === 'DELETED' || !isPlugged) return;
    authority = reload(options, authority, object);
  });
  return {
    trustDomain: options.trustDomain,
    sign: (...request) => authority.sign(...request),
    issueServerCertificate: (names) => authority.issueServerCertificate(names),
    get published() {
      return publishedBy(authority, options);
    },
    stop,
  };
}

function publishedBy({ rootsPem, material }: CertificateAuthority, { env }: MeshAuthorityOptions): PublishedFile[] {
  const roots = { configMap: ROOT_MAP, key: 'root-cert.pem', text: rootsPem.join('') };
  if (!knowsLists(env)) return [roots];
  return [roots, { configMap: env['PILOT_CRL_CONFIGMAP'] ?? LIST_MAP, key: 'ca-crl.pem', text: material.crlPem ?? '' }];
}

const knowsLists = (env: MeshAuthorityOptions['env']): boolean => env['PILOT_ENABLE_CA_CRL'] !== 'false';

/** What the Secret holds, without the list where lists are not looked at. */
function pluggedOf({ env }: MeshAuthorityOptions, secret: KubeObject | undefined): PluggedMaterial | undefined {
  const plugged = readPlugged(secret);
  return plugged === undefined || knowsLists(env) ? plugged : { ...plugged, crlPem: undefined };
}

function tell({ log }: MeshAuthorityOptions, { format, crlPem }: PluggedMaterial): void {
  log(
    format === 'istiod'
      ? 'info\tUsing istiod file format for signing ca files'
      : 'info\tUsing kubernetes.io/tls secret type for signing ca files',
  );
  if (crlPem !== undefined) log('info\tDetected CRL file');
}

/** What becomes of the CA when the Secret has changed. Source: handleEvent in istio/pilot/pkg/bootstrap/istio_ca.go. */
function reload(
  options: MeshAuthorityOptions,
  present: CertificateAuthority,
  secret: KubeObject,
): CertificateAuthority {
  const { log, onPublished } = options;
  try {
    const found = pluggedOf(options, secret);
    if (found === undefined || sameMaterial(found, present.material)) return present;
    log('info\tUpdate Istiod cacerts');
    tell(options, found);
    if (found.rootCertPem !== present.material.rootCertPem && !mayChangeRoots(options, present.rootsPem, found))
      return present;
    // A list that was taken away stays in force.
    const next = createAuthority(options, { ...found, crlPem: found.crlPem ?? present.material.crlPem });
    if (next.material.crlPem !== present.material.crlPem)
      log('info\tIstiod has detected the newly added CRL file and updated its CRL accordingly');
    log('info\tIstiod has detected the newly added intermediate CA and updated its key and certs accordingly');
    queueMicrotask(onPublished);
    return next;
  } catch (error) {
    log(`error\tFailed to update new Plug-in CA certs: ${errorMessage(error)}`);
    return present;
  }
}

/** Roots may be added to the bundle or taken from it, not both at once. */
function mayChangeRoots(
  { env, log }: MeshAuthorityOptions,
  present: readonly string[],
  { rootCertPem }: AuthorityMaterial,
): boolean {
  if (env['ISTIO_MULTIROOT_MESH'] !== 'true') {
    log('warn\tMulti root is disabled, updating new ROOT-CA not supported');
    return false;
  }
  const next = certificatesIn(rootCertPem);
  const old = present.flatMap(certificatesIn);
  const nested = next.every((root) => old.includes(root)) || old.every((root) => next.includes(root));
  log(nested ? 'info\tUpdating new ROOT-CA' : 'warn\tUpdating new ROOT-CA not supported');
  return nested;
}

/** The base64 of each, without line ends. */
const certificatesIn = (pem: string): string[] =>
  [...pem.matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g)].map(([, base64 = '']) =>
    base64.replace(/\s/g, ''),
  );

const sameMaterial = (a: AuthorityMaterial, b: AuthorityMaterial): boolean =>
  a.caCertPem === b.caCertPem &&
  a.caKeyPem === b.caKeyPem &&
  a.certChainPem === b.certChainPem &&
  a.rootCertPem === b.rootCertPem &&
  (a.crlPem ?? b.crlPem) === b.crlPem;

function createAuthority(
  { clock, tokens, trustDomain, workloadTrustDomain, env }: MeshAuthorityOptions,
  material: AuthorityMaterial | undefined,
): CertificateAuthority {
  return createCertificateAuthority({
    trustDomain,
    workloadTrustDomain,
    clock,
    tokens,
    material,
    svidTtlMs: parseDurationMs(env['DEFAULT_WORKLOAD_CERT_TTL'] ?? ''),
    maxSvidTtlMs: parseDurationMs(env['MAX_WORKLOAD_CERT_TTL'] ?? ''),
  });
}
