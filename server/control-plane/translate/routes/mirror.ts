import type { FractionalPercent } from '#xds';
import type { Destination, HttpRoute } from '../../snapshot/istio-types.ts';
import type { IstioMirrorPolicy } from '../envoy-types.ts';
import { fraction, wholePercent } from './percentages.ts';

export interface Mirror {
  readonly policy: IstioMirrorPolicy;
  /** Field path under the rule: `mirror`, `mirrors[1]`. */
  readonly field: string;
}

/** Copies of requests, whose answers nobody reads. No percentage means all requests, an explicit 0 means none. */
export function translateMirrors(route: HttpRoute, clusterOf: (destination: Destination) => string): Mirror[] {
  const wanted = [
    ...(route.mirror ? [{ destination: route.mirror, share: mainShare(route), field: 'mirror' }] : []),
    ...(route.mirrors ?? []).flatMap(({ destination, percentage }, i) =>
      destination === undefined
        ? []
        : [{ destination, share: percentage ? fraction(percentage) : wholePercent(100), field: `mirrors[${i}]` }],
    ),
  ];
  return wanted
    .filter(({ share }) => (share.numerator ?? 0) > 0)
    .map(({ destination, share, field }) => ({
      field,
      policy: {
        cluster: clusterOf(destination),
        runtime_fraction: { default_value: share },
        trace_sampled: false,
        disable_shadow_host_suffix_append: true,
      },
    }));
}

function mainShare(route: HttpRoute): FractionalPercent {
  if (route.mirrorPercentage !== undefined) return fraction(route.mirrorPercentage);
  return wholePercent(route.mirrorPercent ?? route.mirror_percent ?? 100);
}
