import { errorMessage } from '#domain';
import { type Command, UsageError } from '#shell';
import type { PodWorld } from '../pod-world.ts';
import { forwardGrpc } from './grpc.ts';
import { forwardHttp } from './http.ts';
import { type Forwarded, numbered } from './lines.ts';
import { type EchoRequest, readRequest } from './request.ts';
import { forwardTcp, forwardTls, forwardWebSocket } from './streams.ts';

const AT_ONCE = 20;
const EXIT_FAILED = 255;

type Forward = (request: EchoRequest, world: PodWorld) => Promise<Forwarded>;

const PROTOCOLS: ReadonlyMap<string, Forward> = new Map([
  ['http', forwardHttp],
  ['https', forwardHttp],
  ['grpc', forwardGrpc],
  ['tcp', forwardTcp],
  ['tls', forwardTls],
  ['ws', forwardWebSocket],
]);

/**
 * `client` of Istio's and the Gateway API's echo images: sends requests and prints each with its answer, every line with its number. When one
 * fails, nothing but the first error is told. Source: pkg/test/echo/server/forwarder of istio.
 */
export const echoClient: Command<PodWorld> = {
  name: 'client',
  summary: 'send requests and print what is echoed',
  manual:
    'client [--count n] [-H name:value] [--method m] [--http2] [-L] [--msg text] [--timeout t] http|https|grpc|ws|tcp|tls://host:port/path',
  run: async (args, io, world) => {
    const request = readRequest(args, world);
    const forward = PROTOCOLS.get(request.scheme);
    if (forward === undefined)
      throw new UsageError(`Error: no protocol handler found for scheme ${request.scheme}`, EXIT_FAILED);
    const { outputs, errors } = await forwardAll(request, { forward, world, signal: io.signal });
    if (io.signal.aborted) return 130;
    const [first] = errors;
    if (first === undefined) {
      io.out(outputs.map((lines, index) => `${numbered(lines, index)}\n`).join(''));
      io.err(`${stamp(world)}\tinfo\tAll ${request.count} requests succeeded\n`);
      return 0;
    }
    const told = `${errors.length}/${request.count} requests had errors; first error: ${first}`;
    io.err(`${stamp(world)}\tfatal\tError ${told}\n`);
    return EXIT_FAILED;
  },
};

const stamp = ({ clock }: PodWorld): string => new Date(clock.now()).toISOString();

/** All requests, a few at once, or one by one at a pace. */
async function forwardAll(
  request: EchoRequest,
  { forward, world, signal }: { readonly forward: Forward; readonly world: PodWorld; readonly signal: AbortSignal },
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
        if (thrown instanceof UsageError) throw thrown;
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
