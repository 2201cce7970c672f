import { expect, it } from 'vitest';
import { readTarget } from '../../../server/data-plane/config/filters/elsewhere-target.ts';

const read = (fields: object): unknown => readTarget({ '@type': 'policy', ...fields }, 'policy');

it('reads where another route is asked for, from a URI or field by field', () => {
  expect(read({ uri: 'HTTPS://errors:8080?a=1#part' })).toEqual({
    scheme: 'https',
    authority: 'errors:8080',
    port: undefined,
    path: '/?a=1',
    stripsQuery: true,
  });
  expect(read({ redirect_action: { path_redirect: '/sorry', https_redirect: true, port_redirect: 81 } })).toEqual({
    scheme: 'https',
    authority: undefined,
    port: 81,
    path: '/sorry',
    stripsQuery: false,
  });
});

it.each([
  [{ uri: '/sorry' }, 'policy.uri: Invalid uri specified for redirection for custom response: /sorry'],
  [{}, 'policy.redirect_action_specifier: is required'],
  [{ redirect_action: {} }, 'At least one of host_redirect and path_redirect needs to be specified'],
  [{ redirect_action: { path_redirect: '/a#b' } }, '#fragment is not supported for custom response.'],
  [{ redirect_action: { prefix_rewrite: '/a' } }, 'prefix_rewrite is not supported for Custom Response'],
  [{ redirect_action: { regex_rewrite: {} } }, 'regex_rewrite is not supported for Custom Response'],
])('refuses %j, in Envoy’s words', (fields, why) => {
  expect(() => read(fields)).toThrow(why);
});
