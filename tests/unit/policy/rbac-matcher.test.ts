import { describe, expect, it } from 'vitest';
import { judge, missesOf, readRbac } from '../../../server/data-plane/config/rbac/rbac.ts';
import type { RbacSubject } from '../../../server/data-plane/config/rbac/subject.ts';
import { compileCel, compileCelValue } from '../../../server/data-plane/format/cel.ts';
import { type CelExprJson, celTextOf } from '../../../server/data-plane/format/cel-text.ts';
import type { FormatSubject } from '../../../server/data-plane/format/subject.ts';
import type { TlsFacts } from '../../../server/data-plane/http/codec.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { StreamInfo } from '../../../server/data-plane/http/stream-info.ts';

const RBAC = 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC';
const INPUTS = 'type.googleapis.com/envoy.extensions.matching.common_inputs.';

const SECURED = {
  peerSubject: 'CN=leaf.test,O=org',
  certificates: () => ({
    peer: { subjectAltName: 'URI:spiffe://a/b, URI:spiffe://c/d, DNS:leaf.test, DNS:two.test' },
    local: undefined,
  }),
} as unknown as TlsFacts;

function subjectOf(headers: Record<string, string>, path = '/', tls?: TlsFacts): RbacSubject {
  const head = {
    method: 'GET',
    path,
    authority: 'shop',
    scheme: 'http',
    protocol: 'HTTP/1.1',
    headers: Headers.of(headers),
  };
  const connection = {
    direction: 'inbound' as const,
    localAddress: { ip: '10.1.0.1', port: 80 },
    remoteAddress: { ip: '10.9.0.1', port: 4711 },
    requestedServerName: 'shop.example',
    tls,
  };
  const attributes: FormatSubject = { head, responseHead: undefined, info: new StreamInfo(0, 0), connection };
  return { head, connection, remoteIp: '10.9.0.1', metadata: () => undefined, attributes };
}

const act = (name: string, action: string): object => ({
  action: { name: 'act', typed_config: { '@type': 'type.googleapis.com/envoy.config.rbac.v3.Action', name, action } },
});
const input = (type: string, fields: object = {}): object => ({
  name: 'input',
  typed_config: { '@type': type, ...fields },
});
const header = (name: string): object =>
  input('type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput', { header_name: name });

const engineOf = (matcher: object) => readRbac({ '@type': RBAC, matcher }).rules!;

describe('a matcher of RBAC', () => {
  it('denies what it chooses nothing for, and what it chooses DENY for', () => {
    const engine = engineOf({
      matcher_tree: {
        input: header('x-who'),
        exact_match_map: { map: { ann: act('ann', 'ALLOW'), bob: act('bob', 'DENY'), '': act('empty', 'ALLOW') } },
      },
    });
    const verdict = (headers: Record<string, string>): unknown => {
      const { allowed, matched } = judge(engine, subjectOf(headers));
      return [allowed, matched?.name];
    };
    expect(verdict({ 'x-who': 'ann' })).toEqual([true, 'ann']);
    expect(verdict({ 'x-who': 'bob' })).toEqual([false, 'bob']);
    expect(verdict({ 'x-who': 'cy' })).toEqual([false, undefined]);
    expect(verdict({})).toEqual([false, undefined]);
  });

  it('marks for audit, and unmarks, where one of its leaves says LOG', () => {
    const engine = engineOf({
      matcher_tree: { input: header(':path'), prefix_match_map: { map: { '/audit': act('audited', 'LOG') } } },
      on_no_match: act('rest', 'ALLOW'),
    });
    expect(judge(engine, subjectOf({}, '/audit/1'))).toMatchObject({ allowed: true, marked: true });
    expect(judge(engine, subjectOf({}, '/'))).toMatchObject({ allowed: true, marked: false });
    const silent = engineOf({ on_no_match: act('rest', 'ALLOW') });
    expect(judge(silent, subjectOf({})).marked).toBeUndefined();
  });

  it.each([
    ['network.v3.DestinationPortInput', '80'],
    ['network.v3.DestinationIPInput', '10.1.0.1'],
    ['network.v3.SourceIPInput', '10.9.0.1'],
    ['network.v3.SourcePortInput', '4711'],
    ['network.v3.ServerNameInput', 'shop.example'],
    ['network.v3.DirectSourceIPInput', '10.9.0.1'],
    // As at Envoy, several names stand in one text.
    ['ssl.v3.UriSanInput', 'spiffe://a/b,spiffe://c/d'],
    ['ssl.v3.DnsSanInput', 'leaf.test,two.test'],
    ['ssl.v3.SubjectInput', 'CN=leaf.test,O=org'],
  ])('reads %s', (type, value) => {
    const engine = engineOf({
      matcher_tree: { input: input(INPUTS + type), exact_match_map: { map: { [value]: act('found', 'ALLOW') } } },
    });
    expect(judge(engine, subjectOf({}, '/', SECURED)).matched?.name).toBe('found');
  });

  it('finds no name of a client that shows no certificate, and no network namespace', () => {
    for (const type of [
      'ssl.v3.UriSanInput',
      'ssl.v3.DnsSanInput',
      'ssl.v3.SubjectInput',
      'network.v3.NetworkNamespaceInput',
    ]) {
      const engine = engineOf({
        matcher_tree: { input: input(INPUTS + type), exact_match_map: { map: { '': act('found', 'ALLOW') } } },
        on_no_match: act('none', 'ALLOW'),
      });
      expect(judge(engine, subjectOf({})).matched?.name).toBe('none');
    }
  });

  it('reads a variable of the proxy’s environment', () => {
    const variable = (name: string): object => ({
      name: 'variable',
      typed_config: { '@type': `${INPUTS}environment_variable.v3.Config`, name },
    });
    const engine = engineOf({
      matcher_tree: { input: variable('ZONE'), exact_match_map: { map: { a: act('found', 'ALLOW') } } },
    });
    const { attributes, ...rest } = subjectOf({});
    const node = { id: '', cluster: '', metadata: {} };
    const inZone = (ZONE: string): RbacSubject => ({
      ...rest,
      attributes: { ...attributes!, proxy: { environment: { ZONE }, node } },
    });
    expect([judge(engine, inZone('a')).matched?.name, judge(engine, inZone('b')).matched]).toEqual([
      'found',
      undefined,
    ]);
    expect(() => engineOf({ matcher_tree: { input: variable(''), exact_match_map: { map: {} } } })).toThrow(
      'value length must be at least 1 characters',
    );
  });

  it('refuses inputs and actions that it has not, and says where they stand', () => {
    expect(() =>
      engineOf({
        matcher_tree: { input: input(`${INPUTS}network.v3.TransportProtocolInput`), exact_match_map: { map: {} } },
      }),
    ).toThrow(/^matcher\.input: .*TransportProtocolInput is not supported/);
    expect(() => engineOf({ on_no_match: { action: { typed_config: { '@type': 'x' } } } })).toThrow(
      'matcher.on_no_match.action.typed_config: x is no action of RBAC',
    );
  });
});

