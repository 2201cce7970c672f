import { GRPC_RETRY_WORDS, HTTP_RETRY_WORDS } from '../../config/retry-policy.ts';
import { type Headers, isEnvoyName } from '../headers.ts';

/** What a client asks for by headers, which only one that is believed keeps until here. */
export interface RetryWishes {
  readonly retryOn: readonly string[];
  readonly statusCodes: readonly number[];
  readonly headerNames: readonly string[];
  readonly maxRetries: number | undefined;
}

const NO_WISHES: RetryWishes = { retryOn: [], statusCodes: [], headerNames: [], maxRetries: undefined };
const WISH_HEADERS: ReadonlySet<string> = new Set([
  'x-envoy-max-retries',
  'x-envoy-retry-on',
  'x-envoy-retry-grpc-on',
  'x-envoy-retriable-status-codes',
  'x-envoy-retriable-header-names',
]);

function hasWishes({ flat }: Headers): boolean {
  for (let i = 0; i < flat.length; i += 2) if (isEnvoyName(flat[i]!) && WISH_HEADERS.has(flat[i]!)) return true;
  return false;
}

/** Takes the headers out. Words and numbers that are none are passed over; each header has words of its own. */
export function readWishes(headers: Headers): RetryWishes {
  if (!hasWishes(headers)) return NO_WISHES;
  const take = (name: string): string => {
    const value = headers.joined(name) ?? '';
    if (value !== '') headers.remove(name);
    return value;
  };
  const list = (text: string): string[] => (text === '' ? [] : text.split(',').map((word) => word.trim()));
  const words = (name: string, known: ReadonlySet<string>): string[] =>
    list(take(name)).filter((word) => known.has(word));
  return {
    maxRetries: wholeNumber(take('x-envoy-max-retries')),
    retryOn: [...words('x-envoy-retry-on', HTTP_RETRY_WORDS), ...words('x-envoy-retry-grpc-on', GRPC_RETRY_WORDS)],
    statusCodes: list(take('x-envoy-retriable-status-codes')).flatMap((text) => wholeNumber(text) ?? []),
    headerNames: list(take('x-envoy-retriable-header-names').toLowerCase()),
  };
}

/** As Envoy reads numbers of headers: digits alone, with a plus and spaces at most; undefined for anything else. */
export const wholeNumber = (text: string): number | undefined =>
  /^\s*\+?\d+\s*$/.test(text) ? Number(text) : undefined;
