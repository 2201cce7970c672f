import { type Command, UsageError } from '#shell';
import { forwardEcho } from '#workloads';
import type { PodWorld } from '../pod-world.ts';
import { readRequest } from './request.ts';

const EXIT_FAILED = 255;

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
    const forwarded = await forwardEcho(request, world, io.signal);
    if (forwarded === undefined)
      throw new UsageError(`Error: no protocol handler found for scheme ${request.scheme}`, EXIT_FAILED);
    if (io.signal.aborted) return 130;
    if ('outputs' in forwarded) {
      io.out(forwarded.outputs.map((text) => `${text}\n`).join(''));
      io.err(`${stamp(world)}\tinfo\tAll ${request.count} requests succeeded\n`);
      return 0;
    }
    io.err(`${stamp(world)}\tfatal\tError ${forwarded.error}\n`);
    return EXIT_FAILED;
  },
};

const stamp = ({ clock }: PodWorld): string => new Date(clock.now()).toISOString();
