import type { HealthCheckPolicy } from '../../config/health-check-config.ts';
import type { Host } from '../host.ts';

export type FailureType = 'ACTIVE' | 'PASSIVE' | 'NETWORK' | 'NETWORK_TIMEOUT';

/** What happened, as the field of envoy.data.core.v3.HealthCheckEvent that tells it. */
export type HealthEvent =
  | { readonly eject_unhealthy_event: { readonly failure_type: FailureType; readonly http_status_code: number } }
  | { readonly add_healthy_event: { readonly first_check: boolean } }
  | { readonly successful_health_check_event: object }
  | {
      readonly health_check_failure_event: {
        readonly failure_type: FailureType;
        readonly first_check: boolean;
        readonly http_status_code: number;
      };
    }
  | { readonly degraded_healthy_host: object }
  | { readonly no_longer_degraded_host: object };

export interface EventPlace {
  readonly cluster: string;
  readonly kind: HealthCheckPolicy['probe']['kind'];
  readonly nowMs: number;
}

/** One line of Envoy's health check event log. */
export function eventLine(
  event: HealthEvent,
  { address, endpoint }: Host,
  { cluster, kind, nowMs }: EventPlace,
): string {
  const [region = '', zone = '', sub_zone = ''] = endpoint.locality.key.split('/');
  return JSON.stringify({
    health_checker_type: kind,
    host: {
      socket_address: {
        protocol: 'TCP',
        address: address.ip,
        port_value: address.port,
        resolver_name: '',
        ipv4_compat: false,
        network_namespace_filepath: '',
      },
    },
    cluster_name: cluster,
    timestamp: new Date(nowMs).toISOString(),
    ...event,
    locality: { region, zone, sub_zone },
  });
}
