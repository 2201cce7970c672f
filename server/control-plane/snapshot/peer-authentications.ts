import type { KubeObject } from '#domain';
import { type Config, compareConfigs, fieldOf, toConfig } from './config.ts';
import type { FieldOrigin } from './field-origin.ts';
import { labelsMatch } from './hosts.ts';
import type { MutualTlsMode, PeerAuthenticationSpec } from './istio-types.ts';

export type EffectiveTlsMode = Exclude<MutualTlsMode, 'UNSET'>;

/** A mode and the field that set it; no origin for the mesh's own default. */
export interface TlsDecision {
  readonly mode: EffectiveTlsMode;
  readonly origin: FieldOrigin | undefined;
}

/** What a workload demands of its clients. */
export interface WorkloadTls {
  readonly workload: TlsDecision;
  /** Ports of the workload (not of the service) with a mode of their own. */
  readonly ports: ReadonlyMap<number, TlsDecision>;
  forPort(port: number): TlsDecision;
}

export type PeerAuthenticationList = readonly Config<PeerAuthenticationSpec>[];

/** All PeerAuthentications, the oldest first. */
export const derivePeerAuthentications = (objects: readonly KubeObject[]): PeerAuthenticationList =>
  objects.map((object) => toConfig<PeerAuthenticationSpec>(object)).sort(compareConfigs);

const DEFAULT: TlsDecision = { mode: 'PERMISSIVE', origin: undefined };

const hasSelector = ({ spec }: Config<PeerAuthenticationSpec>): boolean =>
  Object.keys(spec.selector?.matchLabels ?? {}).length > 0;

/** The mode for a whole namespace: its own policy, else the mesh's (root namespace), else PERMISSIVE. */
export function namespaceTls(all: PeerAuthenticationList, namespace: string, rootNamespace: string): TlsDecision {
  const general = (wanted: string): Config<PeerAuthenticationSpec> | undefined =>
    all.find((policy) => policy.namespace === wanted && !hasSelector(policy));
  const mesh = decide(general(rootNamespace), DEFAULT);
  return namespace === rootNamespace ? mesh : decide(general(namespace), mesh);
}

/**
 * The modes of one workload: its own policy over its namespace's over the mesh's. UNSET takes the wider mode; the oldest policy of a
 * level wins. Policies with a selector have no force in the root namespace. Source: ComposePeerAuthentication in istio pilot.
 */
export function workloadTls(
  all: PeerAuthenticationList,
  workload: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> },
  rootNamespace: string,
): WorkloadTls {
  const { namespace, labels } = workload;
  const wider = namespaceTls(all, namespace, rootNamespace);
  const own = all.find(
    (policy) =>
      policy.namespace === namespace &&
      namespace !== rootNamespace &&
      hasSelector(policy) &&
      labelsMatch(policy.spec.selector?.matchLabels, labels),
  );
  const base = decide(own, wider);
  const ports = new Map<number, TlsDecision>();
  for (const [port, mtls] of Object.entries(own?.spec.portLevelMtls ?? {})) {
    const mode = setMode(mtls.mode);
    const origin = own && fieldOf(own, `spec.portLevelMtls.${port}.mode`);
    ports.set(Number(port), mode === undefined ? base : { mode, origin });
  }
  return { workload: base, ports, forPort: (port) => ports.get(port) ?? base };
}

function decide(policy: Config<PeerAuthenticationSpec> | undefined, wider: TlsDecision): TlsDecision {
  const mode = setMode(policy?.spec.mtls?.mode);
  return policy === undefined || mode === undefined ? wider : { mode, origin: fieldOf(policy, 'spec.mtls.mode') };
}

const setMode = (mode: MutualTlsMode | undefined): EffectiveTlsMode | undefined =>
  mode === undefined || mode === 'UNSET' ? undefined : mode;
