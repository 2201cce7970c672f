import { describe, expect, it } from 'vitest';
import type { Route, RouteMatch } from '#xds';
import type { ReadMetadata } from '../../../server/data-plane/config/metadata-match.ts';
import { splitPath } from '../../../server/data-plane/config/route-condition.ts';
import { compileRouteTable } from '../../../server/data-plane/config/route-table.ts';
import type { RequestHead } from '../../../server/data-plane/http/codec.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { findVirtualHost, firstRefusal } from '../../../server/data-plane/http/router/choose-route.ts';
import { redirectLocation, rewriteRedirected, rewrittenPath } from '../../../server/data-plane/http/router/rewrite.ts';

const FAULT = 'type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault';

const head = (path: string, headers: Record<string, string> = {}, method = 'GET'): RequestHead => ({
  method,
  path,
  authority: 'shop',
  scheme: 'http',
  protocol: 'HTTP/1.1',
  headers: Headers.of(headers),
});

const compile = (route: Partial<Route>) => {
  const full = { match: { prefix: '/' }, route: { cluster: 'a' }, ...route } as Route;
  return compileRouteTable({ name: '80', virtual_hosts: [{ name: 'h', domains: ['*'], routes: [full] }] }, 'v1')
    .virtualHosts[0]!.routes[0]!;
};

const failure = (match: RouteMatch, request: RequestHead, metadata?: ReadMetadata): string | undefined =>
  firstRefusal(compile({ match }), splitPath(request, metadata))?.();

describe('a virtual host', () => {
  const table = compileRouteTable(
    {
      name: '80',
      virtual_hosts: ['shop.example.com', '*.example.com', '*.shop.example.com', 'shop.*', '*'].map((domain) => ({
        name: domain,
        domains: [domain],
      })),
    },
    'v1',
  );

  it.each([
    ['shop.example.com', 'shop.example.com'],
    ['SHOP.example.com', 'shop.example.com'],
    ['eu.shop.example.com', '*.shop.example.com'],
    ['www.example.com', '*.example.com'],
    ['shop.internal', 'shop.*'],
    ['elsewhere', '*'],
  ])('for %s is %s', (authority, name) => {
    expect(findVirtualHost(table, authority)?.found.name).toBe(name);
  });

  it('may not claim a domain that another one has', () => {
    const both = {
      name: '80',
      virtual_hosts: [
        { name: 'a', domains: ['x'] },
        { name: 'b', domains: ['X'] },
      ],
    };
    expect(() => compileRouteTable(both, 'v1')).toThrow('Duplicate entry of domain x in route 80');
  });
});

describe('a route condition', () => {
  it.each<[string, RouteMatch, RequestHead, string | undefined]>([
    ['takes a raw prefix', { prefix: '/foo' }, head('/foobar'), undefined],
    ['takes a segment prefix', { path_separated_prefix: '/foo' }, head('/foo/bar'), undefined],
    [
      'refuses half a segment',
      { path_separated_prefix: '/foo' },
      head('/foobar'),
      'needs path /foo or below, the request has /foobar',
    ],
    ['compares a path without its query', { path: '/a' }, head('/a?b=1'), undefined],
    ['ignores letter case where told', { prefix: '/A', case_sensitive: false }, head('/abc'), undefined],
    [
      'matches a regex from end to end',
      { safe_regex: { regex: '/v[0-9]' } },
      head('/v1/x'),
      'needs a path that matches /v[0-9] from end to end, the request has /v1/x',
    ],
    [
      'reads the method',
      { prefix: '/', headers: [{ name: ':method', string_match: { exact: 'POST' } }] },
      head('/'),
      'needs method to be exactly "POST", the request has "GET"',
    ],
    [
      'wants a header to be there',
      { prefix: '/', headers: [{ name: 'x-canary', present_match: true }] },
      head('/'),
      'needs header x-canary, the request has none',
    ],
    [
      'inverts',
      { prefix: '/', headers: [{ name: 'user', string_match: { exact: 'bot' }, invert_match: true }] },
      head('/', { user: 'bot' }),
      'needs header user to be anything but exactly "bot", the request has "bot"',
    ],
    [
      'takes a missing header for empty',
      {
        prefix: '/',
        headers: [
          { name: 'user', string_match: { exact: 'bot' }, invert_match: true, treat_missing_header_as_empty: true },
        ],
      },
      head('/'),
      undefined,
    ],
    [
      'reads query parameters',
      { prefix: '/', query_parameters: [{ name: 'v', string_match: { exact: '2' } }] },
      head('/?v=3'),
      'needs query parameter v to be exactly "2", the request has "3"',
    ],
  ])('%s', (_title, match, request, reason) => {
    expect(failure(match, request)).toBe(reason);
  });
});

