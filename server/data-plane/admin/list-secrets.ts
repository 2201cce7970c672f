import { fileSecretsIn, type SecretStore } from '../agent/secret-store.ts';
import type { ConfigStore } from '../config/config-store.ts';
import type { ProxySecret } from '../doors.ts';

/** The certificates of a proxy, and those in files that what is in force asks for. */
export function listSecrets({
  store,
  secrets,
}: {
  readonly store: Pick<ConfigStore, 'listeners' | 'clusters'>;
  readonly secrets: SecretStore;
}): readonly ProxySecret[] {
  const resources = [...store.listeners.values(), ...store.clusters.values()].map(({ resource }) => resource);
  return secrets.list([...new Set(resources.flatMap(fileSecretsIn))]);
}
