import {
  type DeltaDiscoveryResponse,
  decodeResource,
  deltaDiscoveryRequest,
  deltaDiscoveryResponse,
  discoveryRequest,
  discoveryResponse,
  type NameTable,
  typeUrls,
} from '#xds';

/** What the agent says and hears on one ADS stream beside its Envoy. */
export interface AgentWords {
  /** Sent once Envoy has begun the stream, and so has said who it is. */
  first(): Buffer;
  /** What acknowledges a response; undefined for those that are Envoy's. */
  answer(response: Buffer): Buffer | undefined;
}

/**
 * Asks istiod for the table of names on Envoy's own stream, as Istio's agent does: Envoy never hears of it. Source: the handlers of
 * istio pkg/istio-agent/xds_proxy.go.
 */
export const nameTableStream = (take: (table: NameTable) => void): Readonly<Record<'delta' | 'sotw', AgentWords>> => ({
  delta: {
    first: () => deltaDiscoveryRequest.write({ typeUrl: typeUrls.nameTable }),
    answer(response) {
      const { typeUrl, nonce, resources }: DeltaDiscoveryResponse = deltaDiscoveryResponse.read(response);
      if (typeUrl !== typeUrls.nameTable) return undefined;
      for (const { resource } of resources) if (resource !== undefined) take(tableOf(resource.value));
      return deltaDiscoveryRequest.write({ typeUrl, responseNonce: nonce });
    },
  },
  sotw: {
    first: () => discoveryRequest.write({ typeUrl: typeUrls.nameTable }),
    answer(response) {
      const { typeUrl, versionInfo, nonce, resources } = discoveryResponse.read(response);
      if (typeUrl !== typeUrls.nameTable) return undefined;
      for (const { value } of resources) take(tableOf(value));
      return discoveryRequest.write({ typeUrl, versionInfo, responseNonce: nonce });
    },
  },
});

const tableOf = (value: Uint8Array): NameTable =>
  decodeResource({ typeUrl: typeUrls.nameTable, value }).json as NameTable;
