import { isIPv4, isIPv6 } from 'node:net';

const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2 ** 63), 2 ** 63],
  uint32: [0, 2 ** 32 - 1],
  uint64: [0, 2 ** 64],
};

const DATE_TIME = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Whether a value has a `format`. Formats that an API server does not check hold for every value. */
export function formatHolds(value: unknown, format: string): boolean {
  const range = RANGES[format];
  if (range) return typeof value !== 'number' || (value >= range[0] && value <= range[1]);
  if (typeof value !== 'string') return true;
  if (format === 'date-time') return DATE_TIME.test(value);
  if (format === 'ipv4') return isIPv4(value);
  if (format === 'ipv6') return isIPv6(value);
  if (format === 'byte' || format === 'binary') return BASE64.test(value);
  return true;
}
