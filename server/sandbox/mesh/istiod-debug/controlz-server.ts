import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type IstiodLog, isLogLevel } from './istiod-log.ts';

const MAX_BYTES = 64 * 1024;

/** The logging scopes of istiod's ControlZ (port 9876), which `istioctl admin log` reads and sets. Source: istio's pkg/ctrlz/topics/scopes.go. */
export function createControlzServer({ scopes }: IstiodLog): Server {
  const put = async (request: IncomingMessage, response: ServerResponse, name: string): Promise<void> => {
    const wanted = await readObject(request);
    if (wanted === undefined) return plain(response, 400, 'unable to decode request');
    const scope = scopes.get(name);
    if (scope === undefined) return plain(response, 400, `unknown scope name: ${name}`);
    const { output_level, stack_trace_level, log_callers } = wanted;
    if (isLogLevel(output_level)) scope.output_level = output_level;
    if (isLogLevel(stack_trace_level)) scope.stack_trace_level = stack_trace_level;
    scope.log_callers = log_callers === true;
    response.writeHead(202).end();
  };
  return createServer((request, response) => {
    const { pathname } = new URL(`/${(request.url ?? '/').replace(/^\/+/, '')}`, 'http://istiod');
    const [, topic, name = '', more] = pathname.split('/');
    if (topic !== 'scopej' || more !== undefined) return plain(response, 404, '404 page not found\n');
    if (request.method === 'PUT' && name !== '')
      return void put(request, response, name).catch(() => response.destroy());
    if (request.method !== 'GET') return plain(response, 405, '');
    if (name === '') return json(response, [...scopes.values()]);
    const scope = scopes.get(name);
    return scope ? json(response, scope) : plain(response, 400, `unknown scope name: ${name}`);
  });
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(`${JSON.stringify(value)}\n`);
}

async function readObject(request: IncomingMessage): Promise<Readonly<Record<string, unknown>> | undefined> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk;
    if (text.length > MAX_BYTES) return undefined;
  }
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
