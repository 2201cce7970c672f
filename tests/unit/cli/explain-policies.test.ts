import { describe, expect, it } from 'vitest';
import { explainLeftOut } from './left-out.ts';

const WIDE = `apiVersion: v1
kind: Service
metadata: { name: wide, namespace: default }
spec: { selector: { app: wide }, ports: [{ name: tcp, port: 9000 }, { name: http, port: 80 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: wide, namespace: default }
spec: { template: { metadata: { labels: { app: wide } }, spec: { containers: [{ name: a, image: a }] } }, selector: { matchLabels: { app: wide } } }`;

const policy = (
  kind: string,
  name: string,
  spec: string,
  namespace = 'default',
): string => `apiVersion: security.istio.io/v1
kind: ${kind}
metadata: { name: ${name}, namespace: ${namespace} }
spec: ${spec}`;

/** What the server's proxy had nothing of. */
const atServer = (objects: readonly string[], url = 'http://wide/'): ReturnType<typeof explainLeftOut> =>
  explainLeftOut([WIDE, ...objects], { url, hop: 1 });

describe('meshwork explain of policies that do not count for a workload', () => {
  it.each([
    ['{ app: wid }', 'selects app: wid, this workload has app: wide'],
    ['{ name: wide }', 'selects name: wide, this workload has app: wide'],
  ])('names one whose selector %s misses by a label, with its line', async (labels, reason) => {
    const spec = `\n  selector:\n    matchLabels: ${labels}\n  action: DENY\n  rules: [{}]`;
    expect(await atServer([policy('AuthorizationPolicy', 'near', spec)])).toEqual([
      { name: 'AuthorizationPolicy default/near', reason, line: `    matchLabels: ${labels}` },
    ]);
  });

  it('is silent about one for another workload', async () => {
    const spec = '{ selector: { matchLabels: { app: elsewhere } }, rules: [{}] }';
    expect(await atServer([policy('AuthorizationPolicy', 'far', spec)])).toEqual([]);
  });

  it('names one of another namespace that selects the workload’s labels', async () => {
    const spec = '{ selector: { matchLabels: { app: wide } }, jwtRules: [{ issuer: a }] }';
    expect(await atServer([policy('RequestAuthentication', 'away', spec, 'prod')])).toEqual([
      {
        name: 'RequestAuthentication prod/away',
        reason: 'counts in its own namespace alone, prod; this workload is in default',
        line: 'metadata: { name: away, namespace: prod }',
      },
    ]);
  });

  it('names one that is attached to the Service', async () => {
    const spec = `\n  targetRefs: [{ kind: Service, group: '', name: wide }]\n  rules: [{}]`;
    const told = await atServer([policy('AuthorizationPolicy', 'attached', spec)]);
    expect(told.map(({ reason }) => reason)).toEqual([
      'is attached to Service wide: that counts at waypoints, not at sidecars',
    ]);
  });

  it.each([
    ['ALLOW', 'the rule allows nothing'],
    ['DENY', 'the field is left out, so the rule takes more'],
  ])('names the %s rule that asks for what only requests have, where none are read', async (action, consequence) => {
    const spec = `\n  action: ${action}\n  rules:\n    - to: [{ operation: { methods: [GET] } }]`;
    const told = await atServer([policy('AuthorizationPolicy', 'web', spec)], 'http://wide:9000/');
    expect(told).toEqual([
      {
        name: 'rules[0] of AuthorizationPolicy default/web',
        reason: `asks for methods, which this port does not tell, as no HTTP is read there: ${consequence}`,
        line: '    - to: [{ operation: { methods: [GET] } }]',
      },
    ]);
  });

  it('names the PeerAuthentication beside an older one, and one that selects in the root namespace', async () => {
    const told = await atServer([
      policy('PeerAuthentication', 'a', '{ mtls: { mode: PERMISSIVE } }'),
      policy('PeerAuthentication', 'b', '{ mtls: { mode: STRICT } }'),
      policy(
        'PeerAuthentication',
        'c',
        '{ selector: { matchLabels: { app: wide } }, mtls: { mode: STRICT } }',
        'istio-system',
      ),
    ]);
    expect(told.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([
      'PeerAuthentication default/b: does not count beside PeerAuthentication default/a, which comes first',
      'PeerAuthentication istio-system/c: selects workloads, which counts for nobody in the root namespace istio-system',
    ]);
  });
});
