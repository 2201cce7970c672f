import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '#domain';
import { istioKinds } from '#istio';
import { coreKinds, createKindRegistry, createKubeStore, type KubeStore } from '#kube-api';
import {
  type AddressAllocator,
  createAddressAllocator,
} from '../../../server/control-plane/addresses/address-allocator.ts';
import { clock } from './fixture.ts';

const KIND = 'ServiceEntry.networking.istio.io';
const options = { changeId: 'test' };

interface Entry {
  readonly hosts: readonly string[];
  readonly resolution?: string;
  readonly addresses?: readonly string[];
  readonly endpoints?: readonly object[];
}

let store: KubeStore;
let allocator: AddressAllocator;
let stops: (() => void)[];
/** The namespace that istiod does not look at. */
let left: string | undefined;

/** An istiod that watches the store. */
function start(): void {
  allocator = createAddressAllocator({
    store,
    clock,
    discovers: (namespace) => namespace !== left,
    onError: (message) => {
      throw new Error(message);
    },
  });
  const { touch, stop } = allocator;
  const unwatch = store.watch(KIND, ({ object, changeId }) => touch(object, changeId));
  stops.push(unwatch, stop);
}

function put(name: string, { resolution = 'DNS', ...rest }: Entry, labels?: Record<string, string>): void {
  const spec = { ports: [{ number: 80, name: 'http', protocol: 'HTTP' }], resolution, ...rest };
  const object = { apiVersion: 'networking.istio.io/v1', kind: 'ServiceEntry', spec };
  store.apply({ ...object, metadata: { name, namespace: 'shop', ...(labels && { labels }) } } as KubeObject, options);
  allocator.flush();
}

/** The addresses of IPv4 in the status, by host. */
function given(name: string): Record<string, string> {
  const status = store.get(KIND, { namespace: 'shop', name })?.status as
    | { readonly addresses?: readonly { readonly host: string; readonly value: string }[] }
    | undefined;
  const own = (status?.addresses ?? []).filter(({ value }) => !value.includes(':'));
  return Object.fromEntries(own.map(({ host, value }) => [host, value]));
}

describe('addresses for ServiceEntries', () => {
  beforeEach(() => {
    store = createKubeStore({ kinds: createKindRegistry([...coreKinds, ...istioKinds]), clock });
    store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }, options);
    stops = [];
    left = undefined;
    start();
  });
  afterEach(() => {
    for (const stop of stops.splice(0)) stop();
  });

  it('are given in turn, one of each family for each host that is no name for many', () => {
    put('a', {
      hosts: ['a.example', 'b.example', '*.c.example', 'a.example'],
      resolution: 'STATIC',
      endpoints: [{ address: '10.0.0.1' }],
    });
    put('d', { hosts: ['*.d.example'], resolution: 'DYNAMIC_DNS' });
    expect(store.get(KIND, { namespace: 'shop', name: 'a' })?.status).toMatchObject({
      addresses: [
        { value: '240.240.0.1', host: 'a.example' },
        { value: '2001:2::1', host: 'a.example' },
        { value: '240.240.0.2', host: 'b.example' },
        { value: '2001:2::2', host: 'b.example' },
      ],
    });
    expect(given('d')).toEqual({ '*.d.example': '240.240.0.3' });
  });

  it('are given to none that has its own, that keeps the address of its client, or that its label keeps out', () => {
    put('own', { hosts: ['own.example'], addresses: ['10.9.9.9'] });
    put('none', { hosts: ['none.example'], resolution: 'NONE' });
    put('out', { hosts: ['out.example'] }, { 'networking.istio.io/enable-autoallocate-ip': 'False' });
    expect(['own', 'none', 'out'].map(given)).toEqual([{}, {}, {}]);
  });

  it('stay with their host while others come and go, and go when the entry may have none any more', () => {
    put('a', { hosts: ['a.example', 'b.example'] });
    put('a', { hosts: ['b.example', 'c.example'] });
    expect(given('a')).toEqual({ 'b.example': '240.240.0.2', 'c.example': '240.240.0.3' });
    put('a', { hosts: ['b.example'], resolution: 'NONE' });
    expect(given('a')).toEqual({});
    put('e', { hosts: ['e.example'] });
    expect(given('e')).toEqual({ 'e.example': '240.240.0.1' });
  });

  it('are known to the next istiod; one that an entry names itself is nobody else’s', () => {
    put('a', { hosts: ['a.example'] });
    put('b', { hosts: ['b.example'], addresses: ['240.240.0.2'] });
    for (const stop of stops.splice(0)) stop();
    start();
    put('c', { hosts: ['c.example'] });
    expect([given('a'), given('c')]).toEqual([{ 'a.example': '240.240.0.1' }, { 'c.example': '240.240.0.3' }]);
    put('d', { hosts: ['d.example'], addresses: ['240.240.0.3'] });
    expect(given('c')).toEqual({ 'c.example': '240.240.0.4' });
  });

  it('are given to no entry of a namespace that istiod does not look at, until it does; what such an entry has stays its own', () => {
    put('a', { hosts: ['a.example'] });
    left = 'shop';
    put('b', { hosts: ['b.example'] });
    put('a', { hosts: ['a.example'], resolution: 'NONE' });
    expect([given('a'), given('b')]).toEqual([{ 'a.example': '240.240.0.1' }, {}]);
    left = undefined;
    allocator.touch({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }, 'test');
    allocator.flush();
    expect([given('a'), given('b')]).toEqual([{}, { 'b.example': '240.240.0.1' }]);
  });
});
