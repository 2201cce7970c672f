import { describe, expect, it } from 'vitest';
import type { Route, RouteConfiguration, VirtualHost } from '#xds';
import { splitPath } from '../../../server/data-plane/config/route-condition.ts';
import { compileRouteTable } from '../../../server/data-plane/config/route-table.ts';
import { compileUriRewrite, compileUriTemplate } from '../../../server/data-plane/config/uri-template.ts';
import type { RequestHead } from '../../../server/data-plane/http/codec.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { firstRefusal } from '../../../server/data-plane/http/router/choose-route.ts';

const head = (path: string, headers: Record<string, string> = {}): RequestHead => ({
  method: 'GET',
  path,
  authority: 'shop',
  scheme: 'http',
  protocol: 'HTTP/1.1',
  headers: Headers.of(headers),
});

const hostWith = (given: Partial<VirtualHost>, table: Partial<RouteConfiguration> = {}) =>
  compileRouteTable({ name: '80', virtual_hosts: [{ name: 'h', domains: ['*'], ...given }], ...table }, 'v1')
    .virtualHosts[0]!;

const routeWith = (route: Partial<Route>, table: Partial<RouteConfiguration> = {}) =>
  hostWith({ routes: [{ match: { prefix: '/' }, route: { cluster: 'a' }, ...route } as Route] }, table).routes[0]!;

const refusal = (route: ReturnType<typeof routeWith>, request: RequestHead) =>
  firstRefusal(route, splitPath(request))?.();

const MATCHING = 'type.googleapis.com/envoy.type.matcher.v3.';
const ROUTING = 'type.googleapis.com/envoy.config.route.v3.';
const answers = (status: number, match = { prefix: '/' }) => ({
  action: { typed_config: { '@type': `${ROUTING}Route`, match, direct_response: { status } } },
});

describe('a path template', () => {
  it.each([
    ['/api/{user}/{rest=**}', '/api/ann/a/b', { user: 'ann', rest: 'a/b' }],
    ['/api/{user}/{rest=**}', '/api/ann', undefined],
    ['/v/{a=x/*}/{b}', '/v/x/1/2', { a: 'x/1', b: '2' }],
    ['/f/{file}.txt', '/f/a.txt', { file: 'a' }],
    ['/f/*/g', '/f/a/b/g', undefined],
  ])('%s finds its variables in %s', (template, path, wanted) => {
    const found = compileUriTemplate(template, 'path').capture(path);
    expect(found && Object.fromEntries(found)).toEqual(wanted);
  });

  it('gives its variables to a rewrite, which may name no others', () => {
    const template = compileUriTemplate('/api/{user}/{rest=**}', 'path');
    expect(compileUriRewrite('/u/{rest}/of/{user}', template, 'rewrite')('/api/ann/a/b')).toBe('/u/a/b/of/ann');
    expect(() => compileUriRewrite('/{other}', template, 'rewrite')).toThrow('"other" is no variable');
  });

  it.each(['api', '/{a}/{a}', '/{a', '/**/a/**'])('refuses %s', (template) => {
    expect(() => compileUriTemplate(template, 'path')).toThrow('path');
  });
});

describe('the conditions of a route', () => {
  it('take the first cookie of a name, and a missing one for an inverted condition', () => {
    const plain = routeWith({ match: { prefix: '/', cookies: [{ name: 'sid', string_match: { exact: 'abc' } }] } });
    expect(refusal(plain, head('/', { cookie: 'a=b; sid="abc"; sid=x' }))).toBeUndefined();
    expect(refusal(plain, head('/', { cookie: 'sid=x' }))).toBe(
      'needs cookie sid to be exactly "abc", the request has "x"',
    );
    const inverted = { name: 'sid', string_match: { prefix: 'x' }, invert_match: true };
    expect(refusal(routeWith({ match: { prefix: '/', cookies: [inverted] } }), head('/'))).toBeUndefined();
  });

  it('can want that a query parameter is absent', () => {
    const route = routeWith({ match: { prefix: '/', query_parameters: [{ name: 'b', present_match: false }] } });
    expect(refusal(route, head('/?a'))).toBeUndefined();
    expect(refusal(route, head('/?b=1'))).toBe('needs no query parameter b, the request has "1"');
  });

  it('look at no parameters of a path where the table says so', () => {
    const table = { ignore_path_parameters_in_path_matching: true };
    expect(refusal(routeWith({ match: { path: '/a/b' } }, table), head('/a;v=1/b;w?q'))).toBeUndefined();
    // Which no path is, then.
    expect(refusal(routeWith({ match: { path: '/a;b' } }, table), head('/a;b'))).toBeDefined();
  });
});

