import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { AgentMetrics } from './agent-metrics.ts';
import type { Scraped } from './app-metrics.ts';

const PLAIN = { 'content-type': 'text/plain; charset=utf-8' };

export interface AgentPortSources {
  /** The pod's address. */
  readonly ip: string;
  /** The agent's own figures. */
  readonly agent: AgentMetrics;
  /** What the application says of itself. */
  readonly scrapeApp: (headers: IncomingHttpHeaders) => Promise<Scraped>;
  /** What the proxy says of itself, in Prometheus' text format. */
  readonly proxyMetrics: () => string | Promise<string>;
  readonly ready: () => boolean | Promise<boolean>;
  /** The proxy ends, as its container then does. */
  readonly quit: () => void;
  /** Inbound connections end; listeners stay. */
  readonly drain: () => void;
}

/** Answers Istio's readiness probe, `/healthz/ready`. */
export function readinessPage(
  ready: AgentPortSources['ready'],
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    if (pathOf(request) !== '/healthz/ready') response.writeHead(404).end();
    else Promise.resolve(ready()).then((is) => response.writeHead(is ? 200 : 503).end());
  };
}

/** What Istio's agent serves on port 15020: its own metrics, the proxy's, then the application's; readiness; commands for the pod's programs. */
export function agentPort(sources: AgentPortSources): (request: IncomingMessage, response: ServerResponse) => void {
  const readiness = readinessPage(sources.ready);
  return (request, response) => {
    switch (pathOf(request)) {
      case '/healthz/ready':
        return readiness(request, response);
      case '/quitquitquit':
        return command(sources.ip, sources.quit, request, response);
      case '/drain':
        return command(sources.ip, sources.drain, request, response);
      case '/stats/prometheus':
      case '/metrics':
        merge(sources, request, response);
        return;
      default:
        response.writeHead(404, PLAIN).end('404 page not found\n');
    }
  };
}

const pathOf = ({ url = '/' }: IncomingMessage): string => url.split('?')[0] ?? url;

/** Source: handleStats in istio pilot/cmd/pilot-agent/status/server.go: what cannot be told is left out and counted. */
async function merge(
  { agent, scrapeApp, proxyMetrics }: AgentPortSources,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  agent.scraped();
  const [{ contentType, body, failed }, proxy] = await Promise.all([
    scrapeApp(request.headers),
    Promise.resolve(proxyMetrics()).catch(() => undefined),
  ]);
  if (failed) agent.failed('application');
  if (proxy === undefined) agent.failed('envoy');
  response.writeHead(200, { 'content-type': contentType });
  response.write(agent.text());
  if (proxy !== undefined) response.write(proxy);
  response.end(body);
}

/** For programs of this pod alone. Source: handleQuit and handleDrain in istio pilot/cmd/pilot-agent/status/server.go. */
function command(ip: string, run: () => void, { method, socket }: IncomingMessage, response: ServerResponse): void {
  const isLocal = socket.remoteAddress === ip || socket.remoteAddress === '127.0.0.1';
  if (!isLocal) response.writeHead(403, PLAIN).end('Only requests from localhost are allowed\n');
  else if (method !== 'POST') response.writeHead(405, PLAIN).end('Method Not Allowed\n');
  else {
    response.writeHead(200).end('OK');
    response.once('close', run);
  }
}
