import type { KubeObject } from '#domain';
import { Field } from '../../rules/field.ts';
import type { Analyzer, Report } from '../analyzer.ts';
import { INJECT_LABEL, INJECTION_LABEL, REVISION_LABEL } from '../mesh/in-mesh.ts';
import type { MeshView } from '../mesh/mesh-view.ts';
import { type Labels, objectLabels } from '../mesh/objects.ts';
import { labelSelectorMatches } from '../mesh/selectors.ts';

interface Webhook {
  readonly object: KubeObject;
  readonly field: Field;
  /** `configuration/webhook` */
  readonly name: string;
}

/** The webhooks of a configuration. */
export const webhooksOf = (configuration: KubeObject): Field[] =>
  new Field(configuration['webhooks'], 'webhooks').items;

function revisionsOfSelector(selector: Field): string[] {
  const exact = selector.get('matchLabels').get(REVISION_LABEL);
  const listed = selector
    .get('matchExpressions')
    .items.filter((each) => each.get('key').text === REVISION_LABEL)
    .flatMap((each) => each.get('values').texts);
  return exact.exists ? [exact.text, ...listed] : listed;
}

function revisionsOf(configuration: KubeObject): string[] {
  const own = objectLabels(configuration)[REVISION_LABEL];
  const selected = webhooksOf(configuration).flatMap((each) => [
    ...revisionsOfSelector(each.get('namespaceSelector')),
    ...revisionsOfSelector(each.get('objectSelector')),
  ]);
  return own === undefined ? selected : [own, ...selected];
}

/** Every combination of an injection label with a revision, or without. */
function combinations(label: string, values: readonly string[], revisions: readonly string[]): Labels[] {
  const bases: Labels[] = [{}, ...values.map((value) => ({ [label]: value }))];
  return [...bases, ...revisions.flatMap((revision) => bases.map((base) => ({ ...base, [REVISION_LABEL]: revision })))];
}

function checkOverlaps(webhooks: readonly Webhook[], revisions: readonly string[], report: Report): void {
  const namespaces = combinations(INJECTION_LABEL, ['enabled', 'disabled'], revisions);
  const pods = combinations(INJECT_LABEL, ['true', 'false'], revisions);
  for (const namespace of namespaces) {
    const here = webhooks.filter(({ field }) => labelSelectorMatches(field.get('namespaceSelector'), namespace));
    for (const pod of here.length < 2 ? [] : pods) {
      const matching = here.filter(({ field }) => labelSelectorMatches(field.get('objectSelector'), pod));
      if (new Set(matching.map(({ name }) => name)).size < 2) continue;
      for (const { object, field, name } of matching) {
        const others = [...new Set(matching.map((each) => each.name))].filter((each) => each !== name).sort();
        const what = `Webhook overlaps with others: [${others.join(' ')}]. This may cause injection to occur twice.`;
        report('IST0139', { object, path: field.path }, { what });
      }
    }
  }
}

function checkServices(webhooks: readonly Webhook[], mesh: MeshView, report: Report): void {
  for (const { object, field } of webhooks) {
    const service = field.at('clientConfig.service');
    if (!service.exists) continue;
    const namespace = service.get('namespace').text;
    const name = service.get('name').text;
    if (mesh.find('Service', '', namespace, name)) continue;
    const what = `Injector refers to a control plane service that does not exist: ${namespace === '' ? name : `${namespace}/${name}`}.`;
    report('IST0139', { object, path: service.path }, { what });
  }
}

/** IST0139: injection webhooks that overlap, or whose control plane is not there. */
export const webhooks: Analyzer = {
  name: 'webhook.Analyzer',
  codes: ['IST0139'],
  analyze(mesh, report) {
    const found: Webhook[] = [];
    const revisions = new Set<string>();
    for (const object of mesh.mutatingWebhooks) {
      const fields = webhooksOf(object);
      const own = revisionsOf(object);
      if (own.length === 0 && !fields.some((each) => each.get('name').text.endsWith('istio.io'))) continue;
      for (const revision of own) revisions.add(revision);
      for (const field of fields)
        found.push({ object, field, name: `${object.metadata.name}/${field.get('name').text}` });
    }
    checkOverlaps(found, [...revisions], report);
    checkServices(found, mesh, report);
  },
};
