import { describe, expect, it } from 'vitest';
import { Counters } from '../../../server/workloads/ratelimit/counters.ts';
import { RateLimitFigures } from '../../../server/workloads/ratelimit/figures.ts';
import { findLimit } from '../../../server/workloads/ratelimit/find-limit.ts';
import { type JudgeSettings, judge } from '../../../server/workloads/ratelimit/judge.ts';
import { describeLimits, type Entry, readLimits } from '../../../server/workloads/ratelimit/limits.ts';
import type { AskedDescriptor } from '../../../server/workloads/ratelimit/messages.ts';
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
    expect(findLimit(table, 'shop', entries(...pairs))?.limit.path).toBe(name);
  });

  it('is none in another domain', () => {
    expect(findLimit(table, 'other', entries(['PATH', '/cart']))).toBeUndefined();
  });

  it('is listed with its unit', () => {
    expect(describeLimits(table)[0]).toBe(
      'shop.PATH_/cart: unit=MINUTE requests_per_unit=3, shadow_mode: false, quota_mode: false',
    );
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
    ['domain: a\ndescriptors: [{ key: x, rate_limit: { unlimited: true, unit: day } }]', 'unit when unlimited'],
    ['domain: a\ndescriptors: [{ key: x, value: y, share_threshold: true }]', "but found key 'x_y'"],
    [
      'domain: a\ndescriptors: [{ key: x, rate_limit: { unit: day, replaces: [{ name: "" }] } }]',
      'empty replaces entry',
    ],
    [
      'domain: a\ndescriptors: [{ key: x, rate_limit: { unit: day, name: n, replaces: [{ name: n }] } }]',
      'should not contain name of same descriptor',
    ],
    ['domain: a\ndescriptors: [x]', 'list of type other than map: x'],
    ['domain: [', 'error loading config file'],
    ['domain: a\ndescriptors: {}', 'descriptors must be a list'],
    [
      'domain: a\ndescriptors: &all [{ key: x, descriptors: *all }, { key: y, descriptors: *all }]',
      'more than 64 levels',
    ],
    ['domain: a\ndescriptors: [{ key: x, metadata: &all { y: *all } }]', 'more than 64 levels'],
    ['domain: a\ndescriptors: [{ key: x, metadata: y, rate_limit: { unit: day } }]', 'mapping expected'],
    ['domain: a\ndescriptors: [{ key: x, rate_limit: { unit: day, replaces: 3 } }]', 'replaces must be a list'],
  ])('%j is refused', (yaml, message) => {
    expect(() => read(yaml)).toThrow(message);
  });
});

