import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#domain';
import { type FetchedText, KeyResolver } from '../../../server/control-plane/jwks/key-resolver.ts';
import { manualClock } from '../../support/manual-clock.ts';

const URI = 'http://login.idp/keys';
const SET = '{"keys":[{"kty":"RSA","kid":"one","n":"AQ","e":"AQAB"}]}';
const OTHER = SET.replace('one', 'two');

const policy = (rule: object): KubeObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'RequestAuthentication',
  metadata: { name: 'tokens', namespace: 'default' },
  spec: { jwtRules: [rule] },
});

const jwksIn = (object: KubeObject): unknown => (object['spec'] as { jwtRules: { jwks?: string }[] }).jwtRules[0]?.jwks;

/** A resolver over answers by URL; what is no answer yet is asked of `answer` each time. */
function createResolver(answer: (url: string) => FetchedText | Error, env: Record<string, string> = {}) {
  const clock = manualClock();
  const logs: string[] = [];
  const asked: string[] = [];
  let changes = 0;
  const resolver = new KeyResolver({
    clock,
    env,
    log: (line) => logs.push(line),
    onChange: () => {
      changes += 1;
    },
    fetch: async (url) => {
      asked.push(url);
      const given = answer(url);
      if (given instanceof Error) throw given;
      return given;
    },
  });
  return { resolver, clock, logs, asked, changes: () => changes };
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe('keys that a RequestAuthentication names by URI', () => {
  it.each(['jwksUri', 'jwks_uri'])('as %s are fetched once and filled in', async (field) => {
    const { resolver, asked, changes } = createResolver(() => ({ status: 200, text: SET }));
    const rule = policy({ issuer: 'login', [field]: URI });
    expect(jwksIn(resolver.fill(rule))).toBeUndefined();
    await settle();
    expect(jwksIn(resolver.fill(rule))).toBe(SET);
    expect([asked, changes()]).toEqual([[URI], 1]);
  });

  it('are found by the discovery document of the issuer where no URI is given', async () => {
    const { resolver, asked } = createResolver((url) =>
      url === URI ? { status: 200, text: SET } : { status: 200, text: JSON.stringify({ jwks_uri: URI }) },
    );
    const rule = policy({ issuer: 'http://login.idp/' });
    resolver.fill(rule);
    await settle();
    expect(jwksIn(resolver.fill(rule))).toBe(SET);
    expect(asked).toEqual(['http://login.idp/.well-known/openid-configuration', URI]);
  });

  it.each<[string, FetchedText | Error, string]>([
    ['a server that hangs', new Error('no answer within 5000 ms'), 'no answer within 5000 ms'],
    ['a redirect', { status: 302, text: '' }, 'the answer is a redirect (302), which is not followed'],
    ['an error', { status: 503, text: '' }, 'the answer has status 503'],
    ['a text that is no JSON', { status: 200, text: '<html>' }, 'the answer is no JSON'],
    ['JSON that is no set', { status: 200, text: '[1]' }, 'the answer is no JWK set with keys'],
    ['a set without keys', { status: 200, text: '{"keys":[]}' }, 'the answer is no JWK set with keys'],
    ['a huge answer', { status: 200, text: ' '.repeat(1_048_577) }, 'the answer is longer than 1048576 bytes'],
  ])('%s leaves the rule without keys, says so, and is tried again ever more slowly', async (_what, answer, why) => {
    const { resolver, clock, logs, asked, changes } = createResolver(() => answer);
    const rule = policy({ issuer: 'login', jwksUri: URI });
    resolver.fill(rule);
    await settle();
    expect(jwksIn(resolver.fill(rule))).toBeUndefined();
    expect(logs[0]).toBe(
      `error\tFailed to fetch public key from "${URI}": ${why}; every token of this rule is refused`,
    );
    for (const afterMs of [1000, 2000]) {
      const before = asked.length;
      clock.advance(afterMs - 1);
      expect(asked).toHaveLength(before);
      clock.advance(1);
      expect(asked).toHaveLength(before + 1);
      await settle();
    }
    expect(changes()).toBe(0);
  });

  it('change when the next refresh brings others, and stay when it fails', async () => {
    let answer: FetchedText | Error = { status: 200, text: SET };
    const { resolver, clock, changes, logs } = createResolver(() => answer, {
      PILOT_JWT_PUB_KEY_REFRESH_INTERVAL: '10s',
    });
    const rule = policy({ issuer: 'login', jwksUri: URI });
    resolver.fill(rule);
    await settle();
    answer = new Error('gone');
    clock.advance(10_000);
    await settle();
    expect(jwksIn(resolver.fill(rule))).toBe(SET);
    expect(logs.at(-1)).toContain('the keys of the last time stay in force');
    answer = { status: 200, text: OTHER };
    clock.advance(1000);
    await settle();
    expect(jwksIn(resolver.fill(rule))).toBe(OTHER);
    expect(changes()).toBe(2);
  });

  it('are not asked for by inline sets, issuers that are no URL, or schemes that are not http', async () => {
    const { resolver, asked, logs } = createResolver(() => ({ status: 200, text: SET }));
    resolver.fill(policy({ issuer: 'http://login.idp', jwks: SET }));
    resolver.fill(policy({ issuer: 'somebody' }));
    resolver.fill(policy({ issuer: 'somebody', jwksUri: 'file:///etc/passwd' }));
    await settle();
    expect(asked).toEqual([]);
    expect(logs).toEqual([expect.stringContaining('file:///etc/passwd is no http or https URL')]);
  });

  it('are forgotten when no policy names them', async () => {
    const { resolver, clock, asked } = createResolver(() => ({ status: 200, text: SET }));
    resolver.fill(policy({ issuer: 'login', jwksUri: URI }));
    await settle();
    resolver.keep([]);
    clock.advance(3_600_000);
    expect(asked).toHaveLength(1);
  });
});
