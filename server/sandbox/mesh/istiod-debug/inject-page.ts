import { stringify } from 'yaml';
import { readMeshConfig } from '#control-plane';
import type { KubeStore } from '#kube-api';
import type { PodObject } from '../../kube-types.ts';
import { gatewayParts, type InjectedParts, sidecarParts } from '../injection-template.ts';
import { isNativeSidecar } from '../native-sidecars.ts';
import { effectiveProxySettings } from '../proxy-config.ts';
import { rootNamespace } from '../system.ts';

/** A pod that says nothing of itself. */
const POD: PodObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: '', namespace: '' },
  spec: { containers: [] },
};

/**
 * `/debug/inject`: what is put into pods, by the name of the template. Unlike istiod's, these are no Go templates: the lab's injector is
 * code, and what is shown is its part of a pod without name, labels, annotations and containers under the present mesh configuration.
 */
export function injectTemplates(store: KubeStore): Readonly<Record<'gateway' | 'sidecar', string>> {
  const { trustDomain } = readMeshConfig(store.get('ConfigMap', { namespace: rootNamespace, name: 'istio' }));
  const settings = effectiveProxySettings(store, { namespace: '', labels: {}, annotations: {} });
  const input = { pod: POD, settings, trustDomain };
  return {
    gateway: templateText(gatewayParts({ ...input, role: 'router' })),
    sidecar: templateText(sidecarParts({ ...input, role: 'sidecar' }, isNativeSidecar(store, POD))),
  };
}

function templateText({ proxy, native, init, volumes, securityContext }: InjectedParts): string {
  const initContainers = native ? [...init, proxy] : init;
  return stringify({
    spec: {
      ...(securityContext && { securityContext }),
      ...(initContainers.length > 0 && { initContainers }),
      ...(!native && { containers: [proxy] }),
      volumes,
    },
  });
}
