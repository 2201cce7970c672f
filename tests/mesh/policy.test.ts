import { createServer, type Server } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '#domain';
import type { CertificateSigner } from '../../server/data-plane/doors.ts';
import { type Answer, createTestCa, type FetchOptions, sendFrom, until } from './data-plane-harness.ts';
import { NET } from './own-network.ts';
import { HTTP_PORT, type PolicedPod, policy, serviceAt, startPoliced, TCP_PORT } from './policy-mesh.ts';

const IP = `${NET}.1.2`;
const CLIENT = `${NET}.1.9`;
const AUTHZ = `${NET}.1.20`;

let signer: CertificateSigner;
let web: PolicedPod;

beforeAll(async () => {
  signer = await createTestCa();
  web = await startPoliced({ ip: IP, signer });
});
afterAll(() => web?.pod.stop());

/** One request from a program without a sidecar, and the hop that the server's sidecar recorded of it. */
async function ask(options: FetchOptions = {}): Promise<Answer & { hop: (typeof web.pod.hops)[number] }> {
  const before = web.pod.hops.length;
  const answer = await sendFrom(CLIENT, { ip: IP, port: HTTP_PORT }, { host: 'web', ...options });
  await until(() => web.pod.hops.length > before, 'the hop is recorded');
  return { ...answer, hop: web.pod.hops.at(-1)! };
}

const stat = (name: string): number => {
  const found = [...web.pod.proxy.admin.stats()].find(([key]) => key.endsWith(name));
  return found?.[1] ?? 0;
};

describe('an AuthorizationPolicy', () => {
  const admin = { to: [{ operation: { paths: ['/admin*'] } }] };

  it('denies with the body and details of Envoy, without a flag, and names the rule that decided', async () => {
    web.apply([policy('no-admin', { action: 'DENY', rules: [{ to: [{ operation: { methods: ['PUT'] } }] }, admin] })]);
    const { status, body, hop } = await ask({ path: '/admin/x' });
    expect([status, body]).toEqual([403, 'RBAC: access denied']);
    expect(hop.response).toMatchObject({
      flags: [],
      details: 'rbac_access_denied_matched_policy[ns[default]-policy[no-admin]-rule[1]]',
    });
    const step = hop.steps.find(({ name }) => name === 'envoy.filters.http.rbac');
    expect(step).toMatchObject({
      outcome: 'stopped',
      detail: 'ns[default]-policy[no-admin]-rule[1] denies it: path is "/admin/x"',
      origin: { kind: 'AuthorizationPolicy', namespace: 'default', name: 'no-admin', path: 'spec.rules[1]' },
    });
    expect(hop.accessLog).toContain('rbac_access_denied_matched_policy[ns[default]-policy[no-admin]-rule[1]]');
    expect((await ask({ path: '/shop' })).status).toBe(200);
    expect(stat('rbac.denied')).toBe(1);
    expect(stat('rbac.allowed')).toBe(1);
  });

  it.each(['/shop/../admin', '/%61dmin', '/x/%2e%2E/admin', '/x\\..\\admin', '/x/..;y/admin', '/admin?a=b'])(
    'is not walked around by %s',
    async (path) => {
      expect((await ask({ path })).status).toBe(403);
    },
  );

  it('allows only what it lists, and says what was closest', async () => {
    web.apply([
      policy('readers', { rules: [{ to: [{ operation: { methods: ['GET'], paths: ['/books/{*}'] } }] }] }),
      policy('writers', {
        rules: [{ from: [{ source: { namespaces: ['ops'] } }], to: [{ operation: { methods: ['PUT'] } }] }],
      }),
    ]);
    expect((await ask({ path: '/books/7' })).status).toBe(200);
    const { status, hop } = await ask({ path: '/books/7/pages' });
    expect(status).toBe(403);
    expect(hop.response.details).toBe('rbac_access_denied_matched_policy[none]');
    const step = hop.steps.find(({ name }) => name === 'envoy.filters.http.rbac');
    expect(step?.rejected?.[0]).toMatchObject({
      name: 'ns[default]-policy[readers]-rule[0]',
      reason: 'needs path to be a match of /books/*, path is "/books/7/pages"',
      origin: { kind: 'AuthorizationPolicy', name: 'readers', path: 'spec.rules[0]' },
    });
  });

  it('with an empty spec allows nothing', async () => {
    web.apply([policy('nothing', {})]);
    expect((await ask()).status).toBe(403);
  });

  it('in dry run lets everything pass, and counts what it would have done', async () => {
    web.apply([policy('try', { action: 'DENY', rules: [admin] }, { 'istio.io/dry-run': 'true' })]);
    expect((await ask({ path: '/admin' })).status).toBe(200);
    expect(stat('rbac.istio_dry_run_deny_.shadow_denied')).toBe(1);
  });

  it('is told in the proxy’s log while its logger is at debug', async () => {
    const told = (): string[] => web.pod.logs.filter((line) => line.includes('\tdebug\tenvoy rbac\t'));
    const level = (rbac: string) =>
      sendFrom(CLIENT, { ip: IP, port: 15000 }, { method: 'POST', path: `/logging?rbac=${rbac}` });
    web.apply([policy('try', { action: 'DENY', rules: [admin] }, { 'istio.io/dry-run': 'true' })]);
    await ask({ path: '/admin' });
    expect(told()).toEqual([]);
    await level('debug');
    await ask({ path: '/admin' });
    await level('warning');
    await ask({ path: '/admin' });
    expect(told().map((line) => line.split('\t')[3]?.split(',')[0])).toEqual([
      expect.stringMatching(/^checking request: /),
      'shadow denied',
      'allowed by default or by policy',
    ]);
    expect(told()[1]).toContain('matched policy ns[default]-policy[try]-rule[0]');
  });
});