describe('counting', () => {
  const [limit] = [
    ...read('domain: a\ndescriptors: [{ key: PATH, rate_limit: { unit: minute, requests_per_unit: 2 } }]').values(),
  ]
    .flatMap(({ children }) => [...children.values()])
    .flatMap((node) => node.limit ?? []);

  it('begins anew with each window, and keeps values apart', () => {
    const clock = manualClock();
    clock.advance(15_000);
    const counters = new Counters(clock);
    const hit = (value: string) => counters.add('d', entries(['PATH', value]), { limit: limit!, hits: 1 });
    expect([hit('/a'), hit('/a'), hit('/a')]).toEqual([
      { over: false, remaining: 1, resetSeconds: 45, before: 0 },
      { over: false, remaining: 0, resetSeconds: 45, before: 1 },
      { over: true, remaining: 0, resetSeconds: 45, before: 2 },
    ]);
    expect(hit('/b').over).toBe(false);
    clock.advance(45_000);
    expect(hit('/a')).toEqual({ over: false, remaining: 1, resetSeconds: 60, before: 0 });
  });

  it('keeps ten thousand values, and of those the ones that are asked for', () => {
    const counters = new Counters(manualClock());
    const hit = (value: string) => counters.add('d', entries(['PATH', value]), { limit: limit!, hits: 1 });
    for (let i = 0; i < 3; i++) hit('/busy');
    for (let i = 0; i < 30_000; i++) {
      hit(`/${i}${'x'.repeat(i % 2 === 0 ? 0 : 1000)}`);
      if (i % 5000 === 0) hit('/busy');
    }
    expect(counters.size).toBe(10_000);
    expect(hit('/busy').over).toBe(true);
    expect(hit('/0').before).toBe(0);
    expect(hit(`/29999${'x'.repeat(1000)}`).before).toBe(1);
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

  it('answers nobody until its configuration can be used', async () => {
    const net = new TestNet();
    const run = await net.run('ratelimit', 'ratelimit', env, { files: { [at('config.yaml')]: 'descriptors: []' } });
    expect(run.logs.join()).toContain('config file cannot have empty domain');
    expect((await net.fetch('http://ratelimit:8080/healthcheck')).status).toBe(200);
    const body = JSON.stringify({ domain: 'shop', descriptors: [{ entries: [{ key: 'a' }] }] });
    expect((await net.fetch('http://ratelimit:8080/json', { method: 'POST', body })).status).toBe(400);
    net.close();
  });

  it('reads no more than 64 KiB of a request over HTTP', async () => {
    const net = new TestNet();
    await net.run('ratelimit', 'ratelimit', env, { files: { [at('config.yaml')]: text } });
    const body = JSON.stringify({ domain: 'shop', descriptors: [{ entries: [{ key: 'a'.repeat(65_536) }] }] });
    const answer = await net.fetch('http://ratelimit:8080/json', { method: 'POST', body });
    expect({ status: answer.status, body: answer.body.toString() }).toEqual({
      status: 400,
      body: 'the request body is longer than 65536 bytes\n',
    });
    net.close();
  });

  it('answers over HTTP, too, and tells limits in headers and metadata where it is to', async () => {
    const net = new TestNet();
    const variables = { ...env, LIMIT_RESPONSE_HEADERS_ENABLED: 'true', RESPONSE_DYNAMIC_METADATA: 'true' };
    const text = `
domain: shop
descriptors:
  - { key: user, metadata: { plan: { name: free } }, rate_limit: { name: per-user, unit: hour, requests_per_unit: 1 } }`;
    await net.run('ratelimit', 'ratelimit', variables, { files: { [at('config.yaml')]: text } });
    const ask = async () => {
      const body = JSON.stringify({ domain: 'shop', descriptors: [{ entries: [{ key: 'user', value: 'ann' }] }] });
      const answer = await net.fetch('http://ratelimit:8080/json', { method: 'POST', body });
      return { status: answer.status, ...(JSON.parse(answer.body.toString()) as object) };
    };
    const asked = { domain: 'shop', descriptors: [{ entries: ['user=ann'] }] };
    const currentLimit = { requestsPerUnit: 1, unit: 'HOUR', name: 'per-user' };
    expect(await ask()).toMatchObject({
      status: 200,
      overallCode: 'OK',
      statuses: [{ code: 'OK', currentLimit }],
      responseHeadersToAdd: [
        { key: 'RateLimit-Limit', value: '1' },
        { key: 'RateLimit-Remaining', value: '0' },
        { key: 'RateLimit-Reset' },
      ],
      dynamicMetadata: { ...asked, metadata: { plan: { name: 'free' } } },
    });
    const second = await ask();
    expect(second).toMatchObject({ status: 429, overallCode: 'OVER_LIMIT', dynamicMetadata: asked });
    expect(second).not.toHaveProperty('dynamicMetadata.metadata');
    net.close();
  });
});

describe('a request with several descriptors', () => {
  const usual: JudgeSettings = { shadow: false, quota: false, headers: undefined, tellsMetadata: false };
  const judging = (yaml: string, settings: Partial<JudgeSettings> = {}) => {
    const clock = manualClock();
    const given = {
      limits: read(yaml),
      counters: new Counters(clock),
      figures: new RateLimitFigures(),
      settings: { ...usual, ...settings },
    };
    return (...asked: (Partial<AskedDescriptor> & { of: [string, string][] })[]) =>
      judge(
        {
          domain: 'a',
          hits: 1,
          toldHits: 0,
          descriptors: asked.map(({ of, ...more }) => ({
            entries: entries(...of),
            limit: undefined,
            hits: undefined,
            ...more,
          })),
        },
        given,
      );
  };

  it('does not count a limit that another one replaces', () => {
    const ask = judging(`
domain: a
descriptors:
  - { key: all, rate_limit: { name: all, unit: hour, requests_per_unit: 1 } }
  - { key: premium, rate_limit: { name: premium, unit: hour, requests_per_unit: 5, replaces: [{ name: all }] } }`);
    const both = [{ of: [['all', '']] as [string, string][] }, { of: [['premium', '']] as [string, string][] }];
    expect([ask(...both), ask(...both)].map(({ over }) => over)).toEqual([false, false]);
    expect(ask(...both).statuses.map(({ limit }) => limit?.name)).toEqual([undefined, 'premium']);
    expect(ask({ of: [['all', '']] }).over).toBe(false);
    expect(ask({ of: [['all', '']] }).over).toBe(true);
  });

  it('is stopped by quotas only when all of them are used up', () => {
    const ask = judging(`
domain: a
descriptors:
  - { key: small, quota_mode: true, rate_limit: { unit: hour, requests_per_unit: 1 } }
  - { key: large, quota_mode: true, rate_limit: { unit: hour, requests_per_unit: 2 } }`);
    const judged = [1, 2, 3].map(() => ask({ of: [['small', '']] }, { of: [['large', '']] }));
    expect(judged.map(({ over }) => over)).toEqual([false, false, true]);
    expect(judged[1]?.statuses.map(({ over }) => over)).toEqual([true, false]);
  });

  it('is never stopped by a shadow, or by a server that is one', () => {
    const yaml = (more: string): string => `
domain: a
descriptors: [{ key: x, ${more} rate_limit: { unit: hour, requests_per_unit: 0 } }]`;
    expect(judging(yaml('shadow_mode: true,'))({ of: [['x', '']] })).toMatchObject({
      over: false,
      statuses: [{ over: false }],
    });
    expect(judging(yaml(''), { shadow: true })({ of: [['x', '']] })).toMatchObject({
      over: false,
      statuses: [{ over: true }],
    });
  });

  it('shares a limit among values only where it is to', () => {
    const ask = judging(`
domain: a
descriptors:
  - { key: shared, value: files*, share_threshold: true, rate_limit: { unit: hour, requests_per_unit: 1 } }
  - { key: own, value: files*, rate_limit: { unit: hour, requests_per_unit: 1 } }`);
    const over = (key: string, value: string): boolean => ask({ of: [[key, value]] }).over;
    expect([over('shared', 'files/a'), over('shared', 'files/b')]).toEqual([false, true]);
    expect([over('own', 'files/a'), over('own', 'files/b'), over('own', 'files/b')]).toEqual([false, false, true]);
  });

  it('finds values with stars in their order', () => {
    const table = read(`
domain: a
descriptors:
  - { key: p, value: /a/*/c, rate_limit: { unit: hour, requests_per_unit: 1 } }
  - { key: p, value: /a/*, rate_limit: { unit: day, requests_per_unit: 1 } }
  - { key: p, value: '*', rate_limit: { unit: week, requests_per_unit: 1 } }`);
    const unitOf = (value: string) => findLimit(table, 'a', entries(['p', value]))?.limit.unit;
    expect(['/a/b/c', '/a/c', '/a/', '/b'].map(unitOf)).toEqual(['hour', 'day', 'day', 'week']);
  });

  it('counts as many hits as it says, none among them', () => {
    const ask = judging('domain: a\ndescriptors: [{ key: x, rate_limit: { unit: hour, requests_per_unit: 5 } }]');
    const left = (hits: number | undefined) => ask({ of: [['x', '']], hits }).statuses[0]?.remaining;
    expect([left(3), left(0), left(undefined), left(2)]).toEqual([2, 2, 1, 0]);
  });

  it('may bring a limit of its own', () => {
    const ask = judging(
      'domain: a\ndescriptors: [{ key: x, shadow_mode: true, rate_limit: { unit: hour, requests_per_unit: 5 } }]',
    );
    const limit = { unit: 'day', requestsPerUnit: 1 } as const;
    expect([1, 2].map(() => ask({ of: [['x', '']], limit }).over)).toEqual([false, true]);
  });

  it('is told of the limit that is nearest', () => {
    const ask = judging(
      `
domain: a
descriptors:
  - { key: x, rate_limit: { unit: hour, requests_per_unit: 5 } }
  - { key: y, rate_limit: { unit: day, requests_per_unit: 3 } }`,
      { headers: ['l', 'r', 's'] },
    );
    expect(ask({ of: [['x', '']] }, { of: [['y', '']] }).headers.slice(0, 2)).toEqual([
      ['l', '3'],
      ['r', '2'],
    ]);
    expect(ask({ of: [['z', '']] }).headers).toEqual([]);
  });
});

describe('the figures of the server', () => {
  const rule = (yaml: string) =>
    [...read(yaml).values()].flatMap(({ children }) => [...children.values()]).flatMap((node) => node.limit ?? [])[0]!;
  const names = ['total_hits', 'within_limit', 'near_limit', 'over_limit'];
  const told = (hits: readonly number[]) => {
    const counters = new Counters(manualClock());
    const figures = new RateLimitFigures();
    const limit = rule('domain: a\ndescriptors: [{ key: x, rate_limit: { unit: hour, requests_per_unit: 10 } }]');
    for (const each of hits) figures.hit(limit, counters.add('a', entries(['x', '']), { limit, hits: each }), each);
    return names.map((name) => Number(new RegExp(`_${name}\\{.*\\} (\\d+)`).exec(figures.page())?.[1] ?? 0));
  };

  it.each([
    ['within its limit', [4, 4], [8, 8, 0, 0]],
    ['near its limit', [4, 5], [9, 9, 1, 0]],
    ['at its limit', [8, 2], [10, 10, 2, 0]],
    ['partly beyond it', [9, 3], [12, 9, 2, 2]],
    ['beyond it from the first', [25], [25, 0, 2, 15]],
    ['beyond it again', [10, 1, 1], [12, 10, 2, 2]],
  ])('count hits %s', (_name, hits, figures) => {
    expect(told(hits)).toEqual(figures);
  });

  it('are named as the original names them for Prometheus', () => {
    const figures = new RateLimitFigures();
    for (const path of ['shop.PATH_/cart', 'shop.plan_free.user', 'shop.a.b.c']) {
      figures.count(`ratelimit.service.rate_limit.${path}.total_hits`, 2);
    }
    figures.count('ratelimit.service.config_load_success');
    figures.count('ratelimit.service.call.should_rate_limit.service_error');
    expect(
      figures
        .page()
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#')),
    ).toEqual([
      'ratelimit_service_config_load_success 1',
      'ratelimit_service_rate_limit_shop_plan_free_user_total_hits 2',
      'ratelimit_service_rate_limit_total_hits{domain="shop",key1="PATH_/cart"} 2',
      'ratelimit_service_rate_limit_total_hits{domain="shop",key1="a",key2="b"} 2',
      'ratelimit_service_should_rate_limit_error{err_type="service_error"} 1',
    ]);
  });

  it('are served where USE_PROMETHEUS says so', async () => {
    const net = new TestNet();
    const env = { RUNTIME_ROOT: '/data', RUNTIME_SUBDIRECTORY: 'ratelimit', USE_PROMETHEUS: 'true' };
    await net.run('ratelimit', 'ratelimit', env, { files: { '/data/ratelimit/config/config.yaml': text } });
    const body = JSON.stringify({ domain: 'shop', descriptors: [{ entries: [{ key: 'PATH', value: '/cart' }] }] });
    await net.fetch('http://ratelimit:8080/json', { method: 'POST', body });
    const page = (await net.fetch('http://ratelimit:9090/metrics')).body.toString();
    expect(page).toContain('ratelimit_service_rate_limit_within_limit{domain="shop",key1="PATH_/cart"} 1\n');
    expect(page).toContain('# TYPE ratelimit_service_config_load_success counter\n');
    net.close();
  });
});
