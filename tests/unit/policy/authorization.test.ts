import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createObjectTables, createSnapshotDeriver, DEFAULT_MESH_CONFIG } from '#control-plane';
import type { KubeObject } from '#domain';
import { workloadPolicies } from '../../../server/control-plane/translate/http-filters/workload-policies.ts';
import { judge, readRbac } from '../../../server/data-plane/config/rbac/rbac.ts';
import type { RbacSubject } from '../../../server/data-plane/config/rbac/subject.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { allows, type Fields, type Policy, type Request, type Rule } from './naive-evaluator.ts';

// Few values, so that policies and requests meet often.
const PRINCIPALS = ['cluster.local/ns/shop/sa/cart', 'cluster.local/ns/shop/sa/web', 'other.td/ns/ops/sa/cart'];
const VALUES: Readonly<Record<string, readonly string[]>> = {
  principals: [...PRINCIPALS, '*', 'cluster.local/*', '*/cart'],
  namespaces: ['shop', 'ops', 's*', '*', '*p'],
  ipBlocks: ['10.0.0.1', '10.0.0.0/8', '192.168.1.0/24'],
  requestPrincipals: ['issuer/ann', 'issuer/bob', '*', 'issuer/*', '*/ann'],
  hosts: ['shop.test', 'SHOP.test', '*.test', 'shop.*', '*'],
  methods: ['GET', 'POST', 'P*', '*T', '*'],
  paths: ['/a', '/a/b', '/a*', '*/b', '*', '/a/{*}', '/{**}', '/{*}/b'],
  ports: ['80', '443'],
};
const KEYS: Readonly<Record<string, readonly string[]>> = {
  'request.headers[x-team]': ['red', 'r*', '*d', '*'],
  'request.auth.claims[groups]': ['dev', 'd*', '*v', 'ops'],
  'source.namespace': ['shop', 'o*'],
  'destination.port': ['80', '443'],
};

const some = (values: readonly string[]) => fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 2 });

/** Some of these fields, each as it is or negated. */
function fields(names: readonly string[]): fc.Arbitrary<Fields> {
  const field = fc.constantFrom(...names).chain((name) =>
    fc.tuple(fc.boolean(), some(VALUES[name] ?? [])).map(([negated, values]): [string, readonly string[]] => {
      const key = negated ? `not${name.charAt(0).toUpperCase()}${name.slice(1)}` : name;
      return [key, values];
    }),
  );
  return fc.array(field, { minLength: 1, maxLength: 2 }).map((entries) => Object.fromEntries(entries));
}

const condition = fc.constantFrom(...Object.keys(KEYS)).chain((key) =>
  fc.tuple(fc.boolean(), some(KEYS[key] ?? [])).map(([negated, values]) => ({
    key,
    ...(negated ? { notValues: values } : { values }),
  })),
);

const rule: fc.Arbitrary<Rule> = fc.record(
  {
    from: fc.array(
      fields(['principals', 'namespaces', 'ipBlocks', 'requestPrincipals']).map((source) => ({ source })),
      {
        minLength: 1,
        maxLength: 2,
      },
    ),
    to: fc.array(
      fields(['hosts', 'methods', 'paths', 'ports']).map((operation) => ({ operation })),
      {
        minLength: 1,
        maxLength: 2,
      },
    ),
    when: fc.array(condition, { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: [] },
);

const policies: fc.Arbitrary<Policy[]> = fc.array(
  fc.record({ action: fc.constantFrom('ALLOW' as const, 'DENY' as const), rules: fc.array(rule, { maxLength: 3 }) }),
  { maxLength: 3 },
);

const request: fc.Arbitrary<Request> = fc
  .record({
    principal: fc.constantFrom('', ...PRINCIPALS),
    ip: fc.constantFrom('10.0.0.1', '10.9.9.9', '192.168.1.7', '172.16.0.1'),
    host: fc.constantFrom('shop.test', 'Shop.Test', 'other.test', 'shop.dev'),
    method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
    path: fc.constantFrom('/', '/a', '/a/b', '/b', '/a/b/c', '/a/'),
    port: fc.constantFrom(80, 443),
    headers: fc.constantFrom<Record<string, string>>({}, { 'x-team': 'red' }, { 'x-team': 'blue' }),
    claims: fc.constantFrom<Request['claims']>(
      undefined,
      { iss: 'issuer', sub: 'ann' },
      { iss: 'issuer', sub: 'bob', groups: ['dev', 'qa'] },
      { iss: 'elsewhere', sub: 'ann', groups: 'ops' },
    ),
  })
  .map((given) => ({ ...given, namespace: given.principal.split('/')[2] ?? '' }));

/** The rules as a proxy holds them. */
function enginesOf(given: readonly Policy[]) {
  const tables = createObjectTables();
  for (const [i, spec] of given.entries()) {
    const object = { apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', spec } as KubeObject;
    tables.apply('ADDED', { ...object, metadata: { name: `p${i}`, namespace: 'foo' } });
  }
  const snapshot = createSnapshotDeriver(DEFAULT_MESH_CONFIG)(tables);
  const { http } = workloadPolicies(snapshot, { namespace: 'foo', labels: {}, role: 'sidecar' });
  return http.map(({ typed_config = { '@type': '' } }) => readRbac(typed_config).rules);
}

function subjectOf(given: Request): RbacSubject {
  const tls =
    given.principal === ''
      ? undefined
      : {
          version: 'TLSv1.3',
          cipher: '',
          alpn: '',
          sni: '',
          peerSpiffeId: `spiffe://${given.principal}`,
          peerCertificateHash: 'ab',
          peerSubject: '',
        };
  return {
    head: {
      method: given.method,
      path: given.path,
      authority: given.host,
      scheme: 'http',
      protocol: 'HTTP/1.1',
      headers: Headers.of(given.headers),
    },
    connection: {
      localAddress: { ip: '10.1.0.1', port: given.port },
      remoteAddress: { ip: given.ip, port: 4711 },
      requestedServerName: '',
      tls,
    },
    remoteIp: given.ip,
    metadata: (filter) =>
      filter === 'envoy.filters.http.jwt_authn' && given.claims !== undefined ? { payload: given.claims } : undefined,
  };
}

describe('authorization', () => {
  it('decides as the documentation reads, for any policies and any request', () => {
    fc.assert(
      fc.property(policies, fc.array(request, { minLength: 1, maxLength: 8 }), (given, requests) => {
        const engines = enginesOf(given);
        for (const one of requests) {
          const subject = subjectOf(one);
          const decided = engines.every((engine) => engine === undefined || judge(engine, subject).allowed);
          expect(decided, JSON.stringify(one)).toBe(allows(given, one));
        }
      }),
      { numRuns: 1500 },
    );
  });
});
