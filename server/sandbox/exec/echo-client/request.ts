import { readSeconds, UsageError } from '#shell';
import { type EchoRequest, MAX_ECHO_REQUESTS } from '#workloads';
import type { PodWorld } from '../pod-world.ts';

const DEFAULT_TIMEOUT_MS = 5000;
const SWITCHES = new Set([
  'http2',
  'insecure-skip-verify',
  'k',
  'server-first',
  'follow-redirects',
  'L',
  'new-connection-per-request',
  'force-dns-lookup',
  'ipv4',
  '4',
]);
const SETTINGS = new Set([
  'count',
  'qps',
  'timeout',
  'header',
  'H',
  'msg',
  'expect',
  'method',
  'ca',
  'client-cert',
  'client-key',
  'alpn',
  'server-name',
]);

/** Reads the flags as Istio's client has them. Throws UsageError. Source: pkg/test/echo/cmd/client of istio. */
export function readRequest(args: readonly string[], { files }: PodWorld): EchoRequest {
  const { values, url } = readArgs(args);
  const last = (name: string): string | undefined => values.get(name)?.at(-1);
  const list = (name: string): string[] | undefined => values.get(name)?.flatMap((text) => text.split(','));
  const file = (name: string): string | undefined => {
    const path = last(name);
    const text = path ? files.read(path) : undefined;
    if (path && text === undefined) throw new UsageError(`Error: open ${path}: no such file or directory`);
    return text;
  };
  const number = (name: string, fallback: number): number => {
    const text = last(name);
    if (text !== undefined && !/^\d+$/.test(text))
      throw new UsageError(`Error: invalid argument "${text}" for "--${name}" flag`);
    return Number(text ?? fallback);
  };
  const lines = [...(values.get('header') ?? []), ...(values.get('H') ?? [])].map(headerLine);
  const timeout = last('timeout');
  const timeoutMs = timeout === undefined ? DEFAULT_TIMEOUT_MS : readSeconds(timeout);
  if (timeoutMs === undefined) throw new UsageError(`Error: invalid argument "${timeout}" for "--timeout" flag`);
  return {
    url,
    scheme: url.slice(0, url.indexOf(':')).toLowerCase(),
    count: Math.min(number('count', 1) || 1, MAX_ECHO_REQUESTS),
    qps: number('qps', 0),
    timeoutMs,
    headers: lines.filter(([name]) => !isHost(name)),
    host: lines.find(([name]) => isHost(name))?.[1],
    method: last('method') ?? 'GET',
    message: last('msg') ?? 'HelloWorld',
    expected: last('expect'),
    http2: values.has('http2'),
    followsRedirects: values.has('follow-redirects') || values.has('L'),
    serverFirst: values.has('server-first'),
    tls: {
      alpn: list('alpn'),
      serverName: last('server-name'),
      ca: values.has('insecure-skip-verify') || values.has('k') ? undefined : file('ca'),
      cert: file('client-cert'),
      key: file('client-key'),
    },
  };
}

const isHost = (name: string): boolean => name.toLowerCase() === 'host';

function headerLine(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  if (colon < 0) throw new UsageError(`Error: invalid header format: "${line}" (want name:value)`);
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}

function readArgs(args: readonly string[]): { values: Map<string, string[]>; url: string } {
  const values = new Map<string, string[]>();
  const words: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    const [, name, inline] = /^--?([\w-]+)(?:=(.*))?$/s.exec(arg) ?? [];
    if (name === undefined) words.push(arg);
    else if (SWITCHES.has(name)) {
      if (inline !== 'false') values.set(name, ['true']);
    } else if (SETTINGS.has(name)) values.set(name, [...(values.get(name) ?? []), inline ?? args[++at] ?? '']);
    else throw new UsageError(`Error: unknown flag: ${arg.split('=', 1)[0]}`);
  }
  const [word] = words;
  if (words.length !== 1 || word === undefined)
    throw new UsageError(`Error: accepts 1 arg(s), received ${words.length}`);
  return { values, url: /^[a-z][a-z0-9+.-]*:\/\//i.test(word) ? word : `http://${word}` };
}
