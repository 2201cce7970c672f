import { type KubeObject, parseApiVersion } from '#domain';
import {
  configMapFields,
  type Extracted,
  extractPair,
  extractRoots,
  hasCertificates,
  pairProblem,
  secretFields,
} from './certificates.ts';
import type { Fault } from './conditions.ts';
import { namespaceOf } from './objects.ts';
import type { ReferenceContext } from './reference-context.ts';
import { CONFIG_MAP, type GroupKind, groupKind, SECRET } from './references.ts';
import type { GatewayApiGatewaySpec, ObjectReference } from './types.ts';

/** The name under which a proxy asks for a certificate by SDS, or why it may not. */
export type CertificateName = { readonly name: string } | { readonly fault: Fault };

/** A server certificate that `owner` (a Gateway or ListenerSet) names. */
export function certificateName(
  reference: ObjectReference,
  owner: KubeObject,
  context: ReferenceContext,
): CertificateName {
  const invalid = (why: string): CertificateName => ({
    fault: {
      reason: 'InvalidCertificateRef',
      message: `invalid certificate reference ${shownReference(reference)}, ${why}`,
    },
  });
  if (groupKind(reference, SECRET) !== SECRET) return invalid('only secret is allowed');
  const namespace = reference.namespace ?? namespaceOf(owner);
  const problem = pairSecretProblem(`${namespace}/${reference.name}`, context);
  if (problem !== undefined) return invalid(problem);
  if (!mayRead({ owner, kind: SECRET, namespace, name: reference.name }, context)) {
    return { fault: notPermitted('certificateRef', `${reference.name}/${namespace}`, namespaceOf(owner)) };
  }
  return { name: `kubernetes-gateway://${namespace}/${reference.name}` };
}

/** The roots by which a Gateway verifies its clients: a ConfigMap's or a Secret's. */
export function caCertificateName(
  reference: ObjectReference,
  owner: KubeObject,
  context: ReferenceContext,
): CertificateName {
  const namespace = reference.namespace ?? namespaceOf(owner);
  const key = `${namespace}/${reference.name}`;
  const kind = groupKind(reference, '/');
  const shown = `invalid CA certificate reference ${shownReference(reference)}`;
  if (kind !== CONFIG_MAP && kind !== SECRET) {
    return {
      fault: { reason: 'InvalidCACertificateKind', message: `${shown}, only secret and configmap are allowed` },
    };
  }
  const problem = rootsProblem(kind, key, context);
  if (problem !== undefined) return { fault: { reason: 'InvalidCACertificateRef', message: `${shown}, ${problem}` } };
  if (!mayRead({ owner, kind, namespace, name: reference.name }, context)) {
    return { fault: notPermitted('caCertificateRef', `${namespace}/${reference.name}`, namespaceOf(owner)) };
  }
  return { name: `${kind === SECRET ? 'kubernetes-gateway' : 'configmap'}://${key}-cacert` };
}

/** What is wrong with the certificate that a Gateway shows to its backends; undefined where it names none. */
export function backendClientCertificateFault(gateway: KubeObject, context: ReferenceContext): Fault | undefined {
  const reference = (gateway.spec as GatewayApiGatewaySpec).tls?.backend?.clientCertificateRef;
  if (reference === undefined) return undefined;
  const namespace = reference.namespace ?? namespaceOf(gateway);
  const problem =
    groupKind(reference, SECRET) === SECRET
      ? pairSecretProblem(`${namespace}/${reference.name}`, context)
      : 'only secret is allowed';
  if (problem !== undefined) {
    return {
      reason: 'InvalidClientCertificateRef',
      message: `invalid clientCertificateRef ${shownReference(reference)}, ${problem}`,
    };
  }
  return mayRead({ owner: gateway, kind: SECRET, namespace, name: reference.name }, context)
    ? undefined
    : notPermitted('clientCertificateRef', `${reference.name}/${namespace}`, namespaceOf(gateway));
}

function pairSecretProblem(key: string, { index }: ReferenceContext): string | undefined {
  const secret = index.secrets.get(key);
  if (secret === undefined) return `secret ${key} not found`;
  const pair = extractPair(secretFields(secret));
  if ('error' in pair) return pair.error;
  const problem = pairProblem(pair.value);
  return problem === undefined ? undefined : `the certificate is malformed: ${problem}`;
}

function rootsProblem(kind: GroupKind, key: string, { index }: ReferenceContext): string | undefined {
  const isSecret = kind === SECRET;
  const object = (isSecret ? index.secrets : index.configMaps).get(key);
  if (object === undefined) return `${isSecret ? 'secret' : 'configmap'} ${key} not found`;
  const roots: Extracted<string> = extractRoots(isSecret ? secretFields(object) : configMapFields(object));
  if ('error' in roots) return roots.error;
  return hasCertificates(roots.value) ? undefined : 'the bundle is malformed';
}

interface ReadRequest {
  readonly owner: KubeObject;
  readonly kind: GroupKind;
  readonly namespace: string;
  readonly name: string;
}

/** Objects of one's own namespace are open; others need a ReferenceGrant there. */
function mayRead({ owner, kind, namespace, name }: ReadRequest, { grants }: ReferenceContext): boolean {
  if (namespace === namespaceOf(owner)) return true;
  const from: GroupKind = `${parseApiVersion(owner.apiVersion).group}/${owner.kind}`;
  return grants.allows({ kind: from, namespace: namespaceOf(owner) }, { kind, namespace, name });
}

const notPermitted = (field: string, target: string, namespace: string): Fault => ({
  reason: 'RefNotPermitted',
  message: `${field} ${target} not accessible to a Gateway in namespace "${namespace}" (missing a ReferenceGrant?)`,
});

/** `group/kind/name.namespace`, as it stands in the reference. */
const shownReference = ({ group = '', kind = '', name, namespace = '' }: ObjectReference): string =>
  `${group}/${kind}/${name}.${namespace}`;