describe('a route that asks for a claim', () => {
  const match: RouteMatch = {
    prefix: '/',
    dynamic_metadata: [
      {
        filter: 'envoy.filters.http.jwt_authn',
        path: [{ key: 'payload' }, { key: 'groups' }],
        value: {
          or_match: {
            value_matchers: [
              { list_match: { one_of: { string_match: { exact: 'staff' } } } },
              { string_match: { exact: 'staff' } },
            ],
          },
        },
      },
    ],
  };
  const claims = (payload: object): ReadMetadata => {
    return (filter) => (filter === 'envoy.filters.http.jwt_authn' ? { payload } : undefined);
  };
  const wanted = 'needs envoy.filters.http.jwt_authn payload.groups to be exactly "staff"';

  it.each<[string, ReadMetadata | undefined, string | undefined]>([
    ['takes its text', claims({ groups: 'staff' }), undefined],
    ['takes any entry of its list', claims({ groups: ['guests', 'staff'] }), undefined],
    ['refuses other values, and names them', claims({ groups: ['guests'] }), `${wanted}, it is ["guests"]`],
    ['refuses a token without it', claims({}), `${wanted}, there is none`],
    ['refuses a request that no filter has looked at', undefined, `${wanted}, there is none`],
  ])('%s', (_title, metadata, reason) => {
    expect(failure(match, head('/'), metadata)).toBe(reason);
  });

  it('turns around with invert', () => {
    const [claim] = match.dynamic_metadata!;
    const inverted = { ...match, dynamic_metadata: [{ ...claim, invert: true }] };
    expect(failure(inverted, head('/'), claims({ groups: 'guests' }))).toBeUndefined();
    expect(failure(inverted, head('/'))).toBeUndefined();
    expect(failure(inverted, head('/'), claims({ groups: 'staff' }))).toContain('to be anything but');
  });
});

