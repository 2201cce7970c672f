import { errorMessage } from '#domain';
import { forwardGrpc } from './grpc.ts';
import { forwardHttp } from './http.ts';
import { type Forwarded, numbered } from './lines.ts';
import type { EchoRequest, EchoWorld } from './request.ts';
import { forwardTcp, forwardTls, forwardWebSocket } from './streams.ts';

const AT_ONCE = 20;

type Forward = (request: EchoRequest, world: EchoWorld) => Promise<Forwarded>;

const PROTOCOLS: ReadonlyMap<string, Forward> = new Map([
  ['http', forwardHttp],
  ['https', forwardHttp],
  ['grpc', forwardGrpc],
  ['tcp', forwardTcp],
  ['tls', forwardTls],
  ['ws', forwardWebSocket],
]);

/**
 * Sends what is asked for; resolves with what each request printed, or, when one fails, with the first error alone. Undefined for a scheme that
 * the client does not speak.
 */
export async function forwardEcho(
  request: EchoRequest,
  world: EchoWorld,
  signal: AbortSignal,
): Promise<{ readonly outputs: readonly string[] } | { readonly error: string } | undefined> {
  const forward = PROTOCOLS.get(request.scheme);
  if (forward === undefined) return undefined;
  const { outputs, errors } = await forwardAll(request, { forward, world, signal });
  const [first] = errors;
  if (first === undefined) return { outputs: outputs.map(numbered) };
  return { error: `${errors.length}/${request.count} requests had errors; first error: ${first}` };
}

/** All requests, a few at once, or one by one at a pace. */
async function forwardAll(
  request: EchoRequest,
  { forward, world, signal }: { readonly forward: Forward; readonly world: EchoWorld; readonly signal: AbortSignal },
): Promise<{ readonly outputs: readonly Forwarded[]; readonly errors: readonly string[] }> {
  const { count, qps, url } = request;
  const outputs: Forwarded[] = [];
  const errors: string[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count && !signal.aborted) {
      const index = next++;
      if (qps > 0) await new Promise<void>((resolve) => void world.clock.after(1000 / qps, resolve));
      try {
        outputs[index] = await forward(request, world);
      } catch (thrown) {
        errors.push(
          /^https?:/i.test(url) ? `${verb(request.method)} "${url}": ${errorMessage(thrown)}` : errorMessage(thrown),
        );
      }
    }
  };
  await Promise.all(Array.from({ length: qps > 0 ? 1 : Math.min(AT_ONCE, count) }, work));
  return { outputs, errors };
}

/** As Go names a request in an error: `Get`, `Post`. */
const verb = (method: string): string => method.slice(0, 1) + method.slice(1).toLowerCase();
