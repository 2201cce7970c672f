import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { type Clock, errorMessage, MeshworkError } from '#domain';
import type { AppMetrics, ProxyNetwork } from '../doors.ts';

/** The published agent's own limit of a body; more is not read. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;
/** When Prometheus does not tell its own limit. */
const DEFAULT_TIMEOUT_MS = 10_000;
const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8';
const PASSED_ON = ['accept', 'user-agent', 'x-prometheus-scrape-timeout-seconds'];

export interface Scraped {
  readonly contentType: string;
  readonly body: Buffer;
  /** The application was asked and told nothing. */
  readonly failed: boolean;
}

export interface Scraper {
  readonly network: ProxyNetwork;
  readonly clock: Clock;
  readonly onLog: (line: string) => void;
}

/**
 * What the application tells about itself, for the agent's /stats/prometheus: it goes after the proxy's own figures, and its format is
 * the answer's. Without it, or when it fails (which is logged), the body is empty. Source: handleStats and scrape in
 * istio pilot/cmd/pilot-agent/status/server.go.
 */
export async function scrapeApp(
  { network, clock, onLog }: Scraper,
  target: AppMetrics | undefined,
  headers: IncomingHttpHeaders,
): Promise<Scraped> {
  const nothing = { contentType: TEXT_FORMAT, body: Buffer.alloc(0), failed: false };
  if (target === undefined) return nothing;
  try {
    const { contentType, body } = await get({ network, clock }, target, headers);
    return {
      contentType: contentType.startsWith('application/openmetrics-text') ? contentType : TEXT_FORMAT,
      body,
      failed: false,
    };
  } catch (thrown) {
    onLog(
      `${new Date(clock.now()).toISOString()}\terror\tfailed scraping application metrics: ${errorMessage(thrown)}`,
    );
    return { ...nothing, failed: true };
  }
}

type Answer = Pick<Scraped, 'contentType' | 'body'>;

function get(
  { network, clock }: Pick<Scraper, 'network' | 'clock'>,
  { port, path }: AppMetrics,
  headers: IncomingHttpHeaders,
): Promise<Answer> {
  const url = `http://localhost:${port}${path.startsWith('/') ? path : `/${path}`}`;
  const seconds = Number(headers['x-prometheus-scrape-timeout-seconds']);
  const timeoutMs = seconds > 0 ? Math.min(seconds * 1000, 60_000) : DEFAULT_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    const passed = PASSED_ON.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]] as const]));
    const sent = httpRequest(url, {
      headers: Object.fromEntries(passed),
      createConnection: () => network.connect({ ip: network.podIp, port }, { toApp: true }),
    });
    const fail = (why: string): void => {
      sent.destroy();
      reject(new MeshworkError('APP_METRICS_FAILED', `error scraping ${url}${why}`));
    };
    const timer = clock.after(timeoutMs, () => fail(`: no answer within ${timeoutMs} ms`));
    sent.on('close', () => timer.cancel());
    sent.on('error', (error) => fail(`: ${errorMessage(error)}`));
    sent.on('response', (response) => {
      if (response.statusCode !== 200) fail(`, status code: ${response.statusCode}`);
      else collect(response, resolve, fail);
    });
    sent.end();
  });
}

function collect(response: IncomingMessage, done: (answer: Answer) => void, fail: (why: string) => void): void {
  const chunks: Buffer[] = [];
  let size = 0;
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) fail(`: more than ${MAX_BODY_BYTES} bytes`);
    else chunks.push(chunk);
  });
  response.on('aborted', () => fail(': the answer was cut off'));
  response.on('end', () =>
    done({ contentType: String(response.headers['content-type'] ?? ''), body: Buffer.concat(chunks) }),
  );
}
