import type { Dice } from './dice.ts';

/** Few words, so that what is asked and what is wanted often meet. */
export const PATHS = [
  '/a',
  '/a/',
  '/a/b',
  '/a/b/c',
  '/A/B',
  '/ab',
  '/b/1',
  '/b/22',
  '/b/a.txt',
  '/',
  '/a;v=1/b',
  '/c%2Fd',
  '/a//b',
  '/a/./b',
];
// No space: what becomes of one in a rewritten host is a row of the README.
export const VALUES = ['', 'v', 'V', 'vw', '7', '-3', '15', 'a,b', 'x+y'];
export const HEADERS = ['x-a', 'x-b', 'x-n', 'accept'];
export const QUERIES = ['', '?', '?q=v', '?q=7&p=', '?p&q', '?q=V&q=v', '?q=%76', '?p=a+b&q=15'];
export const COOKIES = ['c=v', 'c=7; d=v', 'd=V; c=vw', 'c=', 'c'];
const REGEXES = ['v', 'v.*', '[0-9]+', '', '.+', '(?i)V'];

/** A StringMatcher. */
export const textMatch = (dice: Dice): object =>
  dice.one([
    () => ({ exact: dice.one(VALUES), ...dice.maybe(30, () => ({ ignore_case: true })) }),
    () => ({ prefix: dice.one(VALUES.slice(1)), ...dice.maybe(30, () => ({ ignore_case: true })) }),
    () => ({ suffix: dice.one(VALUES.slice(1)) }),
    () => ({ contains: dice.one(VALUES.slice(1)), ...dice.maybe(30, () => ({ ignore_case: true })) }),
    () => ({ safe_regex: { google_re2: {}, regex: dice.one(REGEXES.filter(Boolean)) } }),
  ])();

export const headerMatch = (dice: Dice): object => ({
  name: dice.one([
    ...HEADERS,
    ...HEADERS,
    ':method',
    ':path',
    ':authority',
    ':scheme',
    'host',
    'cookie',
    'user-agent',
    'x-forwarded-proto',
  ]),
  ...dice.one([
    () => ({ string_match: textMatch(dice) }),
    () => ({ string_match: textMatch(dice) }),
    () => ({ present_match: dice.chance(60) }),
    () => ({ range_match: { start: dice.one([-5, 0, 7]), end: dice.one([7, 8, 15, 16]) } }),
    () => ({ exact_match: dice.one(VALUES) }),
    () => ({ prefix_match: dice.one(VALUES.slice(1)) }),
    () => ({ suffix_match: dice.one(VALUES.slice(1)) }),
    () => ({ contains_match: dice.one(VALUES.slice(1)) }),
    () => ({ safe_regex_match: { regex: dice.one(REGEXES.filter(Boolean)) } }),
    () => ({}),
  ])(),
  ...dice.maybe(25, () => ({ invert_match: true })),
  ...dice.maybe(20, () => ({ treat_missing_header_as_empty: true })),
});

const queryMatch = (dice: Dice): object => ({
  name: dice.one(['q', 'p', 'Q']),
  ...dice.one([() => ({ string_match: textMatch(dice) }), () => ({ present_match: dice.chance(60) }), () => ({})])(),
});

const cookieMatch = (dice: Dice): object => ({
  name: dice.one(['c', 'd', 'C']),
  string_match: textMatch(dice),
  ...dice.maybe(25, () => ({ invert_match: true })),
});

const TEMPLATE = 'type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig';
const TEMPLATES = ['/a/{x}', '/{x}/{y}', '/a/**', '/b/{x=*}.txt', '/{x=**}/b', '/a/{x}/{y=**}', '/b/*'];

export const pathMatch = (dice: Dice): object => ({
  ...dice.one([
    () => ({ prefix: dice.one(['/', '/', '/a', '/a/', '/b/', '/A', '']) }),
    () => ({ path: dice.one(PATHS) }),
    () => ({ path_separated_prefix: dice.one(['/a', '/a/b', '/b', '/A']) }),
    () => ({ safe_regex: { regex: dice.one(['/a.*', '/b/[0-9]+', '(?i)/A/B', '/.', '/(a|b)/.+']) } }),
    () => ({
      path_match_policy: {
        name: 'envoy.path.match.uri_template.uri_template_matcher',
        typed_config: { '@type': TEMPLATE, path_template: dice.one(TEMPLATES) },
      },
    }),
  ])(),
  ...dice.maybe(20, () => ({ case_sensitive: false })),
});

/** All or none: what lies between is drawn anew by each proxy. */
const fraction = (dice: Dice): object =>
  dice.one([
    { numerator: 0 },
    { numerator: 100 },
    { numerator: 10_000, denominator: 'TEN_THOUSAND' },
    { numerator: 250 },
  ]);

/** A RouteMatch. */
export const routeMatch = (dice: Dice): object => ({
  ...pathMatch(dice),
  ...dice.maybe(45, () => ({ headers: [0, 1].slice(dice.below(2)).map(() => headerMatch(dice)) })),
  ...dice.maybe(20, () => ({ query_parameters: [0, 1].slice(dice.below(2)).map(() => queryMatch(dice)) })),
  ...dice.maybe(12, () => ({ cookies: [cookieMatch(dice)] })),
  ...dice.maybe(10, () => ({ runtime_fraction: { default_value: fraction(dice) } })),
  ...dice.maybe(4, () => ({ grpc: {} })),
  ...dice.maybe(3, () => ({ tls_context: { presented: dice.chance(50) } })),
  ...dice.maybe(6, () => ({
    dynamic_metadata: [
      {
        filter: 'walk',
        path: [{ key: dice.one(['k', 'l']) }],
        value: dice.one([{ string_match: textMatch(dice) }, { present_match: true }, { double_match: { exact: 7 } }]),
        ...dice.maybe(30, () => ({ invert: true })),
      },
    ],
  })),
  ...dice.maybe(4, () => ({ filter_state: [{ key: 'walk.state', string_match: textMatch(dice) }] })),
});
