import type { Labels, PeerAuthentication } from './objects.ts';
import { selects } from './objects.ts';

const oldest = (all: readonly PeerAuthentication[]): PeerAuthentication | undefined =>
  all.toSorted((a, b) => created(a) - created(b))[0];

const created = ({ metadata }: PeerAuthentication): number => Date.parse(metadata.creationTimestamp ?? '') || 0;

const told = (mode: string | undefined): string | undefined => (mode === 'UNSET' ? undefined : mode);

/**
 * Lines about what a pod's proxy demands of its clients. `all`: the policies of the root namespace, then those of the pod's. Source:
 * describePeerAuthentication in istioctl, ComposePeerAuthentication in pilot.
 */
export function peerAuthenticationLines(
  all: readonly PeerAuthentication[],
  labels: Labels,
  rootNamespace: string,
): string[] {
  const applied = all.filter(({ spec }) => selects(spec?.selector?.matchLabels ?? {}, labels));
  const isSelecting = ({ spec }: PeerAuthentication): boolean =>
    Object.keys(spec?.selector?.matchLabels ?? {}).length > 0;
  const isRoot = ({ metadata }: PeerAuthentication): boolean => metadata.namespace === rootNamespace;
  const mesh = oldest(applied.filter((each) => isRoot(each) && !isSelecting(each)));
  const namespace = oldest(applied.filter((each) => !isRoot(each) && !isSelecting(each)));
  const workload = oldest(applied.filter((each) => !isRoot(each) && isSelecting(each)));
  const mode = [workload, namespace, mesh].map((each) => told(each?.spec?.mtls?.mode)).find(Boolean) ?? 'PERMISSIVE';
  const ports = Object.entries(workload?.spec?.portLevelMtls ?? {}).map(
    ([port, own]) => `      ${port}: ${told(own.mode) ?? mode}`,
  );
  const names = applied.map(({ metadata }) => `${metadata.name}.${metadata.namespace}`).join(', ');
  return [
    'Effective PeerAuthentication:',
    `   Workload mTLS mode: ${mode}`,
    ...(ports.length === 0 ? [] : ['   Port Level mTLS mode:', ...ports]),
    ...(applied.length === 0 ? [] : ['Applied PeerAuthentication:', `   ${names}`]),
  ];
}
