import { configMapFields, extractRoots } from './certificates.ts';
import type { Fault } from './conditions.ts';
import type { ObjectIndex } from './objects.ts';
import { CONFIG_MAP, groupKind, SECRET, SERVICE, SERVICE_ENTRY } from './references.ts';
import type { BackendTlsPolicySpec } from './types.ts';

/** The roots by which clients verify a backend. */
export interface BackendRoots {
  /** Name by which proxies ask for them; empty: the operating system's. */
  readonly credentialName: string;
  readonly accepted?: Fault;
  readonly resolved?: Fault;
  /** Added to the message of a policy that is accepted. */
  readonly warning: string;
}

/** Never valid: what cannot be verified is not called. */
const INVALID = 'invalid://';

/** Source: getBackendTLSCredentialName in istio pilot/pkg/config/kube/gateway. */
export function backendRoots(
  validation: BackendTlsPolicySpec['validation'],
  namespace: string,
  index: ObjectIndex,
): BackendRoots {
  const { wellKnownCACertificates: wellKnown, caCertificateRefs = [] } = validation;
  if (wellKnown !== undefined) {
    if (wellKnown === 'System') return { credentialName: '', warning: '' };
    const message = `Unknown wellKnownCACertificates: ${wellKnown}`;
    return { credentialName: '', warning: '', accepted: { reason: 'Invalid', message } };
  }
  const [reference, ...others] = caCertificateRefs;
  if (reference === undefined) return { credentialName: '', warning: '' };
  const warning = others.length === 0 ? '' : '; warning: only the first caCertificateRefs will be used';
  const problem = rootsProblem(reference, namespace, index);
  if (problem === undefined) {
    return { credentialName: `configmap://${namespace}/${reference.name}`, warning };
  }
  const { reason, prefix, why } = problem;
  return {
    credentialName: INVALID,
    warning,
    accepted: { reason: 'NoValidCACertificate', message: `Certificate reference invalid: ${why}` },
    resolved: { reason, message: `${prefix}: ${why}` },
  };
}

interface RootsProblem {
  readonly reason: 'InvalidCACertificateRef' | 'InvalidKind';
  readonly prefix: string;
  readonly why: string;
}

function rootsProblem(
  reference: { readonly group: string; readonly kind: string; readonly name: string },
  namespace: string,
  index: ObjectIndex,
): RootsProblem | undefined {
  const kind = groupKind(reference, '/');
  const tables = new Map([
    [CONFIG_MAP, index.configMaps],
    [SECRET, index.secrets],
    [SERVICE, index.services],
    [SERVICE_ENTRY, index.serviceEntries],
  ]);
  const objects = tables.get(kind);
  if (objects === undefined) {
    const why = `unsupported kind ${reference.kind}`;
    return { reason: 'InvalidKind', prefix: 'Certificate reference not supported', why };
  }
  const object = objects.get(`${namespace}/${reference.name}`);
  if (object === undefined) {
    const why = `reference ${namespace}/${reference.name} (of kind ${reference.kind}) not found`;
    return { reason: 'InvalidCACertificateRef', prefix: 'Certificate reference not found', why };
  }
  if (kind !== CONFIG_MAP) {
    const why = `unsupported reference kind: ${reference.kind}`;
    return { reason: 'InvalidKind', prefix: 'Certificate reference invalid', why };
  }
  const roots = extractRoots(configMapFields(object));
  if (!('error' in roots)) return undefined;
  return { reason: 'InvalidCACertificateRef', prefix: 'Certificate invalid', why: roots.error };
}
