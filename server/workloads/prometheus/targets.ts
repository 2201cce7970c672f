import type { ContainerContext, PodFound } from '../doors.ts';
import type { ScrapeJob } from './config.ts';
import type { Labels } from './promql/index.ts';
import { relabeling } from './relabel.ts';

/** One page of metrics that is read again and again. */
export interface Target {
  readonly job: string;
  readonly url: string;
  /** What its samples get, beside their own. */
  readonly labels: Labels;
}

/** What a job's configuration finds now. */
export function discover(job: ScrapeJob, context: Pick<ContainerContext, 'addresses' | 'pods'>): readonly Target[] {
  const relabel = relabeling(job.relabel_configs);
  const found = [
    ...job.static_configs.flatMap(({ targets, labels }) =>
      targets.map((address) => ({ ...labels, __address__: address })),
    ),
    ...job.dns_sd_configs.flatMap(({ names, type, port }) =>
      type === 'A'
        ? names.flatMap((name) =>
            context.addresses(name).map((ip) => ({ __address__: `${ip}:${port ?? 80}`, __meta_dns_name: name })),
          )
        : [],
    ),
    ...job.kubernetes_sd_configs.flatMap(({ role, namespaces }) =>
      role === 'pod'
        ? (context.pods?.() ?? []).filter(({ namespace }) => isWanted(namespace, namespaces?.names)).flatMap(podLabels)
        : [],
    ),
  ];
  const targets = new Map<string, Target>();
  for (const labels of found) {
    const target = targetOf(
      job,
      relabel({ job: job.job_name, __metrics_path__: job.metrics_path, __scheme__: job.scheme, ...labels }),
    );
    if (target !== undefined) targets.set(JSON.stringify([target.url, target.labels]), target);
  }
  return [...targets.values()];
}

const isWanted = (namespace: string, wanted: readonly string[] = []): boolean =>
  wanted.length === 0 || wanted.includes(namespace);

function targetOf({ job_name }: ScrapeJob, labels: Labels | undefined): Target | undefined {
  const address = labels?.['__address__'];
  if (labels === undefined || address === undefined) return undefined;
  const { __scheme__: scheme = 'http', __metrics_path__: path = '/metrics' } = labels;
  const withPort = /:\d+$/.test(address) ? address : `${address}:${scheme === 'https' ? 443 : 80}`;
  const shown = Object.fromEntries(Object.entries(labels).filter(([name]) => !name.startsWith('__')));
  return { job: job_name, url: `${scheme}://${withPort}${path}`, labels: { instance: withPort, ...shown } };
}

/** A name as a part of a label's name. */
const safe = (name: string): string => name.replaceAll(/[^a-zA-Z0-9_]/g, '_');

/** The meta labels of role `pod`: one set for each port that a container declares. Source: discovery/kubernetes/pod.go in Prometheus. */
function podLabels(pod: PodFound): Labels[] {
  const meta = (name: string, value: string): [string, string] => [`__meta_kubernetes_${name}`, value];
  const all: Record<string, string> = Object.fromEntries([
    meta('namespace', pod.namespace),
    meta('pod_name', pod.name),
    meta('pod_ip', pod.ip),
    meta('pod_ready', String(pod.ready)),
    meta('pod_phase', 'Running'),
    ...Object.entries(pod.labels).flatMap(([name, value]) => [
      meta(`pod_label_${safe(name)}`, value),
      meta(`pod_labelpresent_${safe(name)}`, 'true'),
    ]),
    ...Object.entries(pod.annotations).flatMap(([name, value]) => [
      meta(`pod_annotation_${safe(name)}`, value),
      meta(`pod_annotationpresent_${safe(name)}`, 'true'),
    ]),
  ]);
  const sets = pod.containers.flatMap(({ name, ports, init }): Labels[] => {
    const own = {
      ...all,
      ...Object.fromEntries([meta('pod_container_name', name), meta('pod_container_init', String(init))]),
    };
    if (ports.length === 0) return init ? [] : [{ ...own, __address__: pod.ip }];
    return ports.map((port) => ({
      ...own,
      ...Object.fromEntries([
        meta('pod_container_port_name', port.name),
        meta('pod_container_port_number', String(port.number)),
        meta('pod_container_port_protocol', 'TCP'),
      ]),
      __address__: `${pod.ip}:${port.number}`,
    }));
  });
  return sets;
}
