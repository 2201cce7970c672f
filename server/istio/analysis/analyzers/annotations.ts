import type { KubeObject } from '#domain';
import { didYouMean } from '../../diagnostics/suggest.ts';
import { childPath } from '../../manifests/path.ts';
import type { Analyzer, Report } from '../analyzer.ts';
import { INJECT_LABEL } from '../mesh/in-mesh.ts';
import { objectAnnotations, objectLabels } from '../mesh/objects.ts';
import { knownAnnotations } from './annotation-catalogue.ts';
import { annotationProblem } from './annotation-values.ts';

const KINDS = [
  { kind: 'Namespace', group: '' },
  { kind: 'Service', group: '' },
  { kind: 'Pod', group: '' },
  { kind: 'Deployment', group: 'apps' },
] as const;

/** Set by controllers and by injection, wherever they like. */
const IGNORED = new Set(['sidecar.istio.io/status', 'gateway.istio.io/controller-version', 'istio.io/rev']);

const isIstios = (name: string): boolean =>
  name === 'kubernetes.io/ingress.class' || (name.split('/')[0] ?? '').endsWith('istio.io');

interface Annotation {
  readonly object: KubeObject;
  readonly name: string;
  readonly value: string;
}

function checkUse({ object, name, value }: Annotation, kinds: readonly string[], report: Report): void {
  const place = { object, path: childPath('metadata.annotations', name) };
  if (kinds.includes('Any')) return;
  if (!kinds.includes(object.kind)) {
    report('IST0107', place, { annotation: name, kind: kinds.join(', ') });
    return;
  }
  const problem = annotationProblem(name, value);
  if (problem !== undefined) report('IST0125', place, { annotation: name, problem });
}

function check(annotation: Annotation, report: Report): void {
  const { object, name } = annotation;
  const place = { object, path: childPath('metadata.annotations', name) };
  const known = knownAnnotations.get(name);
  if (!known) {
    const meant = didYouMean(name, knownAnnotations.keys());
    report('IST0108', place, { annotation: name }, { hint: meant && `Did you mean ${meant}?` });
    return;
  }
  const isInject = name === INJECT_LABEL;
  if (known.isDeprecated && !(isInject && objectLabels(object)[INJECT_LABEL] !== undefined)) {
    const extra = isInject ? ` in favor of the "${INJECT_LABEL}" label` : '';
    report('IST0135', place, { annotation: name, extra });
  }
  checkUse(annotation, known.kinds, report);
}

/** IST0107, IST0108, IST0125 and IST0135: annotations that Istio does not know, does not read here, cannot read, or gives up. */
export const annotations: Analyzer = {
  name: 'annotations.K8sAnalyzer',
  codes: ['IST0107', 'IST0108', 'IST0125', 'IST0135'],
  analyze(mesh, report) {
    for (const { kind, group } of KINDS) {
      for (const object of mesh.of(kind, group)) {
        for (const [name, value] of Object.entries(objectAnnotations(object))) {
          if (isIstios(name) && !IGNORED.has(name)) check({ object, name, value }, report);
        }
      }
    }
  },
};
