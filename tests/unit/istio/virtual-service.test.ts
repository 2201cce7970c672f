import { describe, expect, it } from 'vitest';
import { both } from './both.ts';
import { bareRoute, findings, httpRoute, validate, virtualService } from './manifests.ts';

const split = (a: number, b: number): string =>
  `hosts: [reviews]\nhttp:\n- route:\n  - destination: {host: reviews, subset: v1}\n    weight: ${a}\n  - destination: {host: reviews, subset: v2}\n    weight: ${b}`;
const route = 'route: [{destination: {host: reviews}}]';
const fine = httpRoute('timeout: 1s');
const hosts = (list: string, more = ''): string => virtualService(`hosts: ${list}\n${more}\nhttp: [{${route}}]`);
const rules = (...list: string[]): string => virtualService(`hosts: [reviews]\nhttp: [${list.join(', ')}]`);
const prefix = (value: string): string => `{match: [{uri: {prefix: ${value}}}], ${route}}`;

describe('VirtualService: hosts and gateways', () => {
  both([
    [
      'refuses a bad host',
      hosts('["re views"]'),
      'IST0106 spec.hosts[0]: domain name "re views" invalid',
      hosts('["*.example.com"]'),
    ],
    ['refuses * for sidecars', hosts('["*"]'), 'wildcard host * is not allowed', hosts('["*"]', 'gateways: [front]')],
    [
      'refuses hosts that cover each other',
      hosts('["*.a.com", b.a.com]'),
      'duplicate hosts in virtual service: *.a.com & b.a.com',
      hosts('[a.a.com, b.a.com]'),
    ],
    [
      'refuses a delegate with gateways',
      virtualService(`gateways: [front]\nhttp: [{${route}}]`),
      'delegate virtual service must have no gateways',
      virtualService(`http: [{${route}}]`),
    ],
    [
      'refuses a bad gateway namespace',
      hosts('[a.com]', 'gateways: [a_b/front]'),
      'invalid value for namespace: "a_b"',
      hosts('[a.com]', 'gateways: [istio-system/front, mesh]'),
    ],
    [
      'warns of the old gateway form',
      hosts('[a.com]', 'gateways: [front.shop]'),
      'IST0133 spec.gateways[0]: using legacy gatewayName format "front.shop"',
      hosts('[a.com]', 'gateways: [shop/front]'),
    ],
    [
      'refuses a VirtualService without routes',
      virtualService('hosts: [a]'),
      'http, tcp or tls must be provided',
      fine,
    ],
    [
      'refuses exportTo twice',
      hosts('[a]', 'exportTo: [default, "."]'),
      'duplicate entries in exportTo: . and current namespace default',
      hosts('[a]', 'exportTo: ["."]'),
    ],
    [
      'refuses * beside others in exportTo',
      hosts('[a]', 'exportTo: ["*", shop]'),
      'cannot have both public (*)',
      hosts('[a]', 'exportTo: ["*"]'),
    ],
  ]);
});

