import type { KubeObject } from '#domain';
import { type Field, specOf } from '../../rules/field.ts';

/** A destination that a VirtualService sends to. */
export interface UsedDestination {
  readonly destination: Field;
  readonly mirror: boolean;
  /** See Place.line. */
  readonly line?: string;
}

/** Destinations of routes: of tcp, tls and http rules. */
export function routeDestinations(virtualService: KubeObject): UsedDestination[] {
  const spec = specOf(virtualService);
  return ['tcp', 'tls', 'http'].flatMap((protocol) =>
    spec.get(protocol).items.flatMap((rule) =>
      rule.get('route').items.map((route) => {
        const destination = route.get('destination');
        return { destination, mirror: false, line: destination.get('host').path };
      }),
    ),
  );
}

/** Destinations of `mirror` and `mirrors`. */
export function mirrorDestinations(virtualService: KubeObject): UsedDestination[] {
  return specOf(virtualService)
    .get('http')
    .items.flatMap((rule) => {
      const mirror = rule.get('mirror');
      const one = mirror.exists ? [{ destination: mirror, mirror: true, line: mirror.get('host').path }] : [];
      const several = rule.get('mirrors').items.map((each) => ({ destination: each.get('destination'), mirror: true }));
      return [...one, ...several];
    });
}

/** A Service's name and namespace from its full name; a name that is not one stands for itself in the rule's namespace. */
export function serviceKey(host: string, namespace: string): string {
  const [, name, own] = /^(.+)\.(.+)\.svc\.cluster\.local$/.exec(host) ?? [];
  return own === undefined ? `${namespace}/${host}` : `${own}/${name}`;
}
