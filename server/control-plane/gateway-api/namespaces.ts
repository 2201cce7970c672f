import { type KubeObject, selects } from '#domain';
import { compareText } from '../snapshot/config.ts';
import { namespaceOf, type ObjectIndex } from './objects.ts';
import type { GatewayApiGatewaySpec, Listener } from './types.ts';

const NAME_LABEL = 'kubernetes.io/metadata.name';

/**
 * Which hosts of which namespaces a listener serves, in the form of an Istio Gateway's `hosts`: `namespace/host`. A listener that nobody
 * may attach to keeps its host under the namespace `~`, so that its port and certificate are there.
 */
export function listenerHosts(listener: Listener, namespace: string, index: ObjectIndex): string[] {
  const host = listener.hostname ?? '*';
  const allowed = allowedNamespaces(listener, namespace, index).map((each) => `${each}/${host}`);
  return allowed.length === 0 ? [`~/${host}`] : allowed;
}

/** The namespaces whose routes may attach; `*` is all of them. */
function allowedNamespaces({ allowedRoutes }: Listener, own: string, { namespaces }: ObjectIndex): string[] {
  const { from, selector } = allowedRoutes?.namespaces ?? {};
  if (from === undefined || from === 'Same') return [own];
  if (from === 'All' || (from !== 'None' && selector === undefined)) return ['*'];
  if (selector === undefined) return [];
  return [...namespaces.values()]
    .filter((namespace) => selects(selector, namespaceLabels(namespace)))
    .map(({ metadata }) => metadata.name)
    .sort(compareText);
}

/** Whether ListenerSets of a namespace may attach to a Gateway. By default none may. */
export function allowsListenersFrom(gateway: KubeObject, namespace: string, { namespaces }: ObjectIndex): boolean {
  const rule = (gateway.spec as GatewayApiGatewaySpec).allowedListeners?.namespaces;
  switch (rule?.from) {
    case 'All':
      return true;
    case 'Same':
      return namespace === namespaceOf(gateway);
    case undefined:
    case 'Selector': {
      const object = namespaces.get(namespace);
      return rule?.selector !== undefined && object !== undefined && selects(rule.selector, namespaceLabels(object));
    }
    default:
      return false;
  }
}

const namespaceLabels = ({ metadata }: KubeObject): Readonly<Record<string, string>> => ({
  ...metadata.labels,
  [NAME_LABEL]: metadata.name,
});
