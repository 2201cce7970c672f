import { describe, expect, it } from 'vitest';
import { ALL, destinationRule, leftOut, TO_REVIEWS, virtualService } from './left-out.ts';

describe('meshwork explain of rules that never reach a proxy', () => {
  it('tells nothing where every rule that names the host is there', async () => {
    expect(await leftOut([virtualService(`{ hosts: [reviews], ${ALL} }`)])).toEqual([]);
  });

  it.each([
    ['sourceLabels: { app: tester }', 'needs source label app: tester, this proxy has app: sleep'],
    ['sourceLabels: { tier: front }', 'needs source label tier: front, this proxy has none of that name'],
    ['sourceNamespace: other', 'needs a caller in namespace other, this proxy is in default'],
    ['gateways: [shop]', 'is for default/shop, these routes are for mesh'],
    ['port: 80', 'needs port 80, these routes are for port 9080'],
  ])('names the match block with %s, its line and the field', async (condition, reason) => {
    const spec = `
  hosts: [reviews]
  http:
    - name: special
      match:
        - uri: { prefix: /a }
          ${condition}
      ${TO_REVIEWS}
    - ${TO_REVIEWS}`;
    expect(await leftOut([virtualService(spec)])).toEqual([
      { name: 'http[0] "special" of VirtualService default/reviews', reason, line: `          ${condition}` },
    ]);
  });

  it('names a rule behind one that takes every request, once for all of its match blocks', async () => {
    const spec = `
  hosts: [reviews]
  http:
    - name: all
      ${TO_REVIEWS}
    - name: late
      match: [{ uri: { prefix: /a } }, { uri: { prefix: /b } }]
      ${TO_REVIEWS}`;
    expect(await leftOut([virtualService(spec)])).toEqual([
      {
        name: 'http[1] "late" of VirtualService default/reviews',
        reason: 'stands behind http[0] "all", which takes every request',
        line: '      match: [{ uri: { prefix: /a } }, { uri: { prefix: /b } }]',
      },
    ]);
  });

  it('names a VirtualService whose short host means a Service of its own namespace', async () => {
    const spec = `\n  hosts: [reviews]\n  ${ALL}`;
    expect(await leftOut([virtualService(spec, { namespace: 'other' })])).toEqual([
      {
        name: 'VirtualService other/reviews',
        reason: 'is for reviews.other.svc.cluster.local, the request is for reviews.default.svc.cluster.local',
        line: '  hosts: [reviews]',
      },
    ]);
  });

  it('names a VirtualService for gateways alone', async () => {
    const spec = `\n  hosts: [reviews]\n  gateways: [shop]\n  ${ALL}`;
    expect(await leftOut([virtualService(spec)])).toEqual([
      {
        name: 'VirtualService default/reviews',
        reason: 'is for gateway default/shop alone: sidecars take what names gateway mesh, or none',
        line: '  gateways: [shop]',
      },
    ]);
  });

  it('names a VirtualService that is not exported to the caller’s namespace', async () => {
    const spec = `\n  hosts: [reviews]\n  exportTo: ['.']\n  ${ALL}`;
    expect(await leftOut([virtualService(spec)], 'other/sleep', 'http://reviews.default:9080/')).toEqual([
      {
        name: 'VirtualService default/reviews',
        reason: 'is exported to its own namespace (default); this proxy is in other',
        line: "  exportTo: ['.']",
      },
    ]);
  });

  it('names the Service and the VirtualService that the caller’s Sidecar does not import, with the Sidecar’s line', async () => {
    const sidecar = `apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: narrow, namespace: other }
spec:
  egress:
    - hosts: ['istio-system/*']`;
    const rule = virtualService(`{ hosts: [reviews], ${ALL} }`);
    const reason = 'is not imported by Sidecar other/narrow, which lets in istio-system/*';
    expect(await leftOut([rule, sidecar], 'other/sleep', 'http://reviews.default:9080/')).toEqual([
      { name: 'Service default/reviews', reason, line: '  egress:' },
      {
        name: 'VirtualService default/reviews',
        reason,
        line: "    - hosts: ['istio-system/*']",
      },
    ]);
  });

  it('names the second VirtualService of a host, of which a sidecar takes one', async () => {
    const spec = `\n  hosts: [reviews]\n  ${ALL}`;
    const told = await leftOut([virtualService(spec, { name: 'a' }), virtualService(spec, { name: 'b' })]);
    expect(told).toEqual([
      {
        name: 'VirtualService default/b',
        reason: 'is not joined to VirtualService default/a, which comes first: at a sidecar a host has one',
        line: '  hosts: [reviews]',
      },
    ]);
  });

  it('names a rule that hands over to a VirtualService that is not there, and one that has hosts of its own', async () => {
    const root = virtualService(`
  hosts: [reviews]
  http:
    - match: [{ uri: { prefix: /a } }]
      delegate: { name: nobody }
    - delegate: { name: whole }`);
    const whole = virtualService('{ hosts: [whole.example.com], http: [{ redirect: { uri: / } }] }', { name: 'whole' });
    expect(await leftOut([root, whole])).toEqual([
      {
        name: 'http[0] of VirtualService default/reviews',
        reason: 'hands over to VirtualService default/nobody, which does not exist, or is not exported to default',
        line: '      delegate: { name: nobody }',
      },
      {
        name: 'http[1] of VirtualService default/reviews',
        reason: 'hands over to VirtualService default/whole, which has hosts of its own, so it is no delegate',
        line: '    - delegate: { name: whole }',
      },
    ]);
  });

  it('names the DestinationRule that lacks the subset, and one that stands where nobody looks', async () => {
    const spec = (subset: string) => `\n  host: reviews.default.svc.cluster.local\n  subsets: [{ name: ${subset} }]`;
    const told = await leftOut([
      virtualService('{ hosts: [reviews], http: [{ route: [{ destination: { host: reviews, subset: v2 } }] }] }'),
      destinationRule(spec('v1')),
      destinationRule(spec('v2'), { namespace: 'elsewhere' }),
    ]);
    expect(told).toEqual([
      {
        name: 'DestinationRule default/reviews',
        reason: 'has no subset v2; it defines v1',
        line: '  subsets: [{ name: v1 }]',
      },
      {
        name: 'DestinationRule elsewhere/reviews',
        reason: 'stands in namespace elsewhere; only default, istio-system are looked at for this proxy and host',
        line: 'metadata: { name: reviews, namespace: elsewhere }',
      },
    ]);
  });

  it.each([
    [
      'host: reviews',
      'other',
      'is for reviews.other.svc.cluster.local, the route sends to reviews.default.svc.cluster.local',
    ],
    ["exportTo: ['istio-system']", 'default', 'is exported to istio-system; this proxy is in namespace default'],
    [
      'workloadSelector: { matchLabels: { app: tester } }',
      'default',
      'selects callers of namespace default with app: tester; not this proxy',
    ],
  ])('names the DestinationRule that does not count for its %s', async (field, namespace, reason) => {
    const host = field.startsWith('host') ? '' : '\n  host: reviews';
    expect(await leftOut([destinationRule(`\n  ${field}${host}`, { namespace })])).toEqual([
      { name: `DestinationRule ${namespace}/reviews`, reason, line: `  ${field}` },
    ]);
  });

  it('names what a gateway’s routes for a host have nothing of', async () => {
    const gateway = `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: shop, namespace: default }
spec:
  selector: { istio: ingressgateway }
  servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['shop.example.com'] }]`;
    const told = await leftOut(
      [
        gateway,
        virtualService(`\n  hosts: [shop.example.com]\n  gateways: [shop]\n  ${ALL}`, { name: 'taken' }),
        virtualService(`\n  hosts: [shop.example.com]\n  gateways: [shed]\n  ${ALL}`, { name: 'elsewhere' }),
        virtualService(`\n  hosts: [stop.example.com]\n  gateways: [shop]\n  ${ALL}`, { name: 'misspelt' }),
      ],
      'gateway:default/shop',
      'http://shop.example.com/',
    );
    expect(told).toEqual([
      {
        name: 'VirtualService default/elsewhere',
        reason: 'is for default/shed, this proxy serves default/shop',
        line: '  gateways: [shed]',
      },
      {
        name: 'VirtualService default/misspelt',
        reason: 'is for stop.example.com, the request is for shop.example.com',
        line: '  hosts: [stop.example.com]',
      },
    ]);
  });
});
