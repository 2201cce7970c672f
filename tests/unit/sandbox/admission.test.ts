import { describe, expect, it } from 'vitest';
import { coreKinds, createKindRegistry, createKubeStore } from '#kube-api';
import type { PodObject } from '../../../server/sandbox/kube-types.ts';
import { admit } from '../../../server/sandbox/mesh/admission.ts';
import { writeWebhooks } from '../../../server/sandbox/mesh/webhooks.ts';
import { manualClock } from '../../support/manual-clock.ts';

const OPTIONS = { changeId: 'test' };

const storeWith = (labels: Record<string, string>) => {
  const store = createKubeStore({ kinds: createKindRegistry(coreKinds), clock: manualClock() });
  store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels } }, OPTIONS);
  return store;
};

const pod = (annotations: Record<string, string> = {}): PodObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'cart', namespace: 'shop', annotations },
  spec: { containers: [{ name: 'cart', image: 'meshwork/service:1.0' }] },
});

const names = ({ spec }: PodObject) => ({
  init: (spec.initContainers ?? []).map(({ name }) => name),
  containers: spec.containers.map(({ name }) => name),
});

describe('a new pod in a namespace with injection', () => {
  it('gets a proxy while istiod runs', () => {
    const admitted = admit(storeWith({ 'istio-injection': 'enabled' }), pod(), true);
    expect(names(admitted)).toEqual({ init: ['istio-init'], containers: ['cart', 'istio-proxy'] });
  });

  it('gets the volumes and mounts that it names for its proxy', () => {
    const own = pod({
      'sidecar.istio.io/userVolume': '{"certs":{"secret":{"secretName":"web"}}}',
      'sidecar.istio.io/userVolumeMount': '{"certs":{"mountPath":"/etc/certs","readOnly":true}}',
    });
    const { spec } = admit(storeWith({ 'istio-injection': 'enabled' }), own, true);
    const volumes = spec['volumes'] as object[];
    expect(volumes.at(-1)).toEqual({ name: 'certs', secret: { secretName: 'web' } });
    const mounts = (name: string) =>
      (spec.containers.find((each) => each.name === name)?.['volumeMounts'] ?? []) as object[];
    expect(mounts('istio-proxy').at(-1)).toEqual({ name: 'certs', mountPath: '/etc/certs', readOnly: true });
    expect(mounts('cart')).toEqual([]);
    const wrong = pod({ 'sidecar.istio.io/userVolume': 'certs' });
    expect(() => admit(storeWith({ 'istio-injection': 'enabled' }), wrong, true)).toThrow(
      'failed to run injection template',
    );
  });

  it('is refused while istiod is gone, in the words of the API server', () => {
    const store = storeWith({ 'istio-injection': 'enabled' });
    const words =
      'Internal error occurred: failed calling webhook "namespace.sidecar-injector.istio.io": failed to call webhook: Post "https://istiod.istio-system.svc:443/inject?timeout=10s": no endpoints available for service "istiod"';
    expect(() => admit(store, pod(), false)).toThrow(words);
  });

  it('comes without a proxy where every webhook of the injector says Ignore', () => {
    const store = storeWith({ 'istio-injection': 'enabled' });
    writeWebhooks(store, 'test');
    const name = { namespace: '', name: 'istio-sidecar-injector' };
    const webhooks = store.get('MutatingWebhookConfiguration', name)?.['webhooks'] as object[];
    const ignoring = webhooks.map((webhook) => ({ ...webhook, failurePolicy: 'Ignore' }));
    store.patch('MutatingWebhookConfiguration', name, { webhooks: ignoring }, OPTIONS);
    const admitted = admit(store, pod(), false);
    expect(names(admitted)).toEqual({ init: [], containers: ['cart'] });
    expect(admitted.spec.serviceAccountName).toBe('default');
  });

  it('needs no istiod where nobody asks for a proxy', () => {
    expect(names(admit(storeWith({}), pod(), false)).containers).toEqual(['cart']);
  });

  it('has no init container for capture where an agent of the node sets it', () => {
    const late = pod({ 'lab.meshwork.dev/node-agent': 'late' });
    const admitted = admit(storeWith({ 'istio-injection': 'enabled' }), late, true);
    expect(names(admitted)).toEqual({ init: [], containers: ['cart', 'istio-proxy'] });
  });
});
