import { beforeEach, describe, expect, it } from 'vitest';
import type { KubeStore } from '#kube-api';
import type { ContainerSpec, PodObject } from '../../../server/sandbox/kube-types.ts';
import { containerEnvironment, withExpandedCommand } from '../../../server/sandbox/kubelet/environment.ts';
import { changeId, newStore } from './support.ts';

describe('the environment of a container', () => {
  let store: KubeStore;
  beforeEach(() => {
    store = newStore().store;
    store.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }, { changeId });
  });

  const service = (namespace: string, name: string, spec: object): void => {
    store.create({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec }, { changeId });
  };
  const api = (): void =>
    service('default', 'kubernetes', { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443 }] });
  const app: ContainerSpec = { name: 'app', image: 'meshwork/inventory:1.0' };
  const environment = (spec: object = {}, container: ContainerSpec = app): Record<string, string> => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', namespace: 'shop' } };
    const options = { store, container, podIp: '127.9.1.1', hostIp: '127.9.0.1' };
    return containerEnvironment({
      ...options,
      pod: { ...pod, spec: { containers: [container], ...spec } } as PodObject,
    });
  };

  const told = {
    KUBERNETES_SERVICE_HOST: '10.96.0.1',
    KUBERNETES_SERVICE_PORT: '443',
    KUBERNETES_SERVICE_PORT_HTTPS: '443',
    KUBERNETES_PORT: 'tcp://10.96.0.1:443',
    KUBERNETES_PORT_443_TCP: 'tcp://10.96.0.1:443',
    KUBERNETES_PORT_443_TCP_PROTO: 'tcp',
    KUBERNETES_PORT_443_TCP_PORT: '443',
    KUBERNETES_PORT_443_TCP_ADDR: '10.96.0.1',
  };

  it('tells of the API in every namespace, and of the Services of its own that have an address', () => {
    api();
    service('default', 'elsewhere', { clusterIP: '10.96.0.2', ports: [{ port: 80 }] });
    service('shop', 'headless', { clusterIP: 'None', ports: [{ port: 80 }] });
    const ports = [
      { name: 'pg-main', port: 5432 },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ];
    service('shop', 'my-db', { clusterIP: '10.96.0.3', ports });
    expect(environment()).toEqual({
      HOSTNAME: 'a',
      ...told,
      MY_DB_SERVICE_HOST: '10.96.0.3',
      MY_DB_SERVICE_PORT: '5432',
      MY_DB_SERVICE_PORT_PG_MAIN: '5432',
      MY_DB_SERVICE_PORT_DNS: '53',
      MY_DB_PORT: 'tcp://10.96.0.3:5432',
      MY_DB_PORT_5432_TCP: 'tcp://10.96.0.3:5432',
      MY_DB_PORT_5432_TCP_PROTO: 'tcp',
      MY_DB_PORT_5432_TCP_PORT: '5432',
      MY_DB_PORT_5432_TCP_ADDR: '10.96.0.3',
      MY_DB_PORT_53_UDP: 'udp://10.96.0.3:53',
      MY_DB_PORT_53_UDP_PROTO: 'udp',
      MY_DB_PORT_53_UDP_PORT: '53',
      MY_DB_PORT_53_UDP_ADDR: '10.96.0.3',
    });
    expect(environment({ enableServiceLinks: false })).toEqual({ HOSTNAME: 'a', ...told });
  });

  it('tells of a Service named kubernetes of its own namespace in the place of the API, unless links are off', () => {
    api();
    service('shop', 'kubernetes', { clusterIP: '10.96.0.9', ports: [{ port: 80 }] });
    expect(environment()['KUBERNETES_SERVICE_HOST']).toBe('10.96.0.9');
    expect(environment({ enableServiceLinks: false })['KUBERNETES_SERVICE_HOST']).toBe('10.96.0.1');
  });

  it('fills in variables of before, takes two dollars for one, and leaves unknown names as they are', () => {
    api();
    const env = [
      { name: 'A', value: '$(KUBERNETES_SERVICE_HOST)/$(B)/$$(A)/$(HOSTNAME)/$1$' },
      { name: 'B', value: '[$(A)]' },
      { name: 'KUBERNETES_PORT', value: 'mine' },
    ];
    const container = {
      ...app,
      env,
      command: ['sh', '-c', 'echo $(B) $(date) $((1+2)) $$$$'],
      args: ['$(KUBERNETES_PORT)'],
    };
    const made = environment({}, container);
    const a = '10.96.0.1/$(B)/$(A)/$(HOSTNAME)/$1$';
    expect(made).toMatchObject({ A: a, B: `[${a}]`, KUBERNETES_PORT: 'mine' });
    expect(withExpandedCommand(container, made)).toMatchObject({
      command: ['sh', '-c', `echo [${a}] $(date) $((1+2)) $$`],
      args: ['mine'],
    });
  });
});
