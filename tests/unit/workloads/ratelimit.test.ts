import { describe, expect, it } from 'vitest';
import { Counters } from '../../../server/workloads/ratelimit/counters.ts';
import { describeLimits, type Entry, findLimit, readLimits } from '../../../server/workloads/ratelimit/limits.ts';
import { manualClock, TestNet } from './support.ts';

const text = `
domain: shop
descriptors:
  - key: PATH
    value: /cart
    rate_limit: { unit: minute, requests_per_unit: 3 }
  - key: PATH
    value: /api/*
    rate_limit: { unit: hour, requests_per_unit: 9 }
  - key: PATH
    rate_limit: { unit: SECOND, requests_per_unit: 100 }
  - key: plan
    value: free
    descriptors:
      - key: user
        rate_limit: { unit: day, requests_per_unit: 50 }
      - key: user
        value: ann
        rate_limit: { unlimited: true }
`;
const entries = (...pairs: [string, string][]): Entry[] => pairs.map(([key, value]) => ({ key, value }));
const read = (yaml: string) => readLimits([{ name: 'config.yaml', text: yaml }]);

describe('the limit of a descriptor', () => {
  const table = read(text);

  it.each<[string, [string, string][], string | undefined]>([
    ['is that of its key and value', [['PATH', '/cart']], 'shop.PATH_/cart'],
    ['else that of a value with a star', [['PATH', '/api/v1']], 'shop.PATH_/api/*'],
    ['else that of its key', [['PATH', '/x']], 'shop.PATH'],
    [
      'goes down entry by entry',
      [
        ['plan', 'free'],
        ['user', 'bob'],
      ],
      'shop.plan_free.user',
    ],
    [
      'is the most special at each depth',
      [
        ['plan', 'free'],
        ['user', 'ann'],
      ],
      'shop.plan_free.user_ann',
    ],
    [
      'is none where only a part has one',
      [
        ['PATH', '/cart'],
        ['user', 'ann'],
      ],
      undefined,
    ],
    ['is none where only a deeper one has one', [['plan', 'free']], undefined],
    ['is none for another key', [['method', 'GET']], undefined],
  ])('%s', (_title, pairs, name) => {
    expect(findLimit(table, 'shop', entries(...pairs))?.name).toBe(name);
  });

  it('is none in another domain', () => {
    expect(findLimit(table, 'other', entries(['PATH', '/cart']))).toBeUndefined();
  });

  it('is listed with its unit', () => {
    expect(describeLimits(table)[0]).toBe('shop.PATH_/cart: unit=MINUTE requests_per_unit=3, shadow_mode: false');
  });
});

describe('a configuration that cannot be used', () => {
  it.each([
    ['descriptors: []', 'cannot have empty domain'],
    ['domain: a\ndescriptors: [{ value: x }]', 'descriptor has empty key'],
    ['domain: a\ndescriptors: [{ key: x }, { key: x }]', "duplicate descriptor composite key 'a.x'"],
    [
      'domain: a\ndescriptors: [{ key: x, rate_limit: { unit: foo, requests_per_unit: 1 } }]',
      'invalid rate limit unit',
    ],
    ['domain: a\ndescriptors: [{ key: x, ratelimit: {} }]', "unknown key 'ratelimit'"],
    ['domain: [', 'error loading config file'],
  ])('%j is refused', (yaml, message) => {
    expect(() => read(yaml)).toThrow(message);
  });
});

describe('counting', () => {
  const limit = { name: 'a', unit: 'minute', requestsPerUnit: 2, unlimited: false, shadow: false } as const;

  it('begins anew with each window, and keeps values apart', () => {
    const clock = manualClock();
    clock.advance(15_000);
    const counters = new Counters(clock);
    const hit = (value: string) => counters.add('d', entries(['PATH', value]), { limit, hits: 1 });
    expect([hit('/a'), hit('/a'), hit('/a')]).toEqual([
      { over: false, remaining: 1, resetSeconds: 45 },
      { over: false, remaining: 0, resetSeconds: 45 },
      { over: true, remaining: 0, resetSeconds: 45 },
    ]);
    expect(hit('/b').over).toBe(false);
    clock.advance(45_000);
    expect(hit('/a')).toEqual({ over: false, remaining: 1, resetSeconds: 60 });
  });
});

describe('the image envoyproxy/ratelimit', () => {
  const env = { RUNTIME_ROOT: '/data', RUNTIME_SUBDIRECTORY: 'ratelimit' };
  const at = (file: string): string => `/data/ratelimit/config/${file}`;

  it('tells its health and its limits', async () => {
    const net = new TestNet();
    await net.run('envoyproxy/ratelimit:master', 'ratelimit', env, { files: { [at('config.yaml')]: text } });
    expect((await net.fetch('http://ratelimit:8080/healthcheck')).body.toString()).toBe('OK');
    expect((await net.fetch('http://ratelimit:6070/rlconfig')).body.toString()).toContain('shop.PATH: unit=SECOND');
    net.close();
  });

  it('ends when its configuration cannot be used', async () => {
    const net = new TestNet();
    const run = await net.run('ratelimit', 'ratelimit', env, { files: { [at('config.yaml')]: 'descriptors: []' } });
    expect(await run.exitCode()).toBe(2);
    expect(run.logs.join()).toContain('config file cannot have empty domain');
    net.close();
  });
});
