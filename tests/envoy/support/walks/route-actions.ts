import type { Dice } from './dice.ts';
import { VALUES } from './route-matches.ts';

const APPEND = ['APPEND_IF_EXISTS_OR_ADD', 'ADD_IF_ABSENT', 'OVERWRITE_IF_EXISTS_OR_ADD', 'OVERWRITE_IF_EXISTS'];
const FORMATS = [
  '%REQ(:PATH)%',
  '%REQ(X-A?X-B):3%',
  '%PROTOCOL%',
  '%REQ(:AUTHORITY)%-%ROUTE_NAME%',
  '%UPSTREAM_CLUSTER%',
  '%RESPONSE_CODE%',
  '%RESP(X-HOST)%',
  '%DYNAMIC_METADATA(walk:k)%',
  '%VIRTUAL_CLUSTER_NAME%',
  '%UPSTREAM_REQUEST_ATTEMPT_COUNT%',
  '%QUERY_PARAM(q)%',
  '%PATH(NQ:PATH)%|%PATH(WQ:ORIG)%',
  '%FILTER_STATE(walk.state:PLAIN)%',
  '%RESPONSE_FLAGS%/%RESPONSE_CODE_DETAILS%',
  '%COALESCE({"operators":[{"command":"REQ","param":"x-none"},{"command":"REQ","param":"x-a"}]})%',
  '100%%',
];
const NAMES = [
  'x-a',
  'x-b',
  'x-new',
  'accept',
  'x-host',
  'content-type',
  'x-echo-set',
  'set-cookie',
  'cache-control',
  'via',
  'server',
];

/** HeaderValueOptions. */
export const added = (dice: Dice): object => ({
  header: {
    key: dice.one(NAMES),
    value: dice.one([...VALUES.slice(1, 4), ...FORMATS]),
  },
  ...dice.maybe(70, () => ({ append_action: dice.one(APPEND) })),
  ...dice.maybe(20, () => ({ keep_empty_value: true })),
});

/** What each level of a table may change of headers. */
export const headerChanges = (dice: Dice, percent: number): object => ({
  ...dice.maybe(percent, () => ({ request_headers_to_add: [added(dice), added(dice)].slice(dice.below(2)) })),
  ...dice.maybe(percent / 2, () => ({
    request_headers_to_remove: [dice.one(['x-a', 'x-b', 'X-New', 'accept', 'user-agent2'])],
  })),
  ...dice.maybe(percent, () => ({ response_headers_to_add: [added(dice), added(dice)].slice(dice.below(2)) })),
  ...dice.maybe(percent / 2, () => ({
    response_headers_to_remove: [dice.one(['x-host', 'x-a', 'Content-Type', 'x-new'])],
  })),
});

const REWRITE = 'type.googleapis.com/envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig';
const regexRewrite = (dice: Dice): object => ({
  pattern: { regex: dice.one(['^/a', '/([^/]+)/([^/]+)', 'b', '(?i)A', '[0-9]+', '^/(.*)$']) },
  substitution: dice.one(['/x', '/\\2/\\1', '\\0', '', 'q?z=1', '\\\\', '/\\1']),
});

const pathChange = (dice: Dice): object =>
  dice.one([
    () => ({}),
    () => ({ prefix_rewrite: dice.one(['/', '/new', '/new/', '/x?y=1', 'rel']) }),
    () => ({ regex_rewrite: regexRewrite(dice) }),
    () => ({
      path_rewrite: dice.one(['/f%REQ(x-a)%', '/x%PATH(NQ:PATH)%', '%REQ(:PATH)%', 'rel', '/q?z=%QUERY_PARAM(q)%']),
    }),
    () => ({
      path_rewrite_policy: {
        name: 'envoy.path.rewrite.uri_template.uri_template_rewriter',
        typed_config: { '@type': REWRITE, path_template_rewrite: dice.one(['/n/{x}', '/{y}/{x}', '/lit', '/{x}{y}']) },
      },
    }),
  ])();

const hostChange = (dice: Dice): object =>
  dice.one([
    () => ({ host_rewrite_literal: dice.one(['new.host', 'new.host:81']) }),
    () => ({ host_rewrite_header: dice.one(['x-a', 'x-none']) }),
    () => ({ host_rewrite_path_regex: regexRewrite(dice) }),
    () => ({ host_rewrite: dice.one(['h-%REQ(x-a)%', '%REQ(:AUTHORITY)%.x', '%ROUTE_NAME%']) }),
    () => ({ auto_host_rewrite: true }),
  ])();

