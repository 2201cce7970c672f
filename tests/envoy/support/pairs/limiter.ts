import { decodeMessage } from '#xds';
import { serveAuthority } from '../../../mesh/grpc-authorities.ts';

interface Asked {
  readonly domain?: string;
  readonly descriptors?: readonly {
    readonly entries?: readonly { readonly key?: string; readonly value?: string }[];
  }[];
}

/**
 * A service of envoy.service.ratelimit.v3 that tells in the header `x-asked` of the answer what it was asked. An entry with the key `answer`
 * holds the RateLimitResponse as JSON; without one all is within its limits. Questions with an entry `id` are told one by one: nobody sees
 * the answer to those that are asked at the end of a request.
 */
export const startLimiter = (
  address: string,
  onAsked: (id: string, question: string) => void,
): Promise<{ stop(): void }> =>
  serveAuthority(
    address,
    {
      proto: 'envoy/service/ratelimit/v3/rls.proto',
      service: 'envoy.service.ratelimit.v3.RateLimitService',
      method: 'ShouldRateLimit',
      read: (bytes) => decodeMessage('envoy.service.ratelimit.v3.RateLimitRequest', bytes) as Record<string, unknown>,
    },
    (request, reply) => {
      const { descriptors = [] } = request as Asked;
      const entries = descriptors.flatMap((one) => one.entries ?? []);
      const valueOf = (wanted: string): string | undefined => entries.find(({ key }) => key === wanted)?.value;
      const id = valueOf('id');
      if (id !== undefined) onAsked(id, JSON.stringify(request).replaceAll(id, '<id>'));
      const given = valueOf('answer');
      const answer = JSON.parse(given ?? '{"overall_code":"OK"}') as Record<string, unknown>;
      const asked = { key: 'x-asked', value: JSON.stringify(request) };
      reply(null, {
        ...answer,
        response_headers_to_add: [asked, ...((answer['response_headers_to_add'] as []) ?? [])],
      });
    },
  );
