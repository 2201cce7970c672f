import type { EnvVar } from '../kube-types.ts';
import { scrapedAtTheAgent } from './system.ts';

type Annotations = Readonly<Record<string, string>>;

const PREFIX = 'prometheus.io/';

/**
 * Prometheus is sent to the agent, which is told where the application's own metrics are. Nothing changes for pods that are not to be
 * scraped. Source: applyPrometheusMerge in istio pkg/kube/inject.
 */
export function prometheusMerge(annotations: Annotations): {
  readonly annotations: Annotations;
  readonly env: readonly EnvVar[];
} {
  const read = (name: string): string => annotations[`${PREFIX}${name}`] ?? '';
  const isOff = read('scrape') === 'false' || annotations['prometheus.istio.io/merge-metrics'] === 'false';
  if (isOff || read('port') === scrapedAtTheAgent['prometheus.io/port']) return { annotations: {}, env: [] };
  const scraped = { scrape: read('scrape'), path: read('path'), port: read('port') };
  const isSet = Object.values(scraped).some((value) => value !== '');
  return {
    annotations: scrapedAtTheAgent,
    env: isSet ? [{ name: 'ISTIO_PROMETHEUS_ANNOTATIONS', value: JSON.stringify(scraped) }] : [],
  };
}
