import type { KindDefinition } from '#domain';
import { defineKind, specColumn } from './definition.ts';

const NETWORKING = { group: 'networking.istio.io', versions: ['v1', 'v1beta1', 'v1alpha3'] } as const;
const SECURITY = { group: 'security.istio.io', versions: ['v1', 'v1beta1'] } as const;

/** Istio's kinds that are checked against their schema only. */
export const furtherKinds: readonly KindDefinition[] = [
  defineKind({
    ...NETWORKING,
    kind: 'ServiceEntry',
    plural: 'serviceentries',
    shortNames: ['se'],
    columns: [specColumn('Hosts', 'hosts'), specColumn('Location', 'location'), specColumn('Resolution', 'resolution')],
  }),
  defineKind({ ...NETWORKING, kind: 'Sidecar', plural: 'sidecars' }),
  defineKind({
    ...NETWORKING,
    kind: 'WorkloadEntry',
    plural: 'workloadentries',
    shortNames: ['we'],
    columns: [specColumn('Address', 'address')],
  }),
  defineKind({ ...NETWORKING, kind: 'WorkloadGroup', plural: 'workloadgroups', shortNames: ['wg'] }),
  defineKind({ ...NETWORKING, versions: ['v1alpha3'], kind: 'EnvoyFilter', plural: 'envoyfilters' }),
  defineKind({ ...NETWORKING, versions: ['v1beta1'], kind: 'ProxyConfig', plural: 'proxyconfigs' }),
  defineKind({
    ...SECURITY,
    kind: 'AuthorizationPolicy',
    plural: 'authorizationpolicies',
    shortNames: ['ap'],
    columns: [specColumn('Action', 'action')],
  }),
  defineKind({ ...SECURITY, kind: 'RequestAuthentication', plural: 'requestauthentications', shortNames: ['ra'] }),
  defineKind({
    group: 'telemetry.istio.io',
    versions: ['v1', 'v1alpha1'],
    kind: 'Telemetry',
    plural: 'telemetries',
    shortNames: ['telemetry'],
  }),
  defineKind({ group: 'extensions.istio.io', versions: ['v1alpha1'], kind: 'WasmPlugin', plural: 'wasmplugins' }),
];
