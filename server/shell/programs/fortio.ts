import { type Clock, errorMessage } from '#domain';
import type { FetchInit, FetchResponse } from '#workloads';
import { type CommandIo, UsageError } from '../command.ts';
import { readSeconds } from '../flags.ts';

export const FORTIO_MANUAL = `fortio curl [-quiet] [-timeout time] [-H 'name: value'] <url>
Sends one request and prints the answer with its head.
fortio load [-c connections] [-qps rate] [-n calls | -t time] [-timeout time] [-p 50,99] [-H 'name: value'] <url>
Sends load and counts the answers. -qps 0 means as fast as the connections allow. Every call has a connection of its own (-keepalive=false). Bounds here: -c 64, -n 20000, -t 60s, -qps 2000.`;

const DEFAULT_TIMEOUT_MS = 3000;
const MAX_TIMEOUT_MS = 60_000;
const MAX_REASONS = 3;
/** Flags without a value that change nothing here. */
const SILENT: ReadonlySet<string> = new Set(['quiet', 'a', 'allow-initial-errors', 'nocatchup', 'stdclient']);

export interface LoadOptions {
  readonly io: CommandIo;
  readonly clock: Clock;
  readonly fetch: (url: string, init?: FetchInit) => Promise<FetchResponse>;
}

interface Plan {
  readonly url: string;
  /** A single request whose answer is shown. */
  readonly once: boolean;
  readonly connections: number;
  readonly qps: number;
  readonly calls: number;
  readonly timeMs: number;
  readonly headers: Record<string, string>;
  readonly timeoutMs: number;
  readonly percentiles: readonly number[];
}

/** Runs `fortio curl …`, or `fortio load …` and prints what fortio prints: code counts, share, and the latency percentiles. */
export function runFortio(args: readonly string[], options: LoadOptions): Promise<number> {
  const plan = readPlan(args);
  return plan.once ? callOnce(plan, options) : load(plan, options);
}