describe('VirtualService: what a route does', () => {
  both([
    [
      'refuses a route to nowhere',
      bareRoute('timeout: 1s'),
      'HTTP route, redirect or direct_response is required',
      fine,
    ],
    [
      'refuses redirect beside route',
      httpRoute('redirect: {uri: /a}'),
      'cannot contain both route and redirect',
      bareRoute('redirect: {uri: /a}'),
    ],
    [
      'refuses redirect beside fault',
      bareRoute('redirect: {uri: /a}\nfault: {abort: {httpStatus: 503}}'),
      'both fault and redirect',
      httpRoute('fault: {abort: {httpStatus: 503}}'),
    ],
    [
      'refuses directResponse beside route',
      httpRoute('directResponse: {status: 200}'),
      'both route and direct_response',
      bareRoute('directResponse: {status: 200}'),
    ],
    [
      'refuses a direct status outside 200-599',
      bareRoute('directResponse: {status: 99}'),
      'HTTP status 99 is not in range 200-599',
      bareRoute('directResponse: {status: 503, body: {string: sorry}}'),
    ],
    [
      'refuses a redirect code',
      bareRoute('redirect: {uri: /a, redirectCode: 200}'),
      '200 is not a valid redirect code',
      bareRoute('redirect: {uri: /a, redirectCode: 308}'),
    ],
    [
      'refuses an empty redirect',
      bareRoute('redirect: {redirectCode: 301}'),
      'redirect must specify URI, authority, scheme, or port',
      bareRoute('redirect: {authority: b.com}'),
    ],
    [
      'refuses two rewrites of the uri',
      httpRoute('rewrite: {uri: /a, uriRegexRewrite: {match: a, rewrite: b}}'),
      'rewrite may only contain one of',
      httpRoute('rewrite: {uri: /a}'),
    ],
    [
      'refuses an empty rewrite',
      httpRoute('rewrite: {uri: ""}'),
      'rewrite must specify at least one of',
      httpRoute('rewrite: {authority: b.com}'),
    ],
    [
      'refuses two authorities',
      httpRoute('rewrite: {authority: a.com}\nheaders: {request: {set: {Host: b.com}}}'),
      'authority header cannot be set multiple times',
      httpRoute('headers: {request: {set: {Host: b.com}}}'),
    ],
    [
      'refuses to remove Host',
      httpRoute('headers: {request: {remove: [host]}}'),
      'cannot set Host header',
      httpRoute('headers: {request: {remove: [x-a]}}'),
    ],
    [
      'refuses an open % in a header',
      httpRoute('headers: {response: {set: {x-a: "50%"}}}'),
      'header value configuration',
      httpRoute('headers: {response: {set: {x-a: "50%% %REQ(X-B)%"}}}'),
    ],
    [
      'refuses mirror beside mirrors',
      httpRoute('mirror: {host: a}\nmirrors: [{destination: {host: b}}]'),
      'both mirror and mirrors',
      httpRoute('mirrors: [{destination: {host: b}}]'),
    ],
    [
      'refuses a mirror percentage over 100',
      httpRoute('mirror: {host: a}\nmirrorPercentage: {value: 101}'),
      'must have a max value of 100 (it has 101.000000)',
      httpRoute('mirror: {host: a}\nmirrorPercentage: {value: 50}'),
    ],
    [
      'refuses an unknown CORS method',
      httpRoute('corsPolicy: {allowMethods: [FETCH]}'),
      '"FETCH" is not a supported HTTP method',
      httpRoute('corsPolicy: {allowMethods: [GET], allowOrigins: [{exact: a}], maxAge: 24h}'),
    ],
  ]);
});

describe('VirtualService: time, retries and faults', () => {
  both([
    [
      'refuses a word as timeout',
      httpRoute('timeout: 5 seconds'),
      'IST0106 spec.http[0].timeout: invalid duration "5 seconds"',
      fine,
    ],
    [
      'refuses a timeout of zero',
      httpRoute('timeout: 0s'),
      'duration must be greater than 1ms',
      httpRoute('timeout: 1ms'),
    ],
    [
      'refuses parts of a millisecond',
      httpRoute('timeout: 1.5ms'),
      'only durations to ms precision',
      httpRoute('timeout: 0.5s'),
    ],
    [
      'refuses negative attempts',
      httpRoute('retries: {attempts: -1}'),
      'attempts cannot be negative',
      httpRoute('retries: {attempts: 0}'),
    ],
    [
      'refuses settings for no retries',
      httpRoute('retries: {attempts: 0, retryOn: 5xx}'),
      'attempts are set to 0 (disabled)',
      httpRoute('retries: {attempts: 2, retryOn: "5xx,503"}'),
    ],
    [
      'refuses an unknown condition',
      httpRoute('retries: {attempts: 2, retryOn: "5xx, reset"}'),
      '" reset" is not a valid retryOn policy',
      httpRoute('retries: {attempts: 2, retryOn: "5xx,reset"}'),
    ],
    [
      'warns when tries do not fit the timeout',
      httpRoute('timeout: 3s\nretries: {attempts: 3, perTryTimeout: 2s}'),
      'MW0202 spec.http[0].timeout: timeout 3s ends the request before 4 tries of 2s',
      httpRoute('timeout: 8s\nretries: {attempts: 3, perTryTimeout: 2s}'),
    ],
    [
      'refuses an empty fault',
      httpRoute('fault: {}'),
      'must have an abort and/or a delay',
      httpRoute('fault: {delay: {fixedDelay: 7s}}'),
    ],
    [
      'refuses an abort status',
      httpRoute('fault: {abort: {httpStatus: 601}}'),
      'HTTP status 601 is not in range 200-599',
      httpRoute('fault: {abort: {httpStatus: 599}}'),
    ],
    [
      'refuses a percentage over 100',
      httpRoute('fault: {abort: {httpStatus: 503, percentage: {value: 150}}}'),
      'percentage 150 is neither 0.0, nor in range',
      httpRoute('fault: {abort: {httpStatus: 503, percentage: {value: 0.0001}}}'),
    ],
    [
      'refuses an unknown gRPC status',
      httpRoute('fault: {abort: {grpcStatus: GONE}}'),
      'gRPC status "GONE" is not supported',
      httpRoute('fault: {abort: {grpcStatus: UNAVAILABLE}}'),
    ],
    [
      'warns of an abort without a status',
      httpRoute('fault: {abort: {percentage: {value: 5}}}'),
      'MW0205 spec.http[0].fault.abort: abort configured, but error type not set',
      httpRoute('fault: {abort: {httpStatus: 503}}'),
    ],
  ]);
});