describe('an AuthorizationPolicy on a TCP port', () => {
  /** What a client that says hello reads until the connection ends. */
  const speak = (): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect({ host: IP, port: TCP_PORT, localAddress: CLIENT });
      let read = '';
      socket.on('data', (chunk) => {
        read += chunk.toString();
        socket.end();
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(read));
      socket.write('hello');
    });
  const echo = createTcpServer((socket) => socket.on('error', () => undefined).pipe(socket));
  beforeAll(() => new Promise<void>((resolve) => echo.listen(TCP_PORT, `${NET}.101.2`, resolve)));
  afterAll(() => void echo.close());

  it('closes the connections that it denies, with details in the log', async () => {
    web.apply([]);
    expect(await speak()).toBe('hello');
    web.apply([policy('no-tcp', { action: 'DENY', rules: [{ to: [{ operation: { ports: [String(TCP_PORT)] } }] }] })]);
    expect(await speak()).toBe('');
    const details = 'rbac_access_denied_matched_policy[ns[default]-policy[no-tcp]-rule[0]]';
    await until(() => web.pod.logs.some((line) => line.includes(details)), 'the denial is logged');
    await until(() => web.pod.hops.some((hop) => hop.response.details === details), 'the denial is recorded');
    expect(stat('tcp.rbac.denied')).toBe(1);
  });

  it('in dry run lets connections pass, and the record says what it would have done', async () => {
    const rules = [{ to: [{ operation: { ports: [String(TCP_PORT)] } }] }];
    web.apply([policy('try-tcp', { action: 'DENY', rules }, { 'istio.io/dry-run': 'true' })]);
    const before = web.pod.hops.length;
    expect(await speak()).toBe('hello');
    await until(() => web.pod.hops.length > before, 'the connection is recorded');
    expect(web.pod.hops.at(-1)?.steps).toContainEqual(
      expect.objectContaining({
        name: 'envoy.filters.network.rbac',
        outcome: 'passed',
        detail: `ns[default]-policy[try-tcp]-rule[0] denies it: port is "${TCP_PORT}" (only noted, not enforced)`,
      }),
    );
  });

  it('drops rules of ALLOW that only a request could meet, so that nothing is allowed', async () => {
    web.apply([policy('get', { rules: [{ to: [{ operation: { methods: ['GET'] } }] }] })]);
    expect(await speak()).toBe('');
  });
});