const select = (operand: string, field: string): CelExprJson => ({
  select_expr: { operand: { ident_expr: { name: operand } }, field },
});

describe('an authenticated principal', () => {
  it.each([
    ['spiffe://a/b', true],
    ['spiffe://c/d', true],
    ['two.test', true],
    ['CN=leaf.test,O=org', true],
    ['spiffe://a', false],
    ['', false],
  ])('is the client when one of its names is %s', (exact, holds) => {
    const policy = { permissions: [{ any: true }], principals: [{ authenticated: { principal_name: { exact } } }] };
    const { rules } = readRbac({ '@type': RBAC, rules: { policies: { policy } } });
    const tls = { ...SECURED, peerSpiffeId: 'spiffe://a/b', peerCertificateHash: 'ab' };
    expect(judge(rules!, subjectOf({}, '/', tls)).allowed).toBe(holds);
  });
});

describe('a parsed expression', () => {
  it('is a condition of a policy, told in words where it does not hold', () => {
    const policy = {
      permissions: [{ any: true }],
      principals: [{ any: true }],
      condition: {
        call_expr: { function: '_==_', args: [select('request', 'path'), { const_expr: { string_value: '/a' } }] },
      },
    };
    const { rules } = readRbac({ '@type': RBAC, rules: { policies: { one: policy } } });
    expect(judge(rules!, subjectOf({}, '/a')).allowed).toBe(true);
    expect(judge(rules!, subjectOf({}, '/b')).allowed).toBe(false);
    expect(missesOf(rules!.policies[0]!, subjectOf({}, '/b'))).toEqual(['needs (request.path == "/a") to be true']);
  });

  it('is written as text again: operators, calls, lists, maps, constants', () => {
    const call = (name: string, ...args: CelExprJson[]): CelExprJson => ({ call_expr: { function: name, args } });
    const one: CelExprJson = { const_expr: { int64_value: '1' } };
    expect(celTextOf(call('_?_:_', call('!_', { const_expr: { bool_value: true } }), one, one), 'c')).toBe(
      '(!(true) ? 1 : 1)',
    );
    expect(
      celTextOf(call('@in', one, { list_expr: { elements: [one, { const_expr: { double_value: 2 } }] } }), 'c'),
    ).toBe('(1 in [1, 2.0])');
    expect(
      celTextOf({ call_expr: { function: 'startsWith', target: select('request', 'path'), args: [one] } }, 'c'),
    ).toBe('request.path.startsWith(1)');
    expect(celTextOf({ struct_expr: { entries: [{ map_key: one, value: one }] } }, 'c')).toBe('{1: 1}');
    expect(
      celTextOf({ select_expr: { operand: { ident_expr: { name: 'a' } }, field: 'b', test_only: true } }, 'c'),
    ).toBe('has(a.b)');
  });

  it('is refused where it holds a loop, or a name that is none', () => {
    expect(() => celTextOf({ comprehension_expr: {} } as CelExprJson, 'condition')).toThrow(
      'condition.comprehension_expr: is not supported',
    );
    expect(() => celTextOf({ ident_expr: { name: 'a || true' } }, 'condition')).toThrow('"a || true" is no name');
  });
});

describe('an expression of Envoy', () => {
  it.each([
    ['request.method.lowerAscii() == "get"', 'No overload found in reference resolve step for lowerAscii'],
    ['has(request.size) && string(request.size) == "7"', 'No overload found in reference resolve step for string'],
    ['[1, 2].exists(x, x == 1)', 'Comprehension support is disabled'],
  ])('%s is refused, as Envoy’s builder has it switched off', (expression, why) => {
    expect(() => compileCel(expression, 'expression')).toThrow(`expression: failed to create an expression: ${why}`);
  });

  it('may match, measure and convert, and a statistic of Istio’s own filter may make texts, too', () => {
    const { attributes } = subjectOf({}, '/abc');
    for (const expression of [
      'request.path.matches("^/a")',
      'size(request.path) == 4 && request.path.size() == 4',
      'has(request.path) && int("3") == 3 && request.time.getHours() >= 0',
    ]) {
      expect(compileCel(expression, 'expression')(attributes!)).toBe(true);
    }
    expect(compileCelValue('string(destination.port)', 'dimensions', 'istio')(attributes!)).toBe('80');
  });
});
