import { hasNoAddress, type Service } from '../snapshot/services.ts';

const known = new WeakMap<Service, Service>();

/**
 * A service as a client knows it whose agent answers DNS: at the address that istiod gave it. The same service comes out as the same object.
 * Source: getAllAddressesForProxy in istio pilot.
 */
export function atAllocated(service: Service): Service {
  if (service.autoAddress === '' || !hasNoAddress(service)) return service;
  const held = known.get(service);
  if (held !== undefined) return held;
  const placed = { ...service, address: service.autoAddress };
  known.set(service, placed);
  return placed;
}
