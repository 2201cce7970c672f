import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { PairCase, PairRequest } from '../pairs/case-file.ts';
import { type Dice, dice } from './dice.ts';
import { walkedLog } from './walk.ts';

const REQUESTS = 12;
const PLACES = [{ name: 'x-jwt' }, { name: 'Authorization', value_prefix: 'Bearer ' }];

/** Up to three issuers, whose tokens must hold or may be missing, and whose claims go into headers that they may share. */
export function cases(seed: string, count: number): PairCase[] {
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwks = JSON.stringify({ keys: [{ ...keys.publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'RS256' }] });
  return Array.from({ length: count }, (_, i) => {
    const roll = dice(`${seed}/tokens/${i}`);
    const issuers = Array.from({ length: 1 + roll.below(3) }, (_none, at) => at);
    const providers = Object.fromEntries(issuers.map((at) => [`p${at}`, provider(roll, at, jwks)]));
    return {
      name: `t${i}`,
      http: { access_log: [walkedLog('envoy.filters.http.jwt_authn')], preserve_external_request_id: true },
      filters: [
        {
          name: 'envoy.filters.http.jwt_authn',
          providers,
          rules: [{ match: { prefix: '/' }, requires: requirement(roll, issuers) }],
        },
      ],
      routes: [
        { match: { prefix: '/', headers: [{ name: 'x-n', present_match: true }] }, route: { cluster: 'two' } },
        { match: { prefix: '/' }, route: { cluster: 'one' } },
      ],
      clusters: { one: { hosts: ['one'] }, two: { hosts: ['two'] } },
      requests: Array.from({ length: REQUESTS }, (_none, at) => request(roll, at, keys.privateKey)),
    };
  });
}

const provider = (roll: Dice, at: number, jwks: string): object => ({
  issuer: `issuer${at}`,
  local_jwks: { inline_string: jwks },
  forward: roll.chance(70),
  claim_to_headers: [0, 1].slice(roll.below(2)).map(() => ({
    header_name: roll.one(['x-sub', 'x-n', `x-p${at}`]),
    claim_name: roll.one(['sub', 'n', 'nested', 'iss']),
  })),
  ...roll.maybe(40, () => ({ forward_payload_header: roll.one(['x-payload', `x-payload${at}`]) })),
  ...roll.maybe(30, () => ({ payload_in_metadata: roll.one(['payload', `payload${at}`]) })),
  ...roll.maybe(20, () => ({ header_in_metadata: roll.one(['payload', 'header']) })),
  ...roll.maybe(30, () => ({ failed_status_in_metadata: 'why' })),
  ...roll.maybe(30, () => ({ from_headers: roll.one([PLACES, PLACES.toReversed(), PLACES.slice(0, 1)]) })),
  ...roll.maybe(30, () => ({ from_params: roll.one([['access_token'], ['jwt', 'access_token'], ['jwt']]) })),
  ...roll.maybe(15, () => ({ from_cookies: ['jwt'] })),
  ...roll.maybe(20, () => ({ audiences: ['api'] })),
  ...roll.maybe(30, () => ({ clear_route_cache: true })),
});

/** As Istio has it for several rules, one of all, or a tree of any shape. */
function requirement(roll: Dice, issuers: readonly number[]): object {
  const named = issuers.map((at) => ({ provider_name: `p${at}` }));
  const orMissing = named.map((one) => ({ requires_any: { requirements: [one, { allow_missing: {} }] } }));
  return roll.one([
    () => ({ requires_all: { requirements: orMissing } }),
    () => ({ requires_any: { requirements: named } }),
    () => ({ requires_all: { requirements: [...named.slice(0, 1), ...named.slice(0, 1)] } }),
    () => named[0]!,
    () => tree(roll, issuers, 2),
    () => tree(roll, issuers, 2),
  ])();
}

function tree(roll: Dice, issuers: readonly number[], depth: number): object {
  const provider_name = `p${roll.one(issuers)}`;
  const leaves = [
    { provider_name },
    { provider_name },
    { provider_and_audiences: { provider_name, audiences: ['api'] } },
    { allow_missing: {} },
    { allow_missing_or_failed: {} },
  ];
  if (depth === 0 || roll.chance(25)) return roll.one(leaves);
  const requirements = [0, 1, 2].slice(roll.below(2)).map(() => tree(roll, issuers, depth - 1));
  return { [roll.one(['requires_any', 'requires_all'])]: { requirements } };
}

const request = (roll: Dice, at: number, key: KeyObject): PairRequest => ({
  name: `q${at}`,
  path: `/${['jwt', 'access_token'].map((name) => (roll.chance(20) ? `${name}=${token(roll, key)}` : '')).join('&')}`
    .replace(/^\/&?(?=.)/, '/?')
    .replace(/&$/, ''),
  headers: {
    ...roll.maybe(70, () => ({ authorization: `Bearer ${roll.chance(90) ? token(roll, key) : 'x.y.z'}` })),
    ...roll.maybe(35, () => ({ 'x-jwt': token(roll, key) })),
    ...roll.maybe(15, () => ({ cookie: `a=b; jwt=${token(roll, key)}` })),
    ...roll.maybe(20, () => ({ 'x-sub': 'forged' })),
  },
  expect: { status: 200 },
});

function token(roll: Dice, key: KeyObject): string {
  const claims = {
    iss: roll.one(['issuer0', 'issuer1', 'issuer2', 'another']),
    sub: roll.one(['ann', 'ben']),
    n: 5,
    nested: { k: 'v' },
    exp: roll.chance(85) ? 4_102_444_800 : 1_000_000_000,
    ...roll.maybe(40, () => ({ aud: roll.one(['api', 'web']) })),
  };
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'RS256', kid: 'k' })}.${part(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}
