import { describe, expect, it } from 'vitest';
import { explainLeftOut, virtualService } from './left-out.ts';

const WIDE = `apiVersion: v1
kind: Service
metadata: { name: wide, namespace: default }
spec: { selector: { app: wide }, ports: [{ name: tcp, port: 9000 }, { name: tls, port: 443 }, { name: http, port: 80 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: wide, namespace: default }
spec: { template: { metadata: { labels: { app: wide } }, spec: { containers: [{ name: a, image: a }] } }, selector: { matchLabels: { app: wide } } }`;

const to = (port: number): string => `route: [{ destination: { host: wide, port: { number: ${port} } } }]`;

const GATEWAY = `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: shop, namespace: default }
spec:
  selector: { istio: ingressgateway }
  servers:
    - { port: { number: 80, name: http, protocol: HTTP }, hosts: [shop.example] }
    - { port: { number: 443, name: tls, protocol: TLS }, hosts: [pass.example], tls: { mode: PASSTHROUGH } }
    - { port: { number: 31400, name: tcp, protocol: TCP }, hosts: ['*'] }`;

const atGateway = (objects: readonly string[], url: string): ReturnType<typeof explainLeftOut> =>
  explainLeftOut([WIDE, GATEWAY, ...objects], { from: 'gateway:default/shop', url });

describe('meshwork explain of a connection whose bytes are passed on', () => {
  it('names each tcp rule that takes none of the port, with the first field that did not fit', async () => {
    const rule = virtualService(`
  hosts: [wide]
  tcp:
    - match: [{ port: 9001 }]
      ${to(9000)}
    - match:
        - sourceLabels: { app: other }
      ${to(9000)}
    - ${to(9000)}
    - match: [{ port: 9000 }]
      ${to(9000)}`);
    const told = await explainLeftOut([WIDE, rule], { url: 'http://wide:9000/' });
    expect(told).toEqual([
      {
        name: 'tcp[0] of VirtualService default/reviews',
        reason: 'needs port 9001, these routes are for port 9000',
        line: '    - match: [{ port: 9001 }]',
      },
      {
        name: 'tcp[1] of VirtualService default/reviews',
        reason: 'needs source label app: other, this proxy has app: sleep',
        line: '        - sourceLabels: { app: other }',
      },
      {
        name: 'tcp[3] of VirtualService default/reviews',
        reason: 'stands behind tcp[2] of VirtualService default/reviews, which takes every connection',
        line: '    - match: [{ port: 9000 }]',
      },
    ]);
  });

  it('names each tls rule that takes none, and one whose server names another has', async () => {
    const rule = virtualService(`
  hosts: [wide]
  tls:
    - match: [{ sniHosts: [wide], gateways: [shop] }]
      ${to(443)}
    - match: [{ sniHosts: [wide] }]
      ${to(443)}
    - match: [{ sniHosts: [wide], port: 443 }]
      ${to(443)}`);
    const told = await explainLeftOut([WIDE, rule], { url: 'https://wide/' });
    expect(told.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([
      'tls[0] of VirtualService default/reviews: is for default/shop, these routes are for mesh',
      'tls[2] of VirtualService default/reviews: stands behind tls[1] of VirtualService default/reviews, which takes the same server names',
    ]);
  });

  it.each([
    ['http', 'http://wide:9000/', 'has http rules only; port 9000, tcp, is of tcp, where tcp rules count'],
    ['tcp', 'http://wide/', 'has tcp rules only; port 80, http, is of http, where http rules count'],
  ])('names a VirtualService with %s rules alone on a port where others count', async (list, url, reason) => {
    const rule = virtualService(`\n  hosts: [wide]\n  ${list}: [{ ${to(9000)} }]`);
    expect(await explainLeftOut([WIDE, rule], { url })).toEqual([
      { name: 'VirtualService default/reviews', reason, line: `  ${list}: [{ ${to(9000)} }]` },
    ]);
  });
});

describe('meshwork explain of a destination that is no service of the mesh', () => {
  it('names the Service of that host, which has other ports', async () => {
    const told = await explainLeftOut([WIDE], { url: 'http://wide:9001/' });
    expect(told.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([
      'Service default/wide: has no port 9001; it has 9000, 443, 80',
    ]);
  });

  it('names the Sidecar that lets nobody out to what is not known', async () => {
    const sidecar = `apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: narrow, namespace: default }
spec:
  outboundTrafficPolicy: { mode: REGISTRY_ONLY }`;
    expect(await explainLeftOut([sidecar], { url: 'http://198.51.100.7:8111/' })).toEqual([
      {
        name: 'outboundTrafficPolicy of Sidecar default/narrow',
        reason: 'is REGISTRY_ONLY: what is no service of the mesh is let out to nobody',
        line: '  outboundTrafficPolicy: { mode: REGISTRY_ONLY }',
      },
    ]);
  });
});

describe('meshwork explain of the servers of Gateways', () => {
  it('names those whose hosts a request is not for, behind a 404', async () => {
    const other = GATEWAY.replace('name: shop', 'name: shed').replace('ingressgateway', 'egressgateway');
    const rule = virtualService(`{ hosts: [shop.example], gateways: [shop], http: [{ ${to(80)} }] }`);
    const told = await atGateway([rule, other.replace('shop.example', 'shed.example')], 'http://shed.example/');
    expect(told.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([
      'Gateway default/shed: selects istio: egressgateway, this proxy has istio: ingressgateway',
      'servers[0] of Gateway default/shop: takes shop.example, the request is for shed.example',
      'VirtualService default/reviews: is for shop.example, the request is for shed.example',
    ]);
  });

  it('names the one that nobody gave a VirtualService', async () => {
    expect(await atGateway([], 'http://shop.example/')).toEqual([
      {
        name: 'servers[0] of Gateway default/shop',
        reason: 'has no VirtualService for shop.example',
        line: '    - { port: { number: 80, name: http, protocol: HTTP }, hosts: [shop.example] }',
      },
    ]);
  });

  it('names those whose TLS names another, behind a reset, and the list of rules that does not count there', async () => {
    const rule = virtualService(
      `{ hosts: [pass.example], gateways: [shop], tls: [{ match: [{ sniHosts: [pass.example] }], ${to(443)} }] }`,
    );
    const web = virtualService(`{ hosts: [pass.example], gateways: [shop], http: [{ ${to(80)} }] }`, { name: 'web' });
    const reset = await atGateway([rule], 'https://other.example/');
    expect(reset[0]).toMatchObject({ reason: 'takes pass.example, the client asks for other.example by TLS' });
    const passed = await atGateway([rule, web], 'https://pass.example/');
    expect(passed.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([
      'VirtualService default/web: has http rules only; port 443 is of TLS in mode PASSTHROUGH, where tls rules count',
    ]);
  });

  it('names what keeps a port closed, where no proxy has seen the request', async () => {
    const rule = virtualService(
      `{ hosts: [a.example], gateways: [shop], tcp: [{ match: [{ port: 31401 }], ${to(9000)} }] }`,
    );
    const told = await atGateway([rule], 'http://a.example:31400/');
    expect(told.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([
      'tcp[0] of VirtualService default/reviews: needs port 31401, these routes are for port 31400',
    ]);
  });

  it('names a server that another leaves no room for', async () => {
    const twin = GATEWAY.replace('name: shop', 'name: twin');
    const told = await atGateway([twin], 'https://other.example/');
    expect(told.map(({ name, reason }) => `${name}: ${reason}`)).toContain(
      'servers[1] of Gateway default/twin: is left out: servers[1] of Gateway default/shop has a host of it on this port already',
    );
  });
});
