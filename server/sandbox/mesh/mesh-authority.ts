import { type AuthorityMaterial, type CertificateAuthority, createCertificateAuthority, type TokenIssuer } from '#ca';
import type { Clock, KubeObject } from '#domain';
import { errorMessage, MeshworkError, parseDurationMs } from '#domain';
import type { KubeStore } from '#kube-api';
import { rootNamespace } from './system.ts';

/** Where a CA of istiod's own making keeps its key, and where an operator puts another. */
const OWN_SECRET = { namespace: rootNamespace, name: 'istio-ca-secret' } as const;
const PLUGGED_SECRET = { namespace: rootNamespace, name: 'cacerts' } as const;

export interface MeshAuthorityOptions {
  readonly store: KubeStore;
  readonly clock: Clock;
  readonly tokens: TokenIssuer;
  readonly trustDomain: string;
  /** istiod's environment: DEFAULT_WORKLOAD_CERT_TTL, MAX_WORKLOAD_CERT_TTL, ISTIO_MULTIROOT_MESH. */
  readonly env: Readonly<Record<string, string>>;
  readonly log: (line: string) => void;
  /** The trust bundle has changed while istiod runs. */
  readonly onRoots: () => void;
}

/** istiod's CA while istiod runs. */
export interface MeshAuthority extends Pick<CertificateAuthority, 'sign' | 'issueServerCertificate' | 'trustDomain'> {
  /** The trust bundle in force. */
  readonly rootsPem: readonly string[];
  stop(): void;
}

/**
 * The CA of the Secret `cacerts`, if there is one, else that of `istio-ca-secret`, which is made at the first start
 * (istio/pilot/pkg/bootstrap/istio_ca.go). A plugged-in CA is replaced when its Secret changes: at once for another intermediate of the same
 * root, and for another trust bundle at the next start of istiod, unless ISTIO_MULTIROOT_MESH lets it be.
 */
export function startMeshAuthority(options: MeshAuthorityOptions): MeshAuthority {
  const { store, log } = options;
  const plugged = readPlugged(store.get('Secret', PLUGGED_SECRET));
  log(
    plugged === undefined
      ? 'info\tUse self-signed certificate as the CA certificate'
      : 'info\tUse local CA certificate',
  );
  let authority = createAuthority(options, plugged ?? readOwn(store.get('Secret', OWN_SECRET)));
  if (plugged === undefined && store.get('Secret', OWN_SECRET) === undefined) keep(store, authority.material);
  const stop = store.watch('Secret', ({ type, object }) => {
    const { namespace, name } = object.metadata;
    if (plugged === undefined || type === 'DELETED' || name !== PLUGGED_SECRET.name || namespace !== rootNamespace)
      return;
    authority = reload(options, authority, object);
  });
  return {
    trustDomain: options.trustDomain,
    sign: (...request) => authority.sign(...request),
    issueServerCertificate: (names) => authority.issueServerCertificate(names),
    get rootsPem() {
      return authority.rootsPem;
    },
    stop,
  };
}

function reload(
  options: MeshAuthorityOptions,
  present: CertificateAuthority,
  secret: KubeObject,
): CertificateAuthority {
  const { env, log, onRoots } = options;
  try {
    const next = createAuthority(options, readPlugged(secret));
    if (sameMaterial(next.material, present.material)) return present;
    const [added, removed] = [missing(present, next), missing(next, present)];
    const changed = added || removed;
    if (changed && env['ISTIO_MULTIROOT_MESH'] !== 'true') {
      log('warn\tMulti root is disabled, updating new ROOT-CA not supported');
      return present;
    }
    if (added && removed) {
      log('warn\tUpdating new ROOT-CA not supported');
      return present;
    }
    log('info\tIstiod has detected the newly added intermediate CA and updated its key and certs accordingly');
    if (changed) queueMicrotask(onRoots);
    return next;
  } catch (error) {
    log(`error\tFailed to update new Plug-in CA certs: ${errorMessage(error)}`);
    return present;
  }
}

/** Whether `next` trusts a root that `present` does not. */
const missing = (present: CertificateAuthority, next: CertificateAuthority): boolean =>
  next.rootsPem.some((root) => !present.rootsPem.includes(root));

const sameMaterial = (a: AuthorityMaterial, b: AuthorityMaterial): boolean =>
  a.caCertPem === b.caCertPem && a.certChainPem === b.certChainPem && a.rootCertPem === b.rootCertPem;

function createAuthority(
  { clock, tokens, trustDomain, env }: MeshAuthorityOptions,
  material: AuthorityMaterial | undefined,
): CertificateAuthority {
  return createCertificateAuthority({
    trustDomain,
    clock,
    tokens,
    material,
    svidTtlMs: parseDurationMs(env['DEFAULT_WORKLOAD_CERT_TTL'] ?? ''),
    maxSvidTtlMs: parseDurationMs(env['MAX_WORKLOAD_CERT_TTL'] ?? ''),
  });
}

const pemOf = (secret: KubeObject, key: string): string =>
  Buffer.from((secret['data'] as Record<string, string> | undefined)?.[key] ?? '', 'base64').toString('utf8');

function readOwn(secret: KubeObject | undefined): AuthorityMaterial | undefined {
  if (secret === undefined) return undefined;
  const [caCertPem, caKeyPem, rootCertPem] = ['ca-cert.pem', 'ca-key.pem', 'root-cert.pem'].map((key) =>
    pemOf(secret, key),
  ) as [string, string, string];
  return { caCertPem, caKeyPem, rootCertPem: rootCertPem === '' ? caCertPem : rootCertPem };
}

/** Istio's four files, or those of a Secret of the type kubernetes.io/tls. Throws MeshworkError MW9308 when some are missing. */
function readPlugged(secret: KubeObject | undefined): AuthorityMaterial | undefined {
  if (secret === undefined) return undefined;
  const file = (key: string): string => pemOf(secret, key);
  const tls = file('tls.crt') !== '';
  const material = tls
    ? {
        caCertPem: file('tls.crt'),
        caKeyPem: file('tls.key'),
        certChainPem: file('tls.crt') + file('ca.crt'),
        rootCertPem: file('ca.crt'),
      }
    : {
        caCertPem: file('ca-cert.pem'),
        caKeyPem: file('ca-key.pem'),
        certChainPem: file('cert-chain.pem'),
        rootCertPem: file('root-cert.pem'),
      };
  if (Object.values(material).every((pem) => pem !== '')) return material;
  throw new MeshworkError('MW9308', 'failed to create an istiod CA: incomplete signing CA bundle detected');
}

function keep(store: KubeStore, { caCertPem, caKeyPem, rootCertPem }: AuthorityMaterial): void {
  const files = {
    'ca-cert.pem': caCertPem,
    'ca-key.pem': caKeyPem,
    'cert-chain.pem': caCertPem,
    'root-cert.pem': rootCertPem,
  };
  const data = Object.fromEntries(
    Object.entries(files).map(([name, pem]) => [name, Buffer.from(pem).toString('base64')]),
  );
  const metadata = { ...OWN_SECRET };
  store.create({ apiVersion: 'v1', kind: 'Secret', metadata, type: 'istio.io/ca-root', data }, { changeId: 'system' });
}
