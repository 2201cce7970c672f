import { specOf } from '../../rules/field.ts';
import type { Analyzer } from '../analyzer.ts';
import { SECURITY } from '../mesh/mesh-view.ts';
import { labelsOf, namespaceOf, objectAnnotations } from '../mesh/objects.ts';

const GATEWAY_NAME = 'gateway.networking.k8s.io/gateway-name';
const BUNDLE_VERSION = 'gateway.networking.k8s.io/bundle-version';

const POLICIES = [
  { kind: 'AuthorizationPolicy', group: SECURITY },
  { kind: 'RequestAuthentication', group: SECURITY },
  { kind: 'Telemetry', group: 'telemetry.istio.io' },
  { kind: 'WasmPlugin', group: 'extensions.istio.io' },
] as const;

/** IST0166: selectors of policies on pods of a Gateway API gateway, which is reached by targetRef. */
export const gatewaySelectors: Analyzer = {
  name: 'k8sgateway.SelectorAnalyzer',
  codes: ['IST0166'],
  analyze(mesh, report) {
    for (const { kind, group } of POLICIES) {
      for (const object of mesh.of(kind, group)) {
        const selector = specOf(object).get('selector');
        if (specOf(object).get('targetRef').exists || !selector.exists) continue;
        for (const pod of mesh.workloads.selected(labelsOf(selector.get('matchLabels')), namespaceOf(object))) {
          const gateway = pod.labels[GATEWAY_NAME];
          if (gateway !== undefined) report('IST0166', { object, path: selector.path }, { gateway });
        }
      }
    }
  },
};

type Version = readonly [major: number, minor: number, patch: number];

/** The first release of the Gateway API whose form of each kind is read. */
const MINIMUM: Readonly<Record<string, Version>> = {
  'grpcroutes.gateway.networking.k8s.io': [1, 1, 0],
  'backendtlspolicies.gateway.networking.k8s.io': [1, 4, 0],
  'tlsroutes.gateway.networking.k8s.io': [1, 5, 0],
  'tcproutes.gateway.networking.k8s.io': [1, 6, 0],
};

interface ReadVersion {
  readonly numbers: Version;
  /** In full form, without a leading `v`. */
  readonly text: string;
}

/** A semantic version, whose minor and patch numbers may be missing. */
function readVersion(text: string): ReadVersion | undefined {
  const [whole, major, minor = '0', patch = '0', rest = ''] =
    /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?((?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)$/.exec(text) ?? [];
  if (whole === undefined) return undefined;
  return { numbers: [Number(major), Number(minor), Number(patch)], text: `${Number(major)}.${minor}.${patch}${rest}` };
}

function isBelow(version: Version, minimum: Version): boolean {
  const differing = version.findIndex((number, index) => number !== minimum[index]);
  return differing >= 0 && (version[differing] ?? 0) < (minimum[differing] ?? 0);
}

/** IST0176: CRDs of a Gateway API release that is too old to be read. */
export const gatewayApiVersions: Analyzer = {
  name: 'k8sgateway.CRDVersionAnalyzer',
  codes: ['IST0176'],
  analyze(mesh, report) {
    for (const object of mesh.of('CustomResourceDefinition', 'apiextensions.k8s.io')) {
      const crd = object.metadata.name;
      const minimum = MINIMUM[crd];
      const installed = readVersion(objectAnnotations(object)[BUNDLE_VERSION] ?? '');
      if (!minimum || !installed || !isBelow(installed.numbers, minimum)) continue;
      const values = { crd, installed: installed.text, minimum: minimum.join('.') };
      report('IST0176', { object, path: `metadata.annotations[${BUNDLE_VERSION}]` }, values);
    }
  },
};
