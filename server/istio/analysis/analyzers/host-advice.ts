import { serviceHostname } from '#domain';
import type { Field } from '../../rules/field.ts';
import type { Advice } from '../analyzer.ts';
import type { MeshView } from '../mesh/mesh-view.ts';
import { namespaceOf } from '../mesh/objects.ts';
import { spellingAdvice } from '../spelling.ts';

/** What the author of this unknown host may have meant; a repair when only one Service can be meant. */
export function hostAdvice(field: Field, namespace: string, mesh: MeshView): Advice {
  const name = field.text;
  const [first = '', second] = name.split('.');
  const named = mesh.servicesNamed(first).filter((each) => second === undefined || namespaceOf(each) === second);
  const [elsewhere, ...more] = named;
  if (elsewhere && !name.endsWith('.svc.cluster.local')) {
    const full = serviceHostname(first, namespaceOf(elsewhere));
    const hint = name.includes('.')
      ? `Write the full name ${full}: a name with a dot is taken as it is.`
      : `Write ${full}: the short name ${name} means a Service in namespace ${namespace}, the namespace of the rule.`;
    const repair = more.length === 0 ? { title: `Write ${full}`, path: field.path, text: full } : undefined;
    return { hint, repair };
  }
  const names = mesh.of('Service').map((each) => each.metadata.name);
  return spellingAdvice(field, name.includes('.') ? mesh.hosts.names : names);
}
