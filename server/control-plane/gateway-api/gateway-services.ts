import { type KubeObject, serviceHostname } from '#domain';
import { deploymentName, isManaged } from './classes.ts';
import type { Fault } from './conditions.ts';
import { namespaceOf } from './objects.ts';
import type { GatewayApiGatewaySpec } from './types.ts';

const NAME_OVERRIDE = 'gateway.istio.io/name-override';
const SERVICE_ACCOUNT = 'gateway.istio.io/service-account';
const SERVICE_TYPE = 'networking.istio.io/service-type';

export interface GatewayServices {
  /** Host names of the Services whose pods serve the Gateway. */
  readonly hosts: readonly string[];
  /** Something in the addresses that is passed over; the rest is in force. */
  readonly fault?: Fault;
}

/** The Services of a Gateway: its own where istiod deploys it, else those that its addresses name. */
export function gatewayServices(gateway: KubeObject): GatewayServices {
  const spec = gateway.spec as GatewayApiGatewaySpec;
  const namespace = namespaceOf(gateway);
  const { annotations = {} } = gateway.metadata;
  if (isManaged(spec)) {
    return { hosts: [serviceHostname(annotations[NAME_OVERRIDE] || deploymentName(gateway), namespace)] };
  }
  const addresses = spec.addresses ?? [];
  const isHost = ({ type }: (typeof addresses)[number]): boolean => type === undefined || type === 'Hostname';
  const hosts = addresses
    .filter(isHost)
    .map(({ value = '' }) => (value.includes('.') ? value : serviceHostname(value, namespace)));
  const skipped = addresses.filter((address) => !isHost(address)).map(({ value = '' }) => value);
  if (skipped.length > 0) {
    const message = `only Hostname is supported, ignoring [${skipped.join(' ')}]`;
    return { hosts, fault: { reason: 'UnsupportedAddress', message } };
  }
  if (annotations[SERVICE_TYPE] !== undefined) {
    const message = `annotation ${SERVICE_TYPE} is deprecated, use Spec.Infrastructure.Routeability`;
    return { hosts, fault: { reason: 'DeprecatedField', message } };
  }
  return { hosts };
}

/** The ServiceAccount that a managed Gateway's proxies run as; empty where somebody else deploys them. */
export function gatewayServiceAccount(gateway: KubeObject): string {
  if (!isManaged(gateway.spec as GatewayApiGatewaySpec)) return '';
  return gateway.metadata.annotations?.[SERVICE_ACCOUNT] || deploymentName(gateway);
}
