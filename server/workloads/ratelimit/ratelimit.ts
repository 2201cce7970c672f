import { status } from '@grpc/grpc-js';
import { errorMessage } from '#domain';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { addRawService, type RawHandler, serveGrpc } from '../net/grpc-server.ts';
import { Counters } from './counters.ts';
import { describeLimits, findLimit, type Limit, LimitConfigError, type LimitTable, readLimits } from './limits.ts';
import {
  type AskedDescriptor,
  type DescriptorStatus,
  type RateLimitRequest,
  readRequest,
  writeResponse,
} from './messages.ts';

const SERVICE = 'envoy.service.ratelimit.v3.RateLimitService';
const MAX_UINT32 = 4_294_967_295;

/**
 * Envoy's global rate limit service: limits from the YAML files of $RUNTIME_ROOT/$RUNTIME_SUBDIRECTORY/config, gRPC on 8081, health on
 * 8080, the limits in force on 6070. Unlike the published image it counts by itself: Redis is neither needed nor asked.
 */
export const ratelimitImage: WorkloadImage = {
  name: 'ratelimit',
  start: async (context) => {
    const { env } = context;
    const folder = [env['RUNTIME_ROOT'] ?? '/srv/runtime_data/current', env['RUNTIME_SUBDIRECTORY'], 'config']
      .filter((part) => part !== undefined && part !== '')
      .join('/');
    const limits = new LimitFiles(context, folder);
    if (!limits.load()) {
      context.exits(Promise.resolve(2));
      return;
    }
    const counters = new Counters(context.clock);
    await context.listen(portOf(env['PORT'], 8080), (request, response) => {
      const healthy = request.url === '/healthcheck';
      response.writeHead(healthy ? 200 : 404).end(healthy ? 'OK' : '404 page not found\n');
    });
    await context.listen(portOf(env['DEBUG_PORT'], 6070), (request, response) => {
      const known = request.url === '/rlconfig';
      const text = known
        ? describeLimits(limits.table())
            .map((line) => `${line}\n`)
            .join('')
        : '404 page not found\n';
      response.writeHead(known ? 200 : 404).end(text);
    });
    const port = portOf(env['GRPC_PORT'], 8081);
    await serveGrpc(context, port, (server) =>
      addRawService(server, SERVICE, { ShouldRateLimit: shouldRateLimit(() => limits.table(), counters) }),
    );
    context.log(`Listening for gRPC on ':${port}'`);
  },
};

const portOf = (text: string | undefined, fallback: number): number => Number(text) || fallback;

const shouldRateLimit =
  (table: () => LimitTable, counters: Counters): RawHandler =>
  (call, callback) => {
    const request = readRequest(call.request);
    const refusal = wrong(request);
    if (refusal !== undefined) {
      callback({ code: status.UNKNOWN, details: refusal });
      return;
    }
    const limits = table();
    callback(
      null,
      writeResponse(request.descriptors.map((descriptor) => judge(descriptor, { request, limits, counters }))),
    );
  };

function wrong({ domain, descriptors }: RateLimitRequest): string | undefined {
  if (domain === '') return 'rate limit domain must not be empty';
  return descriptors.length === 0 ? 'rate limit descriptor list must not be empty' : undefined;
}

interface Judging {
  readonly request: RateLimitRequest;
  readonly limits: LimitTable;
  readonly counters: Counters;
}

function judge(descriptor: AskedDescriptor, { request, limits, counters }: Judging): DescriptorStatus {
  const limit = limitOf(descriptor, request.domain, limits);
  if (limit === undefined) return { over: false };
  if (limit.unlimited) return { over: false, limit, remaining: MAX_UINT32 };
  const hits = descriptor.hits ?? request.hits;
  const { over, remaining, resetSeconds } = counters.add(request.domain, descriptor.entries, { limit, hits });
  return { over: over && !limit.shadow, limit, remaining, resetSeconds };
}

function limitOf({ entries, limit }: AskedDescriptor, domain: string, limits: LimitTable): Limit | undefined {
  if (limit === undefined || !limits.has(domain)) return findLimit(limits, domain, entries);
  return { ...limit, name: domain, unlimited: false, shadow: false };
}

/** The limits in force: those of the files as they are, or the last that could be used. */
class LimitFiles {
  readonly #context: ContainerContext;
  readonly #folder: string;
  #seen: string | undefined;
  #table: LimitTable = new Map();

  constructor(context: ContainerContext, folder: string) {
    this.#context = context;
    this.#folder = folder;
  }

  table(): LimitTable {
    this.load();
    return this.#table;
  }

  /** Reads the files when they have changed; false: they cannot be used. */
  load(): boolean {
    const files = this.#read();
    const seen = JSON.stringify(files);
    if (seen === this.#seen) return true;
    this.#seen = seen;
    try {
      this.#table = readLimits(files);
      this.#context.log(`Successfully loaded new configuration`);
      return true;
    } catch (thrown) {
      if (!(thrown instanceof LimitConfigError)) throw thrown;
      this.#context.log(`Error loading new configuration: ${errorMessage(thrown)}`);
      return false;
    }
  }

  #read(): { readonly name: string; readonly text: string }[] {
    return this.#context
      .listFiles(this.#folder)
      .filter((path) => /\/[^/.][^/]*\.ya?ml$/.test(path))
      .map((path) => ({ name: path, text: this.#context.readFile(path)?.toString('utf8') ?? '' }));
  }
}
