import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shop } from './gateway-api-shop.ts';
import { applyAndSettle, type RunningMesh, startMesh, urlOf } from './sandbox-support.ts';

const ISSUER = 'https://login.test';

const rules = (jwks: string): string => `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: front }
spec:
  selector: { istio: ingressgateway }
  servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }]
---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: tokens, namespace: istio-system }
spec:
  selector: { matchLabels: { istio: ingressgateway } }
  jwtRules: [{ issuer: "${ISSUER}", jwks: '${jwks}' }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: by-claim }
spec:
  hosts: ["*"]
  gateways: [front]
  http:
    - match: [{ uri: { prefix: /shop }, headers: { "@request.auth.claims.groups": { exact: staff } } }]
      route: [{ destination: { host: one } }]
    - match:
        - uri: { prefix: /shop }
          headers: { "@request.auth.claims[plan][name]": { prefix: gold } }
          withoutHeaders: { "@request.auth.claims.banned": { exact: "yes" } }
      route: [{ destination: { host: two } }]
`;

describe('routing by the claims of a token at an ingress gateway', () => {
  let mesh: RunningMesh;
  let sign: (claims: Record<string, unknown>) => Promise<string>;

  beforeAll(async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one' }] });
    sign = (claims) =>
      new SignJWT({ sub: 'ann', ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .setIssuer(ISSUER)
        .setExpirationTime('1h')
        .sign(privateKey);
    mesh = await startMesh([shop]);
    await applyAndSettle(mesh.sandbox, { file: 'claims.yaml', text: rules(jwks) });
  });
  afterAll(() => mesh?.stop());

  /** Which service answered, or the status where none did. */
  async function served(claims?: Record<string, unknown>): Promise<string | number> {
    const headers = claims === undefined ? {} : { authorization: `Bearer ${await sign(claims)}` };
    const options = { headers, timeoutMs: 10_000 };
    const { status, body } = await mesh.sandbox.fetchFromOutside(urlOf(mesh.sandbox, '/shop'), options);
    return status === 200 ? (JSON.parse(body.toString('utf8')) as { service: string }).service : status;
  }

  it('chooses by a text, by an entry of a list and by a claim inside a claim', async () => {
    expect(await served({ groups: 'staff' })).toBe('one');
    expect(await served({ groups: ['guests', 'staff'] })).toBe('one');
    expect(await served({ plan: { name: 'golden' } })).toBe('two');
  });

  it('finds no route for other claims, nor without a token', async () => {
    expect(await served({ groups: ['guests'] })).toBe(404);
    expect(await served({ plan: { name: 'golden' }, banned: 'yes' })).toBe(404);
    expect(await served()).toBe(404);
  });

  it('records which claim was missed', async () => {
    expect(await served({ plan: { name: 'golden' } })).toBe('two');
    const steps = mesh.events.flatMap((event) => (event.type === 'hop' ? event.hop.steps : []));
    const chosen = steps.find(({ origin }) => origin?.path === 'spec.http[1].match[0]');
    expect(chosen?.rejected?.[0]?.reason).toBe(
      'needs envoy.filters.http.jwt_authn payload.groups to be exactly "staff", there is none',
    );
    expect(chosen).toMatchObject({ outcome: 'chosen', origin: { kind: 'VirtualService', name: 'by-claim' } });
  });
});