describe('a RequestAuthentication', () => {
  const issuer = 'https://login.test';
  let objects: KubeObject[];
  let sign: (claims: object, header?: object) => Promise<string>;

  beforeAll(async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one' }] });
    sign = (claims, header = {}) =>
      new SignJWT({ iss: issuer, sub: 'ann', ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'one', ...header })
        .setExpirationTime('1h')
        .sign(privateKey);
    objects = [
      {
        apiVersion: 'security.istio.io/v1',
        kind: 'RequestAuthentication',
        metadata: { name: 'tokens', namespace: 'default' },
        spec: { jwtRules: [{ issuer, jwks, outputClaimToHeaders: [{ header: 'x-user', claim: 'sub' }] }] },
      },
    ];
  });

  const bearer = (token: string): FetchOptions => ({
    headers: { authorization: `Bearer ${token}`, 'x-user': 'forged' },
  });

  it('passes requests without a token, and takes forged claims away', async () => {
    web.apply(objects);
    const { status, body } = await ask({ headers: { 'x-user': 'forged' } });
    expect(status).toBe(200);
    expect(JSON.parse(body).headers).not.toHaveProperty('x-user');
  });

  it('passes a genuine token, tells the application its claims and keeps the token back', async () => {
    const { status, body } = await ask(bearer(await sign({})));
    expect(status).toBe(200);
    expect(JSON.parse(body).headers).toMatchObject({ 'x-user': 'ann' });
    expect(JSON.parse(body).headers).not.toHaveProperty('authorization');
  });

  it.each([
    ['no token at all', 'abc', 'Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections'],
    [
      'without a signature',
      'eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2xvZ2luLnRlc3QifQ.eA',
      'Jwt header [alg] is not supported',
    ],
  ])('refuses what is %s with 401 and its reason, before it reads a body', async (_what, token, reason) => {
    const { status, body, headers, hop } = await ask({ ...bearer(token), method: 'POST', body: 'unread' });
    expect([headers['connection'], hop.request.bytes]).toEqual(['close', 0]);
    expect([status, body]).toEqual([401, reason]);
    expect(headers['www-authenticate']).toBe('Bearer realm="http://web/", error="invalid_token"');
    expect(hop.response.details).toBe(`jwt_authn_access_denied{${reason.replaceAll(' ', '_')}}`);
  });

  it('refuses a foreign issuer, and a signature by a key that it does not know', async () => {
    expect((await ask(bearer(await sign({ iss: 'https://evil.test' })))).body).toBe('Jwt issuer is not configured');
    const known = await sign({});
    const other = await sign({ sub: 'eve' });
    const mixed = [...other.split('.').slice(0, 2), known.split('.')[2]].join('.');
    expect((await ask(bearer(mixed))).body).toBe('Jwt verification fails');
    expect((await ask(bearer(await sign({}, { kid: 'two' })))).body).toBe(
      "Jwks doesn't have key to match kid or alg from Jwt",
    );
  });

  it.each([
    ['iss', '.issuer', `needs a token of the issuer "https://login.test", this one is of "https://evil.test"`],
    ['kid', '.jwks', 'has no key for kid "two", alg ES256'],
  ] as const)(
    'is named with the field that decided, when it refuses a token by its %s',
    async (part, field, reason) => {
      web.apply(objects);
      const token = await (part === 'iss' ? sign({ iss: 'https://evil.test' }) : sign({}, { kid: 'two' }));
      const { status, hop } = await ask(bearer(token));
      expect(status).toBe(401);
      const origin = {
        kind: 'RequestAuthentication',
        namespace: 'default',
        name: 'tokens',
        path: `spec.jwtRules[0]${field}`,
      };
      expect(hop.steps.find(({ name }) => name === 'envoy.filters.http.jwt_authn')).toMatchObject({
        outcome: 'stopped',
        detail: expect.stringContaining(reason),
        origin,
        rejected: [{ reason, origin }],
      });
    },
  );

  it('feeds AuthorizationPolicies, which alone demand a token', async () => {
    web.apply([
      ...objects,
      policy('ann', {
        rules: [
          {
            from: [{ source: { requestPrincipals: [`${issuer}/ann`] } }],
            when: [{ key: 'request.auth.claims[roles]', values: ['dev'] }],
          },
        ],
      }),
    ]);
    expect((await ask()).status).toBe(403);
    expect((await ask(bearer(await sign({ roles: ['qa'] })))).status).toBe(403);
    expect((await ask(bearer(await sign({ roles: ['qa', 'dev'] })))).status).toBe(200);
  });

  it('whose keys cannot be had refuses every token', async () => {
    const [tokens] = objects;
    const spec = { jwtRules: [{ issuer, jwksUri: 'https://login.test/keys' }] };
    web.apply([{ ...tokens!, spec }]);
    expect((await ask(bearer(await sign({})))).status).toBe(401);
    expect((await ask()).status).toBe(200);
  });
});