const ID = 'walk';
const clusterOf = (dice: Dice, name: string): object =>
  dice.one([
    () => ({ cluster: `${name}.one` }),
    () => ({ cluster: `${name}.two` }),
    () => ({ cluster: `${name}.named` }),
    () => ({ cluster: `${name}.${ID}` }),
    () => ({ cluster_header: dice.one(['x-cluster', 'x-none', ':authority']) }),
    () => ({ weighted_clusters: weighted(dice, name) }),
    () => ({ weighted_clusters: weighted(dice, name) }),
  ])();

const weighted = (dice: Dice, name: string): object => ({
  clusters: ['one', 'two', 'none'].slice(0, 1 + dice.below(3)).map((cluster) => ({
    name: `${name}.${cluster}`,
    weight: dice.one([0, 1, 30, 70]),
    ...dice.maybe(40, () => headerChanges(dice, 50)),
    ...dice.maybe(20, () => ({ host_rewrite_literal: 'weighted.host' })),
  })),
  header_name: 'x-draw',
});

const forward = (dice: Dice, name: string): object => ({
  route: {
    ...clusterOf(dice, name),
    ...dice.maybe(50, () => pathChange(dice)),
    ...dice.maybe(30, () => hostChange(dice)),
    ...dice.maybe(20, () => ({ append_x_forwarded_host: true })),
    ...dice.maybe(15, () => ({ cluster_not_found_response_code: dice.one(['NOT_FOUND', 'INTERNAL_SERVER_ERROR']) })),
    ...dice.maybe(15, () => ({ timeout: dice.one(['0s', '3s', '7.5s']) })),
    ...dice.maybe(10, () => ({ priority: 'HIGH' })),
    ...dice.maybe(20, () => ({
      internal_redirect_policy: {
        max_internal_redirects: dice.one([0, 1, 3]),
        redirect_response_codes: dice.one([[], [302], [302, 307, 303, 301, 308]]),
        ...dice.maybe(50, () => ({ allow_cross_scheme_redirect: true })),
        ...dice.maybe(30, () => ({ response_headers_to_copy: ['x-copied', 'x-host'] })),
      },
    })),
    ...dice.maybe(10, () => ({
      retry_policy: { retry_on: '5xx,reset', num_retries: 1, retry_back_off: { base_interval: '0.001s' } },
    })),
  },
});

const redirect = (dice: Dice): object => ({
  redirect: {
    ...dice.one([
      () => ({}),
      () => ({ path_redirect: dice.one(['/new', '/new?x=1', '', 'rel', '/%41']) }),
      () => ({ prefix_rewrite: dice.one(['/', '/new', '', '/n?x=1']) }),
      () => ({ regex_rewrite: regexRewrite(dice) }),
    ])(),
    ...dice.one([
      () => ({}),
      () => ({ https_redirect: true }),
      () => ({ scheme_redirect: dice.one(['ftp', 'HTTPS', 'http']) }),
    ])(),
    ...dice.maybe(30, () => ({ host_redirect: dice.one(['r.host', 'r.host:81', '']) })),
    ...dice.maybe(20, () => ({ port_redirect: dice.one([80, 443, 8080]) })),
    ...dice.maybe(40, () => ({
      response_code: dice.one(['FOUND', 'SEE_OTHER', 'TEMPORARY_REDIRECT', 'PERMANENT_REDIRECT']),
    })),
    ...dice.maybe(30, () => ({ strip_query: true })),
  },
});

const direct = (dice: Dice): object => ({
  direct_response: {
    status: dice.one([200, 201, 403, 418, 503]),
    ...dice.maybe(60, () => ({ body: { inline_string: dice.one(['text', '', '<b>é</b>']) } })),
    ...dice.maybe(20, () => ({
      body_format: {
        ...dice.one([
          { text_format_source: { inline_string: '%LOCAL_REPLY_BODY%|%REQ(X-A)%|%RESPONSE_CODE%' } },
          { json_format: { body: '%LOCAL_REPLY_BODY%', a: '%REQ(x-a)%', code: '%RESPONSE_CODE%' } },
        ]),
        ...dice.maybe(30, () => ({ content_type: 'text/x' })),
      },
    })),
  },
});

/** What a Route says beside its match. */
export const routeAction = (dice: Dice, name: string): object => ({
  ...dice.one([
    () => forward(dice, name),
    () => forward(dice, name),
    () => forward(dice, name),
    () => redirect(dice),
    () => direct(dice),
  ])(),
  ...dice.maybe(40, () => headerChanges(dice, 50)),
});

/** Answers that lead to another route of the proxy. */
export const LOCATIONS = [
  '/b/1',
  'http://test/a',
  'https://test/a/b',
  'http://other.test/a?q=v',
  '//test/b',
  'a/b',
  '/a#f',
  'ftp://test/',
];
