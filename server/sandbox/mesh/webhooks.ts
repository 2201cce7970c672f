import type { KubeObject } from '#domain';
import type { KubeStore } from '#kube-api';
import { rootNamespace } from './system.ts';

const REVISION = 'default';
const labels = { app: 'sidecar-injector', 'istio.io/rev': REVISION, release: 'istio' };
const absent = (key: string) => ({ key, operator: 'DoesNotExist' });
const among = (key: string, ...values: string[]) => ({ key, operator: 'In', values });
const notAmong = (key: string, ...values: string[]) => ({ key, operator: 'NotIn', values });

/** One of the four questions that injection asks: by revision or by `istio-injection`, of the namespace or of the pod. */
function injector(name: string, namespace: readonly object[], pod: readonly object[]): object {
  return {
    name: `${name}.sidecar-injector.istio.io`,
    clientConfig: { service: { name: 'istiod', namespace: rootNamespace, path: '/inject', port: 443 } },
    sideEffects: 'None',
    rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], scope: '*' }],
    failurePolicy: 'Fail',
    reinvocationPolicy: 'Never',
    admissionReviewVersions: ['v1'],
    namespaceSelector: { matchExpressions: namespace },
    objectSelector: { matchExpressions: pod },
  };
}

/** Where istiod publishes what it is known by. */
const ROOTS = { namespace: rootNamespace, name: 'istio-ca-root-cert' } as const;
const ROOTS_KEY = 'root-cert.pem';

const SWITCH = 'sidecar.istio.io/inject';
const NAMESPACE = 'istio-injection';
const REV = 'istio.io/rev';

/**
 * What injection and validation look like in the API. The sandbox does both by itself: these objects are for those who read them, as
 * `istioctl` and analyzers do.
 */
const configurations: readonly KubeObject[] = [
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'istio-sidecar-injector', labels },
    webhooks: [
      injector('rev.namespace', [among(REV, REVISION), absent(NAMESPACE)], [notAmong(SWITCH, 'false')]),
      injector('rev.object', [absent(REV), absent(NAMESPACE)], [notAmong(SWITCH, 'false'), among(REV, REVISION)]),
      injector('namespace', [among(NAMESPACE, 'enabled')], [notAmong(SWITCH, 'false')]),
      injector('object', [absent(NAMESPACE), absent(REV)], [among(SWITCH, 'true'), absent(REV)]),
    ],
  },
  {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'istio-validator-istio-system', labels: { ...labels, app: 'istiod' } },
    webhooks: [
      {
        name: 'rev.validation.istio.io',
        clientConfig: { service: { name: 'istiod', namespace: rootNamespace, path: '/validate', port: 443 } },
        sideEffects: 'None',
        failurePolicy: 'Fail',
        admissionReviewVersions: ['v1'],
        rules: [
          {
            operations: ['CREATE', 'UPDATE'],
            apiGroups: ['security.istio.io', 'networking.istio.io', 'telemetry.istio.io', 'extensions.istio.io'],
            apiVersions: ['*'],
            resources: ['*'],
            scope: '*',
          },
        ],
      },
    ],
  },
];

/** The injector that istiod brings, where it is there and the store does not hold it yet: analysis asks who injects a pod. */
export function assumedInjector(store: KubeStore): readonly KubeObject[] {
  const istiod = store.get('Service', { namespace: rootNamespace, name: 'istiod' });
  const served = store.kinds.find('MutatingWebhookConfiguration') !== undefined;
  if (istiod === undefined || (served && store.list('MutatingWebhookConfiguration').length > 0)) return [];
  return configurations.filter(({ kind }) => kind === 'MutatingWebhookConfiguration');
}

/** Writes them, as far as the store serves their kinds, with the certificates by which callers know istiod. */
export function writeWebhooks(store: KubeStore, changeId: string): void {
  const roots = store.get('ConfigMap', ROOTS)?.['data'] as Readonly<Record<string, string>> | undefined;
  const caBundle = Buffer.from(roots?.[ROOTS_KEY] ?? '').toString('base64');
  for (const object of configurations) {
    if (store.kinds.find(object.kind) !== undefined) store.apply(trusting(object, caBundle), { changeId });
  }
}

function trusting(object: KubeObject, caBundle: string): KubeObject {
  if (caBundle === '') return object;
  const webhooks = object['webhooks'] as readonly { readonly clientConfig: object }[];
  return {
    ...object,
    webhooks: webhooks.map((webhook) => ({ ...webhook, clientConfig: { ...webhook.clientConfig, caBundle } })),
  };
}
