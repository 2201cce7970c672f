import { expect, it } from 'vitest';
import { readJwtAuthn } from '../../../server/data-plane/config/jwt-config.ts';

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication';
const read = (filter_state_rules: object) =>
  readJwtAuthn({
    '@type': TYPE,
    providers: {
      login: {
        issuer: 'login',
        local_jwks: { inline_string: '{"keys":[{"kty":"oct","k":"c2VjcmV0","alg":"HS256"}]}' },
      },
    },
    filter_state_rules,
  });

it('reads what is asked of requests by a text that a filter has kept', () => {
  const { byState } = read({
    name: 'lane',
    requires: { locked: { provider_name: 'login' }, open: { allow_missing: {} } },
  });
  expect(byState?.key).toBe('lane');
  expect([...(byState?.requires.keys() ?? [])]).toEqual(['locked', 'open']);
});

it('says which rule names a provider that is not there, and that a key is needed', () => {
  expect(() => read({ name: 'lane', requires: { locked: { provider_name: 'other' } } })).toThrow(
    /^filter_state_rules\.requires\.locked/,
  );
  expect(() => read({ requires: {} })).toThrow('filter_state_rules.name: value length must be at least 1 characters');
});