describe('VirtualService: matches and weights', () => {
  const match = (text: string): string => httpRoute(`match: [${text}]`);
  both([
    [
      'refuses what RE2 cannot read',
      match('{uri: {regex: "/(?=a)"}}'),
      '"uri": error parsing regexp: invalid or unsupported Perl syntax: `(?=`',
      match('{uri: {regex: "/a(b|c)*"}}'),
    ],
    [
      'refuses a long expression',
      match(`{uri: {regex: "${'a'.repeat(1025)}"}}`),
      'regex is too large',
      match(`{uri: {regex: "${'a'.repeat(1024)}"}}`),
    ],
    [
      'refuses an empty prefix of a header',
      match('{headers: {x-a: {prefix: ""}}}'),
      '"headers": prefix string match should not be empty',
      match('{headers: {x-a: {exact: b}}}'),
    ],
    [
      'refuses exact beside prefix',
      match('{uri: {exact: /a, prefix: /b}}'),
      'must validate one and only one schema (oneOf). Found 2 valid alternatives',
      match('{uri: {exact: /a}}'),
    ],
    [
      'refuses a bad header name',
      match('{headers: {"x a": {exact: b}}}'),
      'header name x a is not a valid header name',
      match('{headers: {":method": {exact: GET}}}'),
    ],
    [
      'refuses a claim without a gateway',
      match('{headers: {"@request.auth.claims.group": {exact: a}}}'),
      'JWT claim based routing',
      virtualService(
        `hosts: [a.com]\ngateways: [front]\nhttp: [{match: [{headers: {"@request.auth.claims.group": {exact: a}}}], ${route}}]`,
      ),
    ],
    [
      'refuses a port out of range',
      match('{port: 70000}'),
      'port number 70000 must be in the range 1..65535',
      match('{port: 9080}'),
    ],
    [
      'refuses a bad source namespace',
      match('{sourceNamespace: a_b}'),
      'sourceNamespace match a_b is invalid',
      match('{sourceNamespace: shop}'),
    ],
    [
      'refuses a destination that is *',
      virtualService('hosts: [a]\nhttp: [{route: [{destination: {host: "*"}}]}]'),
      'invalid destination host *',
      fine,
    ],
    [
      'refuses a bad subset name',
      virtualService('hosts: [a]\nhttp: [{route: [{destination: {host: a, subset: v_1}}]}]'),
      'subset name is invalid: v_1',
      fine,
    ],
    [
      'refuses a port of 0',
      virtualService('hosts: [a]\nhttp: [{route: [{destination: {host: a, port: {number: 0}}}]}]'),
      'port number 0 must be',
      fine,
    ],
    ['refuses a negative weight', virtualService(split(-10, 110)), 'weight -10 < 0', virtualService(split(0, 100))],
    [
      'refuses weights of 0 only',
      virtualService(split(0, 0)),
      'total destination weight = 0',
      virtualService(split(90, 10)),
    ],
    [
      'warns of weights that are no percentages',
      virtualService(split(49, 50)),
      'MW0201 spec.http[0].route: the weights add up to 99, not 100: Istio accepts that and shares by proportion, here 49.5 % to v1, 50.5 % to v2',
      virtualService(split(50, 50)),
    ],
    [
      'warns of the weight of a single destination',
      virtualService('hosts: [a]\nhttp: [{route: [{destination: {host: a}, weight: 10}]}]'),
      'MW0204',
      virtualService('hosts: [a]\nhttp: [{route: [{destination: {host: a}, weight: 100}]}]'),
    ],
  ]);

  it('asks for a destination', () => {
    expect(findings(virtualService('hosts: [a]\nhttp: [{route: [{weight: 100}]}]'))).toEqual([
      'MW0104 spec.http[0].route[0].destination: Required value: spec.http[0].route[0].destination',
    ]);
  });
});

