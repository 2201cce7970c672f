import { UsageError } from '../../command.ts';
import type { Verb } from '../verb.ts';

/** Commands that install, or need what a lab has not, and what does their work here. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  install: 'the mesh is installed already. kubectl get pods -n istio-system shows it',
  upgrade: 'this mesh has one release. istioctl version shows it',
  uninstall: 'a lab without its mesh would be none. Reset the lab for a fresh one',
  manifest: 'the mesh is installed already; nothing is made from charts here',
  'kube-inject':
    'pods are injected when they are made. Label the namespace istio-injection=enabled, then kubectl rollout restart deploy',
  dashboard: 'no port of your machine leads here. The views of metrics, map and traces are beside this terminal',
  'bug-report':
    'nothing is packed into archives here. istioctl analyze, proxy-status and kubectl logs show what it would hold',
  tag: 'this mesh has one revision, default',
  'create-remote-secret': 'a lab is one cluster',
  'remote-clusters': 'a lab is one cluster',
  waypoint: 'this mesh has sidecars, no ambient mode',
  'ztunnel-config': 'this mesh has sidecars, no ambient mode',
  completion: 'Tab completes in this terminal already',
};

/** They answer with a sentence instead of “unknown command”. */
export const elsewhere: readonly Verb[] = Object.entries(ELSEWHERE).map(([name, sentence]) => ({
  name,
  ...(name === 'dashboard' ? { aliases: ['dash', 'd'] } : {}),
  manual: `istioctl ${name}: ${sentence}.`,
  flags: {},
  anyFlags: true,
  run: async () => {
    throw new UsageError(`Error: istioctl ${name}: ${sentence}.`);
  },
}));

/** The same below `istioctl experimental`. */
export const experimentalElsewhere: Readonly<Record<string, string>> = {
  precheck: 'there is no other release to go to',
  wait: 'an apply in this terminal is followed in the view of pushes; istioctl proxy-status shows what each proxy has accepted',
  metrics:
    'the view of metrics shows them; kubectl exec deploy/<name> -c istio-proxy -- curl -s localhost:15020/stats/prometheus prints them',
  injector: 'kubectl get mutatingwebhookconfigurations shows the injector, kubectl get ns --show-labels its namespaces',
};
