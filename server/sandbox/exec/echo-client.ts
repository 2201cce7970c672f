import { type Command, readSeconds, UsageError } from '#shell';
import type { FetchInit, FetchResponse } from '#workloads';
import type { PodWorld } from './pod-world.ts';

const VALUE_FLAGS = new Set([
  'count',
  'qps',
  'timeout',
  'header',
  'H',
  'msg',
  'method',
  'server-name',
  'ca',
  'client-cert',
  'client-key',
  'alpn',
  'expect',
]);
const MAX_COUNT = 10_000;

/** `client` of Istio's echo image: sends requests and prints the request and the answer, each line with its number. */
export const echoClient: Command<PodWorld> = {
  name: 'client',
  summary: 'send requests and print what is echoed',
  manual: 'client [--count n] [-H name:value] [--method m] [--timeout t] url',
  run: async (args, io, world) => {
    const { values, url } = readArgs(args);
    const count = Math.min(Number(values.get('count')?.[0] ?? 1), MAX_COUNT);
    const init: FetchInit = {
      method: values.get('method')?.[0] ?? 'GET',
      headers: headersOf([...(values.get('header') ?? []), ...(values.get('H') ?? [])]),
      timeoutMs: readSeconds(values.get('timeout')?.[0] ?? '') ?? 5000,
      signal: io.signal,
    };
    let failed = 0;
    for (let index = 0; index < count && !io.signal.aborted; index++) {
      const startedMs = world.clock.monotonic();
      io.out(`[${index}] Url=${url}\n`);
      for (const [name, value] of Object.entries(init.headers ?? {})) io.out(`[${index}] Header=${name}:${value}\n`);
      const outcome = await world.fetch(url, init).catch((error: unknown) => error as Error);
      if (outcome instanceof Error) {
        failed++;
        io.out(`[${index} error] ${outcome.message}\n`);
      } else io.out(report(index, outcome, world.clock.monotonic() - startedMs));
    }
    if (failed === 0) return 0;
    io.err(`Error: ${failed}/${count} requests had errors\n`);
    return 1;
  },
};

function readArgs(args: readonly string[]): { values: Map<string, string[]>; url: string } {
  const values = new Map<string, string[]>();
  let url: string | undefined;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    const [, name, inline] = /^--?([\w-]+)(?:=(.*))?$/s.exec(arg) ?? [];
    if (name === undefined) url = arg;
    else
      values.set(name, [...(values.get(name) ?? []), inline ?? (VALUE_FLAGS.has(name) ? (args[++at] ?? '') : 'true')]);
  }
  if (url === undefined) throw new UsageError('Error: accepts 1 arg(s), received 0');
  return { values, url };
}

const headersOf = (lines: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(':')).trim().toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  );

function report(index: number, { status, headers, body }: FetchResponse, tookMs: number): string {
  const lines = [`[${index}] StatusCode=${status}`, `[${index}] Latency=${tookMs.toFixed(3)}ms`];
  for (const [name, value] of Object.entries(headers)) lines.push(`[${index}] ResponseHeader=${name}:${value}`);
  for (const line of body.toString('utf8').split('\n')) if (line !== '') lines.push(`[${index} body] ${line}`);
  return `${lines.join('\n')}\n`;
}
