import { describe, expect, it } from 'vitest';
import { extensionTypes } from '#xds';
import { readRouteTracing } from '../../../server/data-plane/config/route-tracing.ts';
import { readTracing } from '../../../server/data-plane/config/tracing-config.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { traceReason } from '../../../server/data-plane/http/tracing/trace-reason.ts';

/** The number by which shares are drawn is that of the first eight digits, here 9,999. */
const ID = '0000270f-0000-4000-8000-000000000000';
const config = readTracing({
  '@type': extensionTypes.httpConnectionManager,
  stat_prefix: 'shop',
  tracing: { random_sampling: { value: 0 } },
})!;

const reasonFor = (route: Parameters<typeof readRouteTracing>[0], headers: Record<string, string> = {}): unknown =>
  traceReason(ID, Headers.of(headers), { config, shares: readRouteTracing(route) });

describe('tracing of a route', () => {
  it('takes the place of all shares of the connection manager, and a share that it does not name is all', () => {
    expect(reasonFor(undefined)).toBeUndefined();
    expect(reasonFor({})).toBe('sampled');
    expect(reasonFor({ random_sampling: { numerator: 0 } })).toBeUndefined();
    expect(reasonFor({ random_sampling: { numerator: 0 } }, { 'x-client-trace-id': 'c' })).toBe('client');
    expect(
      reasonFor({ random_sampling: { numerator: 0 }, client_sampling: { numerator: 0 } }, { 'x-client-trace-id': 'c' }),
    ).toBeUndefined();
    expect(reasonFor({ overall_sampling: { numerator: 0 } }, { 'x-envoy-force-trace': '1' })).toBeUndefined();
  });

  it('counts a share in parts of a million as Envoy does, which draws below ten thousand', () => {
    expect(reasonFor({ random_sampling: { numerator: 9_999, denominator: 'MILLION' } })).toBeUndefined();
    expect(reasonFor({ random_sampling: { numerator: 10_000, denominator: 'MILLION' } })).toBe('sampled');
    expect(reasonFor({ random_sampling: { numerator: 99 } })).toBeUndefined();
  });

  it('refuses a tag without a name, and says where it stands', () => {
    expect(() => readRouteTracing({ custom_tags: [{ literal: { value: 'x' } }] })).toThrow(
      'tracing.custom_tags[0].tag: value length must be at least 1 characters',
    );
  });
});
