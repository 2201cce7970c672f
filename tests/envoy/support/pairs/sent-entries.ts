import type { LogMessage } from '../../../mesh/log-receiver.ts';
import { OF_FILTERS } from './compared.ts';
import type { Seen } from './two-proxies.ts';

type Json = Readonly<Record<string, unknown>>;

/** One entry that a service of access logs was sent, with what its message says of the sender beside it. */
export interface SentEntry {
  readonly kind: string;
  readonly metadata: Json;
  readonly entry: Json;
}

interface Message {
  readonly http_logs?: { readonly log_entry: readonly Json[] };
  readonly tcp_logs?: { readonly log_entry: readonly Json[] };
  readonly resource_logs?: readonly {
    readonly resource?: Json;
    readonly scope_logs: readonly { log_records: Json[] }[];
  }[];
}

function entriesOf({ metadata, message }: LogMessage): SentEntry[] {
  const { http_logs, tcp_logs, resource_logs = [] } = message as Message;
  const as = (kind: string, entries: readonly Json[] = []): SentEntry[] =>
    entries.map((entry) => ({ kind, metadata, entry }));
  return [
    ...as('http', http_logs?.log_entry),
    ...as('tcp', tcp_logs?.log_entry),
    ...resource_logs.flatMap(({ resource, scope_logs }) =>
      scope_logs.flatMap(({ log_records }) =>
        as('otlp', log_records).map((sent) => ({ ...sent, entry: { resource, ...sent.entry } })),
      ),
    ),
  ];
}

/** Those about the listener at this address, which entries of OpenTelemetry name in one of their texts. */
export function sentFrom(messages: readonly LogMessage[], { ip, port }: { ip: string; port: number }): SentEntry[] {
  const told = [`"${ip}","port_value":${port}`, `${ip}:${port}`];
  return messages.flatMap(entriesOf).filter(({ entry }) => {
    const text = JSON.stringify(entry);
    return told.some((each) => text.includes(each));
  });
}

/** Values that are one of a kind count by their presence: those of these fields, and ports that the system chose. */
const UNIQUE =
  /^(start_time|duration|time_to_.*|stream_id|request_id|time_unix_nano|node_name|cluster_name|trace_id|span_id|user_agent)$/;
const SENDER = /^(x-forwarded-for|user-agent|x-envoy-expected-rq-timeout-ms|x-envoy-upstream-service-time)$/;

/** Bytes of what only our proxies add to requests, and of what depends on the time that an answer took, do not count. */
export function comparableEntries({ sent, upstream, answer, log }: Seen): object {
  const added = (all: typeof upstream): { names: number; lines: number } => {
    const extra = all.flatMap(({ headers }) => headers.filter(([name]) => OF_FILTERS.test(name)));
    const names = extra.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
    return { names, lines: names + extra.length * 4 };
  };
  const { lines } = added(upstream);
  const took = answer.headers.find((line) => line.startsWith('x-envoy-upstream-service-time: '));
  const tookDigits = took === undefined ? 0 : took.length - 'x-envoy-upstream-service-time: '.length;
  const less: Readonly<Record<string, number>> = {
    request_headers_bytes: added(upstream.slice(-1)).names,
    upstream_header_bytes_sent: lines,
    upstream_wire_bytes_sent: lines,
    response_headers_bytes: tookDigits,
    downstream_header_bytes_sent: tookDigits,
    downstream_wire_bytes_sent: tookDigits,
  };
  // How HTTP/2 compresses headers is each program's own.
  const http2 = log[0]?.['protocol'] === 'HTTP/2';
  const compressed = [
    ...(http2 ? [/^downstream_(wire|header)_bytes_/] : []),
    ...(upstream.some(({ host }) => host.startsWith('h2')) ? [/^upstream_(wire|header)_bytes_/] : []),
  ];
  const shown = (value: unknown, path: string): unknown => {
    const name = path.slice(path.lastIndexOf('.') + 1);
    if (UNIQUE.test(name)) return '<own>';
    // What our proxies add is known only of a request that has arrived.
    if (name === 'request_headers_bytes' && upstream.length === 0) return '<own>';
    if (compressed.some((each) => each.test(name))) return '<compressed>';
    if (name in less) return Number(value) - less[name]!;
    if (name === 'port_value' && /downstream_(direct_)?remote|upstream_local/.test(path)) return '<port>';
    if (name === 'address' && path.includes('upstream_local')) return '<own>';
    if (name === 'address') return String(value).replace(/\.1\.[12]$/, '.<proxy>');
    if (Array.isArray(value)) return value.map((each) => shown(each, path));
    if (typeof value !== 'object' || value === null) return value;
    // A list of keys and values is one of names.
    const { key } = value as { readonly key?: string };
    if (key !== undefined && http2 && /^(wire|headers) (in|out)$/.test(key)) return { key, value: '<compressed>' };
    if (key !== undefined && (UNIQUE.test(key) || key === 'listener')) return { key, value: '<own>' };
    return Object.fromEntries(Object.entries(value).map(([each, child]) => [each, shown(child, `${path}.${each}`)]));
  };
  return sent
    .map(({ kind, metadata, entry }) => ({
      kind,
      metadata: Object.fromEntries(
        Object.entries(metadata).map(([name, value]) => [name, SENDER.test(name) ? '<own>' : value]),
      ),
      entry: shown(entry, ''),
    }))
    .toSorted((a, b) => a.kind.localeCompare(b.kind));
}
