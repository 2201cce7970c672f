import { serveAuthority } from '../../../mesh/grpc-authorities.ts';
import type { Arrived } from './hosts.ts';

interface Asked {
  readonly attributes: {
    readonly request: { http: { headers: Record<string, string>; method: string; path: string; id?: string } };
    readonly [part: string]: unknown;
  };
}

/** Headers that Istio's own filters and a tracer add, which a plain Envoy without them does not have. */
const OF_FILTERS = /^(x-envoy-peer-metadata(-id)?|x-b3-.*)$/;
/** Values that are one of a kind, or that tell which of two proxies asked. */
const OWN = new Set(['time', 'id', 'address', 'x-request-id', 'user-agent']);

/**
 * A service of envoy.service.auth.v3 whose answers stand in the requests that it is asked about: `x-check` holds a CheckResponse as JSON; without
 * one everything is allowed. `onAsked` gets what it was told of each.
 */
export const startAuthorizer = (
  address: string,
  onAsked: (id: string, asked: Omit<Arrived, 'host'>) => void,
): Promise<{ stop(): void }> =>
  serveAuthority(
    address,
    {
      proto: 'envoy/service/auth/v3/external_auth.proto',
      service: 'envoy.service.auth.v3.Authorization',
      method: 'Check',
    },
    (request, reply) => {
      const { attributes } = request as unknown as Asked;
      const { headers, method, path } = attributes.request.http;
      const told = JSON.stringify(attributes, (key, value: unknown) =>
        OF_FILTERS.test(key) ? undefined : OWN.has(key) ? '<own>' : sorted(value),
      );
      onAsked(headers['user-agent'] ?? '', { method: `CHECK ${method}`, path, headers: [], body: told, trailers: {} });
      reply(null, JSON.parse(headers['x-check'] ?? '{"status":{"code":0}}') as Record<string, unknown>);
    },
  );

/** Maps of protobuf have no order. */
const sorted = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
