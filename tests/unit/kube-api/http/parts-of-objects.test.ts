import { describe, expect, it } from 'vitest';
import { startServer } from './server.ts';

const server = startServer();
const gateways = '/apis/gateway.networking.k8s.io/v1/namespaces/default/gateways';
const apiVersion = 'gateway.networking.k8s.io/v1';
const apply = { 'content-type': 'application/apply-patch+yaml' };
const listeners = [{ name: 'http', port: 80, protocol: 'HTTP' }];

const gateway = (name: string, more: Record<string, unknown>) => ({
  apiVersion,
  kind: 'Gateway',
  metadata: { name },
  ...more,
});

async function created(name: string): Promise<string> {
  const spec = { gatewayClassName: 'istio', listeners };
  const { body } = await server.call('POST', gateways, gateway(name, { spec }));
  return body.metadata.resourceVersion ?? '';
}

describe('a write of the status', () => {
  it('is judged by its status, whatever its spec says: Go clients send one without values', async () => {
    const resourceVersion = await created('put');
    const conditions = [
      { type: 'Accepted', status: 'True', reason: 'Accepted', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' },
    ];
    const sent = {
      ...gateway('put', { spec: { gatewayClassName: '', listeners: null }, status: { conditions } }),
      metadata: { name: 'put', resourceVersion },
    };
    const { body, status } = await server.call('PUT', `${gateways}/put/status`, sent);
    expect({ status, spec: body.spec, given: body.status }).toMatchObject({
      status: 200,
      spec: { gatewayClassName: 'istio', listeners },
      given: { conditions },
    });
  });

  it('may be applied without the spec', async () => {
    await created('applied');
    const sent = gateway('applied', { status: { addresses: [{ type: 'IPAddress', value: '127.0.0.9' }] } });
    const { body, status } = await server.call('PATCH', `${gateways}/applied/status?fieldManager=x`, sent, apply);
    expect({ status, message: body.message, given: body.status }).toMatchObject({
      status: 200,
      message: undefined,
      given: { addresses: [{ type: 'IPAddress', value: '127.0.0.9' }] },
    });
  });
});

describe('an applied part of an object', () => {
  it('needs only what the stored object does not have', async () => {
    await created('part');
    const sent = gateway('part', { spec: { infrastructure: { labels: { team: 'one' } } } });
    const { body, status } = await server.call('PATCH', `${gateways}/part?fieldManager=x`, sent, apply);
    expect({ status, message: body.message, spec: body.spec }).toMatchObject({
      status: 200,
      message: undefined,
      spec: { gatewayClassName: 'istio', listeners, infrastructure: { labels: { team: 'one' } } },
    });
  });

  it('is refused where nothing is stored that has the rest', async () => {
    const sent = gateway('nobody', { spec: { gatewayClassName: 'istio' } });
    const { body, status } = await server.call('PATCH', `${gateways}/nobody?fieldManager=x`, sent, apply);
    expect({ status, message: body.message }).toEqual({
      status: 422,
      message: 'Gateway.gateway.networking.k8s.io "nobody" is invalid: spec.listeners: Required value',
    });
  });
});