describe('VirtualService: rules that are never reached', () => {
  both([
    [
      'two rules without a match',
      rules(`{${route}}`, `{${route}}`),
      'IST0130 spec.http[1]: VirtualService rule #1 not used (only the last rule can have no matches).',
      rules(prefix('/a'), `{${route}}`),
    ],
    [
      'a match behind a rule without one',
      rules(`{${route}}`, prefix('/a')),
      'IST0130 spec.http[1]: VirtualService rule #1 not used (route without matches defined before).',
      rules(prefix('/a'), `{${route}}`),
    ],
    [
      'the same match again',
      rules(prefix('/a'), prefix('/a')),
      'IST0131 spec.http[1].match[0]: VirtualService rule #1 match #0 is not used',
      rules(prefix('/a'), prefix('/b')),
    ],
    [
      'a longer prefix behind a shorter one',
      rules(prefix('/a'), prefix('/ab')),
      'IST0131 spec.http[1].match[0].uri: VirtualService rule #1 match #0 of prefix /ab is not used (duplicate/overlapping match in rule #0 of prefix /a on #0)',
      rules(prefix('/ab'), prefix('/a')),
    ],
    [
      'anything behind prefix /',
      rules(prefix('/'), `{match: [{uri: {exact: /a}}], ${route}}`),
      'MW0203 spec.http[1]: rule #1 is never reached: rule #0',
      rules(`{match: [{uri: {exact: /a}}], ${route}}`, prefix('/')),
    ],
  ]);

  it('keeps a prefix behind one with conditions of its own', () => {
    const narrow = `{match: [{uri: {prefix: /}, headers: {x-canary: {exact: "true"}}}], ${route}}`;
    expect(findings(rules(narrow, prefix('/a')))).toEqual([]);
  });
});

describe('VirtualService: TLS and TCP routes', () => {
  const tls = (text: string): string => virtualService(`hosts: ["*.a.com"]\ngateways: [front]\ntls: [${text}]`);
  const tcp = (text: string): string => virtualService(`hosts: [db]\ntcp: [${text}]`);
  both([
    [
      'asks for a match of TLS',
      tls(`{match: [], ${route}}`),
      'TLS route must have at least one match condition',
      tls(`{match: [{sniHosts: [b.a.com]}], ${route}}`),
    ],
    [
      'refuses SNI outside hosts',
      tls(`{match: [{sniHosts: [b.com]}], ${route}}`),
      'SNI host "b.com" is not a compatible subset',
      tls(`{match: [{sniHosts: ["*.a.com"]}], ${route}}`),
    ],
    [
      'refuses a bad subnet',
      tcp(`{match: [{destinationSubnets: [10.0.0.0/40]}], ${route}}`),
      '10.0.0.0/40 is not a valid CIDR block',
      tcp(`{match: [{destinationSubnets: [10.0.0.0/8], port: 27017}], ${route}}`),
    ],
    ['asks for a TCP route', tcp('{match: [{port: 1}]}'), 'TCP route is required', tcp(`{${route}}`)],
  ]);
});

describe('every diagnostic', () => {
  it('has a place in the text, an origin and something to do', () => {
    const [found] = validate(httpRoute('fault: {abort: {httpStatus: 9}}'));
    expect(found).toMatchObject({
      severity: 'error',
      origin: {
        kind: 'VirtualService',
        namespace: 'default',
        name: 'reviews',
        path: 'spec.http[0].fault.abort.httpStatus',
      },
      location: { file: 'a.yaml', line: 10, column: 33, endColumn: 34 },
    });
    expect(found?.hint).toBe('Use a status from 200 to 599, such as 503.');
  });
});
