import { describe, expect, it } from 'vitest';
import { readLocalRateLimit } from '../../../server/data-plane/config/local-rate-limit-config.ts';
import type { Descriptor } from '../../../server/data-plane/config/rate-limit-rules.ts';
import { LocalLimiter } from '../../../server/data-plane/http/filters/rate-limit/local-limiter.ts';
import { manualClock } from '../../support/manual-clock.ts';

const clock = manualClock();
const bucket = (max_tokens: number, fill_interval = '600s'): object => ({ max_tokens, fill_interval });
const limiter = (fields: object): LocalLimiter =>
  new LocalLimiter(readLocalRateLimit({ '@type': 'x', stat_prefix: 'a', ...fields }), clock);
const asked = (value: string, more: Partial<Descriptor> = {}): Descriptor => ({
  entries: [{ key: 'user', value }],
  limit: undefined,
  hits: undefined,
  refills: false,
  tellsClient: undefined,
  ...more,
});

describe('a local limiter', () => {
  it('forgets the value that was used longest ago', () => {
    const descriptors = [{ entries: [{ key: 'user' }], token_bucket: bucket(1) }];
    const limits = limiter({ descriptors, max_dynamic_descriptors: 2 });
    const allows = (value: string): boolean => limits.judge([asked(value)], 1).allowed;
    expect(['a', 'b', 'a', 'c', 'b', 'a'].map(allows)).toEqual([true, true, false, true, true, true]);
  });

  it('asks the descriptor that names the value before the one that does not', () => {
    const descriptors = [
      { entries: [{ key: 'user' }], token_bucket: bucket(9) },
      { entries: [{ key: 'user', value: 'ann' }], token_bucket: bucket(4) },
    ];
    const limits = limiter({ descriptors });
    expect(limits.judge([asked('ann')], 1).bucket?.config.maxTokens).toBe(4);
    expect(limits.judge([asked('bob')], 1).bucket?.config.maxTokens).toBe(9);
  });

  it('takes the tokens of all proxies that share it', () => {
    const limits = limiter({ token_bucket: bucket(5) });
    expect([3, 3, 2, 1].map((parts) => limits.judge([], parts).allowed)).toEqual([true, false, true, false]);
  });

  it('fills steadily', () => {
    const limits = limiter({ token_bucket: { max_tokens: 2, tokens_per_fill: 2, fill_interval: '1s' } });
    expect([limits.judge([], 1), limits.judge([], 1), limits.judge([], 1)].map(({ allowed }) => allowed)).toEqual([
      true,
      true,
      false,
    ]);
    clock.advance(500);
    expect(limits.judge([], 1).allowed).toBe(true);
    expect(limits.judge([], 1).allowed).toBe(false);
  });

  it('gives back no more than there is room for', () => {
    const limits = limiter({ descriptors: [{ entries: [{ key: 'user' }], token_bucket: bucket(3) }] });
    limits.judge([asked('a', { hits: 2 })], 1);
    limits.judge([asked('a', { hits: 9, refills: true })], 1);
    expect(limits.judge([asked('a', { hits: 3 })], 1).allowed).toBe(true);
    expect(limits.judge([asked('a')], 1).allowed).toBe(false);
  });
});
