import type { Lab } from '#labs';
import type { Sandbox } from '#sandbox';

/** Routing rules and their versions, as the control plane has pushed them while it runs. */
export function ruleVersions(sandbox: Sandbox): Map<string, string> {
  const versions = new Map<string, string>();
  for (const kind of ['VirtualService', 'DestinationRule', 'PeerAuthentication']) {
    for (const { metadata } of sandbox.store.list(kind)) {
      versions.set(`${kind}/${metadata.namespace ?? ''}/${metadata.name}`, metadata.resourceVersion ?? '');
    }
  }
  return versions;
}

/** The first answer through the ingress gateway ends the start; a lab whose learner builds the gateway has none yet. */
export async function firstAnswer(sandbox: Sandbox, lab: Lab): Promise<void> {
  const path = lab.spec.traffic.find((traffic) => traffic.from === 'outside')?.url;
  const { ingress } = sandbox;
  if (!ingress || path === undefined || sandbox.store.list('VirtualService').length === 0) return;
  const { pathname } = new URL(path);
  await sandbox
    .fetchFromOutside(`http://${ingress.ip}:${ingress.port}${pathname}`, { timeoutMs: 5000 })
    .catch(() => undefined);
}
