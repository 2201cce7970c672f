import type { KubeObject } from '#domain';
import type { PodObject, TrialSource } from '#sandbox';
import { UsageError } from '../command.ts';

/** Whose request it is. */
export interface RequestSource extends TrialSource {
  /** What had to be assumed because no file says it. */
  readonly assumed?: string;
}

const UNKNOWN_POD_IP = '10.244.250.1';
const GATEWAY_PREFIX = 'gateway:';
const ROOT_NAMESPACE = 'istio-system';

interface IstioGateway extends KubeObject {
  readonly spec?: { readonly selector?: Readonly<Record<string, string>> };
}

/** `NS/WORKLOAD` or `gateway:NS/NAME`. Throws `UsageError` when a gateway does not exist. */
export function findSource(from: string, objects: readonly KubeObject[]): RequestSource {
  const pods = objects.filter((object): object is PodObject => object.kind === 'Pod' && object.apiVersion === 'v1');
  if (from.startsWith(GATEWAY_PREFIX))
    return gatewaySource(split(from.slice(GATEWAY_PREFIX.length), from), objects, pods);
  return workloadSource(split(from, from), pods);
}

function split(text: string, whole: string): { namespace: string; name: string } {
  const [namespace, name, ...more] = text.split('/');
  if (!namespace || !name || more.length > 0) {
    throw new UsageError(`--from is NAMESPACE/WORKLOAD or gateway:NAMESPACE/NAME, not "${whole}"`);
  }
  return { namespace, name };
}

/** A pod of this name, of a Deployment of this name, with this `app` label: the first that there is. */
function workloadSource(
  { namespace, name }: { namespace: string; name: string },
  pods: readonly PodObject[],
): RequestSource {
  const own = pods.filter(({ metadata }) => (metadata.namespace ?? 'default') === namespace);
  const pod =
    own.find(({ metadata }) => metadata.name === name) ??
    own.find(({ metadata }) => metadata.name.replace(/-[a-z0-9]{6,10}-[a-z0-9]{5}$/, '') === name) ??
    own.find(
      ({ metadata }) => metadata.labels?.['app'] === name || metadata.labels?.['app.kubernetes.io/name'] === name,
    );
  if (pod !== undefined) return { role: 'sidecar', pod };
  return {
    role: 'sidecar',
    pod: madeUp(name, namespace, { app: name }),
    assumed: `no object describes ${namespace}/${name}: a pod with a sidecar and the label app: ${name} stands in for it`,
  };
}

function gatewaySource(
  { namespace, name }: { namespace: string; name: string },
  objects: readonly KubeObject[],
  pods: readonly PodObject[],
): RequestSource {
  const gateways = objects.filter(({ kind, metadata }) => kind === 'Gateway' && metadata.name === name);
  const gateway = gateways.find(({ metadata }) => (metadata.namespace ?? 'default') === namespace);
  if (gateway === undefined) {
    const others = objects
      .filter(({ kind }) => kind === 'Gateway')
      .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    const known = others.length === 0 ? 'the files hold no Gateway' : `there are ${others.join(', ')}`;
    throw new UsageError(`there is no Gateway ${namespace}/${name}; ${known}`);
  }
  const ofKubernetes = gateway.apiVersion.startsWith('gateway.networking.k8s.io/');
  const selector = ofKubernetes
    ? { 'gateway.networking.k8s.io/gateway-name': name }
    : ((gateway as IstioGateway).spec?.selector ?? {});
  const home = ofKubernetes ? namespace : undefined;
  const pod = pods.find(
    ({ metadata }) =>
      (home === undefined || metadata.namespace === home) &&
      Object.entries(selector).every(([label, value]) => metadata.labels?.[label] === value),
  );
  if (pod !== undefined) return { role: 'router', pod };
  const labels = Object.entries(selector).map(([label, value]) => `${label}: ${value}`);
  return {
    role: 'router',
    pod: madeUp(ofKubernetes ? `${name}-istio` : 'istio-ingressgateway', home ?? ROOT_NAMESPACE, selector),
    assumed: `no pod is selected by ${namespace}/${name}: a gateway proxy with ${labels.join(', ') || 'no labels'} stands in for it`,
  };
}

const madeUp = (name: string, namespace: string, labels: Readonly<Record<string, string>>): PodObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels },
  spec: { containers: [] },
  status: { phase: 'Running', podIP: UNKNOWN_POD_IP },
});
