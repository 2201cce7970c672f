import { status } from '@grpc/grpc-js';
import { errorMessage } from '#domain';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { addRawService, type RawHandler, serveGrpc } from '../net/grpc-server.ts';
import { answer as respond, text } from '../respond.ts';
import { Counters } from './counters.ts';
import { RateLimitFigures } from './figures.ts';
import { answerJson } from './json.ts';
import { type JudgeSettings, judge, wrongRequest } from './judge.ts';
import { describeLimits, LimitConfigError, type LimitTable, readLimits } from './limits.ts';
import { type RateLimitRequest, type RateLimitResponse, readRequest, writeResponse } from './messages.ts';

const SERVICE = 'envoy.service.ratelimit.v3.RateLimitService';

/**
 * Envoy's global rate limit service: limits from the YAML files of $RUNTIME_ROOT/$RUNTIME_SUBDIRECTORY/config, gRPC on 8081, health on
 * 8080, the limits in force on 6070, and with USE_PROMETHEUS its figures on 9090. Unlike the published image it counts by itself: Redis is neither needed nor asked.
 */
export const ratelimitImage: WorkloadImage = {
  name: 'ratelimit',
  start: async (context) => {
    const { env } = context;
    const folder = [env['RUNTIME_ROOT'] ?? '/srv/runtime_data/current', env['RUNTIME_SUBDIRECTORY'], 'config']
      .filter((part) => part !== undefined && part !== '')
      .join('/');
    const figures = new RateLimitFigures(Number(env['NEAR_LIMIT_RATIO']) || undefined);
    const limits = new LimitFiles(context, folder, figures);
    limits.load();
    const answer = answerWith({ limits, figures, counters: new Counters(context.clock) }, context);
    if (isOn(env['USE_PROMETHEUS'])) await servePrometheus(context, figures);
    await context.listen(portOf(env['PORT'], 8080), (request, response) => {
      if (request.url === '/json') {
        answerJson(request, answer)
          .catch((thrown: unknown) => text(400, `${errorMessage(thrown)}\n`))
          .then((told) => respond(response, told));
        return;
      }
      const healthy = request.url === '/healthcheck';
      response.writeHead(healthy ? 200 : 404).end(healthy ? 'OK' : '404 page not found\n');
    });
    await context.listen(portOf(env['DEBUG_PORT'], 6070), (request, response) => {
      const known = request.url === '/rlconfig';
      const page = known
        ? describeLimits(limits.table() ?? new Map())
            .map((line) => `${line}\n`)
            .join('')
        : '404 page not found\n';
      response.writeHead(known ? 200 : 404).end(page);
    });
    const port = portOf(env['GRPC_PORT'], 8081);
    await serveGrpc(context, port, (server) =>
      addRawService(server, SERVICE, { ShouldRateLimit: shouldRateLimit(answer, figures) }),
    );
    context.log(`Listening for gRPC on ':${port}'`);
  },
};

const portOf = (text: string | undefined, fallback: number): number => Number(text) || fallback;

type Answer = { readonly response: RateLimitResponse } | { readonly refusal: string };

/** What a request is told, or why it cannot be answered. */
const answerWith =
  ({ limits: files, figures, counters }: Parts, { env }: ContainerContext) =>
  (request: RateLimitRequest): Answer => {
    const limits = files.table();
    const refusal = wrongRequest(request) ?? (limits === undefined ? 'no rate limit configuration loaded' : undefined);
    if (refusal === undefined && limits !== undefined)
      return { response: judge(request, { limits, counters, figures, settings: settingsOf(env) }) };
    figures.count('ratelimit.service.call.should_rate_limit.service_error');
    return { refusal: refusal ?? '' };
  };

interface Parts {
  readonly limits: LimitFiles;
  readonly figures: RateLimitFigures;
  readonly counters: Counters;
}

async function servePrometheus(context: ContainerContext, figures: RateLimitFigures): Promise<void> {
  const { env } = context;
  const path = env['PROMETHEUS_PATH'] || '/metrics';
  await context.listen(portOf(env['PROMETHEUS_ADDR']?.split(':').at(-1), 9090), (request, response) => {
    const known = request.url === path;
    if (known) response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8');
    response.writeHead(known ? 200 : 404).end(known ? figures.page() : '404 page not found\n');
  });
}

const isOn = (text: string | undefined): boolean => /^(1|t|true)$/i.test(text ?? '');

function settingsOf(env: Readonly<Record<string, string>>): JudgeSettings {
  return {
    shadow: isOn(env['SHADOW_MODE']),
    quota: isOn(env['QUOTA_MODE']),
    headers: isOn(env['LIMIT_RESPONSE_HEADERS_ENABLED'])
      ? [
          env['LIMIT_LIMIT_HEADER'] ?? 'RateLimit-Limit',
          env['LIMIT_REMAINING_HEADER'] ?? 'RateLimit-Remaining',
          env['LIMIT_RESET_HEADER'] ?? 'RateLimit-Reset',
        ]
      : undefined,
    tellsMetadata: isOn(env['RESPONSE_DYNAMIC_METADATA']),
  };
}

const shouldRateLimit =
  (answer: (request: RateLimitRequest) => Answer, figures: RateLimitFigures): RawHandler =>
  (call, callback) => {
    figures.count('ratelimit_server.ShouldRateLimit.total_requests');
    const given = answer(readRequest(call.request));
    if ('refusal' in given) callback({ code: status.UNKNOWN, details: given.refusal });
    else callback(null, writeResponse(given.response));
  };

/** The limits in force: those of the files as they are, or the last that could be used; undefined: none could. */
class LimitFiles {
  readonly #context: ContainerContext;
  readonly #folder: string;
  readonly #figures: RateLimitFigures;
  #seen: string | undefined;
  #table: LimitTable | undefined;

  constructor(context: ContainerContext, folder: string, figures: RateLimitFigures) {
    this.#context = context;
    this.#folder = folder;
    this.#figures = figures;
  }

  table(): LimitTable | undefined {
    this.load();
    return this.#table;
  }

  /** Reads the files when they have changed. */
  load(): void {
    const files = this.#read();
    const seen = JSON.stringify(files);
    if (seen === this.#seen) return;
    this.#seen = seen;
    try {
      this.#table = readLimits(files, { mergesDomains: isOn(this.#context.env['MERGE_DOMAIN_CONFIG']) });
      this.#figures.count('ratelimit.service.config_load_success');
      this.#context.log(`Successfully loaded new configuration`);
    } catch (thrown) {
      if (!(thrown instanceof LimitConfigError)) throw thrown;
      this.#figures.count('ratelimit.service.config_load_error');
      this.#context.log(`Error loading new configuration: ${errorMessage(thrown)}`);
    }
  }

  #read(): { readonly name: string; readonly text: string }[] {
    return this.#context
      .listFiles(this.#folder)
      .filter((path) => /\/[^/.][^/]*\.ya?ml$/.test(path))
      .map((path) => ({ name: path, text: this.#context.readFile(path)?.toString('utf8') ?? '' }));
  }
}