/** One request. Head and body of its answer are told; 1 where there is none, or where it has an error's status. */
async function callOnce({ url, headers, timeoutMs }: Plan, { io, fetch }: LoadOptions): Promise<number> {
  try {
    const { status, headers: named, head, body } = await fetch(url, { headers, timeoutMs, signal: io.signal });
    const lines = head?.lines ?? Object.entries(named);
    io.err(`HTTP/${head?.version ?? '1.1'} ${status} ${head?.reason ?? ''}\r\n`);
    io.err(`${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
    io.out(body.toString('utf8'));
    return status < 200 || status >= 400 ? 1 : 0;
  } catch (error) {
    if (io.signal.aborted) return 130;
    io.err(`no answer: ${errorMessage(error)}\n`);
    return 1;
  }
}

async function load(plan: Plan, { io, clock, fetch }: LoadOptions): Promise<number> {
  io.err(
    `Fortio load: ${plan.url}, ${plan.connections} connections, ${plan.qps === 0 ? 'max' : plan.qps} qps, ${
      Number.isFinite(plan.calls) ? `${plan.calls} calls` : `${plan.timeMs / 1000} s`
    }\n`,
  );
  const counts = new Map<number, number>();
  const latencies: number[] = [];
  const reasons = new Set<string>();
  const startedMs = clock.monotonic();
  let taken = 0;
  let reportedMs = startedMs;

  const worker = async (): Promise<void> => {
    for (;;) {
      const index = taken++;
      if (index >= plan.calls || io.signal.aborted) return;
      if (plan.qps > 0) await waitUntil(clock, startedMs + (index * 1000) / plan.qps, io.signal);
      const beganMs = clock.monotonic();
      if (beganMs - startedMs >= plan.timeMs || io.signal.aborted) return;
      const status = await fetch(plan.url, {
        headers: plan.headers,
        timeoutMs: plan.timeoutMs,
        signal: io.signal,
      }).then(
        (response) => response.status,
        (error: unknown) => {
          if (reasons.size < MAX_REASONS) reasons.add(errorMessage(error));
          return -1;
        },
      );
      if (io.signal.aborted) return;
      latencies.push(clock.monotonic() - beganMs);
      counts.set(status, (counts.get(status) ?? 0) + 1);
      if (clock.monotonic() - reportedMs > 1000) {
        reportedMs = clock.monotonic();
        io.err(`… ${latencies.length} calls\n`);
      }
    }
  };
  await Promise.all(Array.from({ length: plan.connections }, worker));
  if (!io.signal.aborted) for (const reason of reasons) io.err(`no answer: ${reason}\n`);
  io.out(report({ latencies, counts, seconds: (clock.monotonic() - startedMs) / 1000, percentiles: plan.percentiles }));
  return io.signal.aborted ? 130 : 0;
}

function readPlan(args: readonly string[]): Plan {
  const [verb] = args;
  if (verb !== 'load' && verb !== 'curl')
    throw new UsageError('fortio: this terminal knows `fortio load` and `fortio curl`');
  let once = verb === 'curl';
  const headers: Record<string, string> = { 'user-agent': 'fortio.org/fortio-1.66' };
  const values: Record<string, string> = {};
  const words: string[] = [];
  for (let i = 1; i < args.length; i++) {
    const arg = args[i] ?? '';
    const [, name, inline] = /^--?([a-zA-Z-]+)(?:=(.*))?$/.exec(arg) ?? [];
    if (name === undefined) words.push(arg);
    else if (name === 'curl') once = true;
    else if (SILENT.has(name) || (name === 'keepalive' && inline === 'false')) continue;
    else {
      const value = inline ?? args[++i] ?? '';
      if (name === 'H') {
        const at = value.indexOf(':');
        if (at <= 0) throw new UsageError(`fortio: the header "${value}" needs the form "name: value"`);
        headers[value.slice(0, at).trim().toLowerCase()] = value.slice(at + 1).trim();
      } else if (['c', 'qps', 'n', 't', 'p', 'loglevel', 'timeout'].includes(name)) values[name] = value;
      else throw new UsageError(`fortio: unknown flag -${name}`);
    }
  }
  const [typed] = words;
  if (typed === undefined) throw new UsageError('fortio: a URL is missing');
  const url = /^https?:\/\//i.test(typed) ? typed : `http://${typed}`;
  if (!URL.canParse(url)) throw new UsageError(`fortio: cannot read the URL ${typed}`);
  const calls = values['n'] === undefined ? undefined : bounded('n', values['n'], 1, 20_000);
  const timeMs = values['t'] === undefined ? undefined : readSeconds(values['t']);
  if (values['t'] !== undefined && (timeMs === undefined || timeMs > 60_000))
    throw new UsageError('fortio: -t takes a time up to 60s');
  return {
    url,
    once,
    connections: bounded('c', values['c'] ?? '4', 1, 64),
    qps: bounded('qps', values['qps'] ?? '8', 0, 2000),
    calls: calls ?? (timeMs === undefined ? 40 : Number.POSITIVE_INFINITY),
    timeMs: timeMs ?? 60_000,
    headers,
    timeoutMs: timeoutOf(values['timeout']),
    percentiles: percentilesOf(values['p']),
  };
}

function timeoutOf(text: string | undefined): number {
  const ms = text === undefined ? DEFAULT_TIMEOUT_MS : readSeconds(text);
  if (ms === undefined || ms <= 0) throw new UsageError(`fortio: -timeout takes a time such as 500ms, not "${text}"`);
  return Math.min(ms, MAX_TIMEOUT_MS);
}

function percentilesOf(text: string | undefined): readonly number[] {
  const percentiles = (text ?? '50,75,90,99').split(',').map(Number);
  if (percentiles.some((each) => !(each > 0 && each <= 100)))
    throw new UsageError(`fortio: -p takes percentiles such as 50,99.9, not "${text}"`);
  return percentiles;
}

function bounded(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  const whole = name === 'qps' || Number.isInteger(value);
  if (text.trim() === '' || !whole || !(value >= least && value <= most))
    throw new UsageError(`fortio: -${name} takes a number from ${least} to ${most}`);
  return value;
}

function waitUntil(clock: Clock, atMs: number, signal: AbortSignal): Promise<void> {
  const delayMs = atMs - clock.monotonic();
  if (delayMs <= 0) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = clock.after(delayMs, done);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}

interface Outcome {
  readonly latencies: readonly number[];
  readonly counts: ReadonlyMap<number, number>;
  readonly seconds: number;
  readonly percentiles: readonly number[];
}

function report({ latencies, counts, seconds, percentiles }: Outcome): string {
  const sorted = [...latencies].sort((a, b) => a - b);
  const total = sorted.length;
  if (total === 0) return 'No call was made.\n';
  const mean = sorted.reduce((sum, value) => sum + value, 0) / total;
  const lines = percentiles.map((percent) => `# target ${percent}% ${at(sorted, percent).toFixed(6)}`);
  for (const [status, count] of [...counts].sort(([a], [b]) => a - b)) {
    lines.push(`Code ${String(status).padStart(3)} : ${count} (${((count * 100) / total).toFixed(1)} %)`);
  }
  lines.push(`All done ${total} calls (plus 0 warmup) ${mean.toFixed(3)} ms avg, ${(total / seconds).toFixed(1)} qps`);
  return `${lines.join('\n')}\n`;
}

/** Seconds at a percentile, nearest rank. */
const at = (sorted: readonly number[], percent: number): number =>
  (sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? 0) / 1000;