describe('an external authorizer', () => {
  let authorizer: Server;
  const port = 8000;
  const provider = {
    extensionProviders: [
      {
        name: 'judge',
        envoyExtAuthzHttp: {
          service: 'judge.default.svc.cluster.local',
          port,
          includeRequestHeadersInCheck: ['x-pass'],
          headersToUpstreamOnAllow: ['x-judged'],
        },
      },
    ],
  };
  const custom = policy('ask', {
    action: 'CUSTOM',
    provider: { name: 'judge' },
    rules: [{ to: [{ operation: { paths: ['/secret*'] } }] }],
  });

  beforeAll(async () => {
    authorizer = createServer((request, response) => {
      const passes = request.headers['x-pass'] === 'please';
      response.writeHead(passes ? 200 : 401, passes ? { 'x-judged': 'yes' } : { 'x-why': 'no pass' });
      response.end(passes ? '' : 'say please');
    });
    await new Promise<void>((resolve) => authorizer.listen(port, AUTHZ, resolve));
    web.apply([...serviceAt('judge', AUTHZ, port, 'http'), custom], provider);
  });
  afterAll(() => {
    authorizer.closeAllConnections();
    authorizer.close();
  });

  it('is asked only where a rule says so', async () => {
    expect((await ask({ path: '/open' })).status).toBe(200);
  });

  it('refuses in its own words, and the record names it and the rule', async () => {
    const { status, body, headers, hop } = await ask({ path: '/secret' });
    expect([status, body, headers['x-why']]).toEqual([401, 'say please', 'no pass']);
    expect(hop.response).toMatchObject({ flags: ['UAEX'], details: 'ext_authz_denied' });
    expect(hop.steps.find(({ name }) => name === 'envoy.filters.http.ext_authz')).toMatchObject({
      outcome: 'stopped',
      origin: { kind: 'AuthorizationPolicy', name: 'ask', path: 'spec.rules[0]' },
      evidence: { authorizer: `outbound|${port}||judge.default.svc.cluster.local`, verdict: 'denied', status: 401 },
    });
  });

  it('allows, and its headers reach the application', async () => {
    const { status, body } = await ask({ path: '/secret', headers: { 'x-pass': 'please' } });
    expect(status).toBe(200);
    expect(JSON.parse(body).headers).toMatchObject({ 'x-judged': 'yes' });
  });

  it('that does not answer refuses with 403, unless it may fail open', async () => {
    const dead = [...serviceAt('judge', `${NET}.1.99`, port, 'http'), custom];
    web.apply(dead, provider);
    const { status, hop } = await ask({ path: '/secret' });
    expect(status).toBe(403);
    expect(hop.response).toMatchObject({ flags: ['UAEX'], details: 'ext_authz_error' });
    const [judge] = provider.extensionProviders;
    const open = { ...judge, envoyExtAuthzHttp: { ...judge!.envoyExtAuthzHttp, failOpen: true } };
    web.apply(dead, { extensionProviders: [open as typeof judge & { name: string }] });
    expect((await ask({ path: '/secret' })).status).toBe(200);
  });

  it('that nobody defined makes its rules refuse', async () => {
    web.apply([custom]);
    const { status, hop } = await ask({ path: '/secret' });
    expect(status).toBe(403);
    expect(hop.response.details).toContain('deny-due-to-bad-CUSTOM-action');
    expect((await ask({ path: '/open' })).status).toBe(200);
  });
});