describe('a tree of matchers in a virtual host', () => {
  const input = (name: string) => ({
    typed_config: { '@type': `${MATCHING}HttpRequestHeaderMatchInput`, header_name: name },
  });
  const host = hostWith({
    matcher: {
      matcher_list: {
        matchers: [
          {
            predicate: { single_predicate: { input: input('x-team'), value_match: { exact: 'red' } } },
            on_match: answers(201),
          },
        ],
      },
      on_no_match: {
        matcher: {
          matcher_tree: {
            input: input(':path'),
            prefix_match_map: { map: { '/a': answers(202), '/a/b': answers(203) } },
          },
        },
      },
    },
  });
  const statuses = (request: RequestHead) =>
    host.narrow?.(splitPath(request)).map(({ target }) => (target.kind === 'direct' ? target.status : 0));

  it.each([
    ['/z', { 'x-team': 'red' }, [201]],
    ['/a/c', {}, [202]],
    ['/a/b/c', {}, [203]],
    ['/z', {}, []],
  ])('narrows %s %j', (path, headers, wanted) => {
    expect(statuses(head(path, headers))).toEqual(wanted);
  });

  it('stands in place of a list of routes', () => {
    const routes = [{ match: { prefix: '/' }, route: { cluster: 'a' } }];
    expect(() => hostWith({ matcher: { on_no_match: answers(200) }, routes })).toThrow(
      'cannot have both routes and matcher',
    );
  });
});

describe('what a route gives to filters', () => {
  const wrapper = `${ROUTING}FilterConfig`;

  it('is that of the nearest level, without the wrapper that switches filters', () => {
    const route = routeWith(
      { typed_per_filter_config: { x: { '@type': wrapper, config: { '@type': 'near' } } } },
      {
        typed_per_filter_config: {
          x: { '@type': 'far' },
          y: { '@type': 'far' },
          z: { '@type': wrapper, disabled: true },
        },
      },
    );
    expect(route.perFilter).toEqual({ x: { '@type': 'near' }, y: { '@type': 'far' } });
    expect(Object.fromEntries(route.switches ?? [])).toEqual({ x: true, y: true, z: false });
  });
});

it('refuses what would choose otherwise than it does', () => {
  expect(() => routeWith({ route: { cluster_specifier_plugin: 'mine' } })).toThrow('no plugin "mine"');
  expect(() => routeWith({}, { vhds: {} })).toThrow('virtual hosts on demand are not supported');
  expect(() => routeWith({}, { vhost_header: 'x' })).toThrow('vhost_header');
});

it('refuses a direct response beyond what the table allows, which is 4,096 bytes', () => {
  const saying = (bytes: number, most?: number) =>
    hostWith(
      {
        routes: [
          { match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: 'x'.repeat(bytes) } } },
        ],
      },
      most === undefined ? {} : { max_direct_response_body_size_bytes: most },
    );
  expect(saying(4096).routes).toHaveLength(1);
  expect(() => saying(4097)).toThrow('response body size is 4097 bytes; maximum is 4096');
  expect(saying(5000, 5000).routes).toHaveLength(1);
  expect(() => saying(10, 5)).toThrow('response body size is 10 bytes; maximum is 5');
});
