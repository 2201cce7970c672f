import type { KubeObject } from '#domain';
import { type Field, specOf } from '../rules/field.ts';

/** A destination that a VirtualService sends to. */
export interface UsedDestination {
  readonly destination: Field;
  readonly mirror: boolean;
}

/** All destinations of a VirtualService: of http, tls and tcp routes, and of mirrors. */
export function destinationsOf(virtualService: KubeObject): UsedDestination[] {
  const spec = specOf(virtualService);
  const used: UsedDestination[] = [];
  for (const protocol of ['http', 'tls', 'tcp']) {
    for (const rule of spec.get(protocol).items) {
      for (const route of rule.get('route').items) used.push({ destination: route.get('destination'), mirror: false });
    }
  }
  for (const rule of spec.get('http').items) {
    if (rule.get('mirror').exists) used.push({ destination: rule.get('mirror'), mirror: true });
    for (const mirror of rule.get('mirrors').items) used.push({ destination: mirror.get('destination'), mirror: true });
  }
  return used.filter(({ destination }) => destination.get('host').text !== '');
}
