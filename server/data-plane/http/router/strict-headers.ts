import { ConfigProblem } from '../../config/problem.ts';
import { GRPC_RETRY_WORDS, HTTP_RETRY_WORDS } from '../../config/retry-policy.ts';
import type { Exchange } from '../exchange.ts';

const MAX_INTEGER = 2n ** 64n - 1n;

const isInteger = (value: string): boolean => /^\+?\d+$/.test(value) && BigInt(value.replace('+', '')) <= MAX_INTEGER;

const listsOnly =
  (words: ReadonlySet<string>) =>
  (value: string): boolean =>
    value.split(',').every((word) => word.trim() === '' || words.has(word.trim()));

/** By header: whether the router can read a value. Source: the router's documentation, and what `envoy` takes of each. */
const READABLE: Readonly<Record<string, (value: string) => boolean>> = {
  'x-envoy-upstream-rq-timeout-ms': isInteger,
  'x-envoy-upstream-rq-per-try-timeout-ms': isInteger,
  'x-envoy-max-retries': isInteger,
  'x-envoy-retry-grpc-on': listsOnly(GRPC_RETRY_WORDS),
  'x-envoy-retry-on': listsOnly(HTTP_RETRY_WORDS),
};

/** Reads `strict_check_headers` of the router; undefined: unreadable values count as none. */
export function readStrictHeaders(given: unknown): readonly string[] | undefined {
  const names = (given ?? []) as readonly string[];
  for (const [i, name] of names.entries()) {
    if (READABLE[name] !== undefined) continue;
    const all = Object.keys(READABLE).join(' ');
    throw new ConfigProblem(`strict_check_headers[${i}]`, `value must be in list [${all}]`);
  }
  return names.length === 0 ? undefined : names;
}

/** Answers 400 to a request by whose headers the client asks for something that cannot be read. True: it did. */
export function refuseUnreadable(exchange: Exchange, names: readonly string[]): boolean {
  const { headers } = exchange.head;
  const name = names.find((each) => {
    const asked = headers.joined(each);
    return asked !== undefined && READABLE[each]?.(asked) === false;
  });
  if (name === undefined) return false;
  const value = headers.joined(name);
  exchange.steps.add('http_filter', 'stopped', 'envoy.filters.http.router', () => ({
    detail: `the client asks for ${name}: ${value}, which cannot be read, and strict_check_headers names that header`,
  }));
  exchange.reply({
    status: 400,
    flag: 'IH',
    details: `request_headers_failed_strict_check{${name}}`,
    body: `invalid header '${name}' with value '${value}'`,
  });
  return true;
}
