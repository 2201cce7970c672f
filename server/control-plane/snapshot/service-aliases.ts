import { compareText } from './config.ts';
import type { Service } from './services.ts';

/**
 * The services, each with the names that stand for it: an ExternalName Service is another name of the host it points to, also through
 * further names. A circle of names stands for nothing. Source: resolveServiceAliases in istio pilot.
 */
export function resolveAliases(services: readonly Service[]): readonly Service[] {
  const targets = new Map<string, string>();
  for (const { resolution, hostname, externalName } of services) {
    if (resolution === 'Alias') targets.set(hostname, externalName);
  }
  if (targets.size === 0) return services;
  const aliases = new Map<string, string[]>();
  for (const { resolution, hostname } of services) {
    if (resolution !== 'Alias') continue;
    const concrete = follow(hostname, targets);
    if (concrete !== undefined) aliases.set(concrete, [...(aliases.get(concrete) ?? []), hostname]);
  }
  return services.map((service) => {
    const own = aliases.get(service.hostname);
    return own === undefined ? service : { ...service, aliases: own.sort(compareText) };
  });
}

function follow(hostname: string, targets: ReadonlyMap<string, string>): string | undefined {
  const seen = new Set([hostname]);
  for (let at = targets.get(hostname); at !== undefined; at = targets.get(at)) {
    if (!targets.has(at)) return at;
    if (seen.has(at)) return undefined;
    seen.add(at);
  }
  return undefined;
}
