import { serveAuthority } from '../../../mesh/grpc-authorities.ts';

interface Asked {
  readonly domain?: string;
  readonly descriptors?: readonly {
    readonly entries?: readonly { readonly key?: string; readonly value?: string }[];
  }[];
}

/**
 * A service of envoy.service.ratelimit.v3 that tells in the header `x-asked` of the answer what it was asked. An entry with the key `answer`
 * holds the RateLimitResponse as JSON; without one all is within its limits.
 */
export const startLimiter = (address: string): Promise<{ stop(): void }> =>
  serveAuthority(
    address,
    {
      proto: 'envoy/service/ratelimit/v3/rls.proto',
      service: 'envoy.service.ratelimit.v3.RateLimitService',
      method: 'ShouldRateLimit',
    },
    (request, reply) => {
      const { descriptors = [] } = request as Asked;
      const given = descriptors.flatMap(({ entries = [] }) => entries).find(({ key }) => key === 'answer')?.value;
      const answer = JSON.parse(given ?? '{"overall_code":"OK"}') as Record<string, unknown>;
      const asked = { key: 'x-asked', value: JSON.stringify(request) };
      reply(null, {
        ...answer,
        response_headers_to_add: [asked, ...((answer['response_headers_to_add'] as []) ?? [])],
      });
    },
  );
