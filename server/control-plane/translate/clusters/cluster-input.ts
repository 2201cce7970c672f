import type { MergedDestinationRule, Owned } from '../../snapshot/destination-rules.ts';
import type { Subset } from '../../snapshot/istio-types.ts';
import type { Service, ServicePort } from '../../snapshot/services.ts';
import type { OutboundScope } from '../scope.ts';

/** What an outbound cluster is made from. */
export interface ClusterInput {
  readonly scope: OutboundScope;
  readonly service: Service;
  readonly port: ServicePort;
  readonly rule: MergedDestinationRule | undefined;
  readonly subset: Owned<Subset> | undefined;
  /** For a gateway between networks: named after the server name, without TLS of its own. */
  readonly sniDnat: boolean;
}