describe('a rewrite', () => {
  it.each<[string, Partial<Route>, string, string | undefined]>([
    [
      'replaces the matched prefix',
      { match: { prefix: '/api/' }, route: { cluster: 'a', prefix_rewrite: '/' } },
      '/api/x?y',
      '/x?y',
    ],
    ['replaces a whole path', { match: { path: '/a' }, route: { cluster: 'a', prefix_rewrite: '/b' } }, '/a?y', '/b?y'],
    [
      'fills regex groups',
      {
        match: { prefix: '/' },
        route: { cluster: 'a', regex_rewrite: { pattern: { regex: '^/u/([^/]+)/(.*)$' }, substitution: '/$\\2/\\1' } },
      },
      '/u/ann/cart',
      '/$cart/ann',
    ],
    [
      'replaces all of a path that a regex matched',
      { match: { safe_regex: { regex: '/u/.*' } }, route: { cluster: 'a', prefix_rewrite: '/b' } },
      '/u/x?y',
      '/b?y',
    ],
    [
      'takes the whole match as group 0, and matches nothing twice at one place',
      {
        match: { prefix: '/' },
        route: { cluster: 'a', regex_rewrite: { pattern: { regex: 'x*' }, substitution: '[\\0]' } },
      },
      '/pxxb?x',
      '[]/[]p[xx]b[]?x',
    ],
    [
      'keeps a path of which nothing would be left',
      {
        match: { prefix: '/' },
        route: { cluster: 'a', regex_rewrite: { pattern: { regex: '^/q$' }, substitution: '' } },
      },
      '/q?x',
      undefined,
    ],
  ])('%s', (_title, route, from, to) => {
    const compiled = compile(route);
    if (compiled.target.kind !== 'forward') throw new Error('not a forward action');
    expect(rewrittenPath(from, compiled, compiled.target)).toBe(to);
  });

  it.each<[Route['redirect'], string]>([
    [{ https_redirect: true }, 'https://shop/a?b=1'],
    [{ host_redirect: 'new', port_redirect: 80 }, 'http://new:80/a?b=1'],
    [{ scheme_redirect: 'https' }, 'https://shop/a?b=1'],
    [{ port_redirect: 8443, path_redirect: '/c' }, 'http://shop:8443/c?b=1'],
    [{ path_redirect: 'c', strip_query: true }, 'http://shop/c'],
    [{ host_redirect: 'é', path_redirect: '/\u{100}' }, 'http://\xc3\xa9/\xc4\x80?b=1'],
    [{ prefix_rewrite: '/n?c=2' }, 'http://shop/n?c=2a?b=1'],
    [{ prefix_rewrite: '', scheme_redirect: '', port_redirect: 0 }, 'http://shop/a?b=1'],
  ])('redirects by %j to %s', (redirect, location) => {
    const compiled = compile({ ...(redirect && { redirect }) });
    if (compiled.target.kind !== 'redirect') throw new Error('not a redirect');
    const request = head('/a?b=1');
    rewriteRedirected(request, compiled, compiled.target);
    expect(redirectLocation(request, compiled.target)).toBe(location);
  });
});

describe('a route configuration that cannot be served', () => {
  it.each<[string, Partial<Route>, string]>([
    [
      'an invalid regex',
      { match: { safe_regex: { regex: '(' } } },
      'virtual_hosts[0].routes[0].match.safe_regex.regex: invalid regex "("',
    ],
    [
      'a name of a header with a line end',
      { request_headers_to_add: [{ header: { key: 'a\nb', value: 'c' } }] },
      'request_headers_to_add[0].header.key: value does not match regex pattern',
    ],
    [
      'a header to remove with a line end',
      { response_headers_to_remove: ['a\r\nb'] },
      'response_headers_to_remove[0]: value does not match regex pattern',
    ],
    [
      'a redirect to a path with a line end',
      { redirect: { path_redirect: '/a\r\nb: c' } },
      'redirect.path_redirect: value does not match regex pattern',
    ],
    [
      'a rewrite of the host with a line end',
      { route: { cluster: 'a', host_rewrite_literal: 'a\nb' } },
      'route.host_rewrite_literal: value does not match regex pattern',
    ],
    ['no weights', { route: { weighted_clusters: { clusters: [{ name: 'a', weight: 0 }] } } }, 'Sum of weights'],
    ['a bad duration', { route: { cluster: 'a', timeout: 'soon' } }, 'route.timeout: "soon" is not a duration'],
    [
      'a fault out of range',
      { typed_per_filter_config: { 'envoy.filters.http.fault': { '@type': FAULT, abort: { http_status: 99 } } } },
      'abort.http_status: must be in 200-599',
    ],
    [
      'an unknown format command',
      { request_headers_to_add: [{ header: { key: 'a', value: '%NOW%' } }] },
      'Not supported field in StreamInfo: NOW',
    ],
  ])('is refused for %s', (_title, route, message) => {
    expect(() => compile(route)).toThrow(message);
  });

  it('reads the share of requests that a route takes', () => {
    const match = (default_value: object) => ({ prefix: '/', runtime_fraction: { default_value } });
    expect(compile({ match: match({ numerator: 25, denominator: 'TEN_THOUSAND' }) }).share).toEqual({
      numerator: 25,
      of: 10_000,
    });
    expect(compile({ match: match({}) }).share).toEqual({ numerator: 0, of: 100 });
    expect(compile({}).share).toBeUndefined();
  });
});
