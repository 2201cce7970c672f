import type { FieldProblem, KubeObject } from '#domain';
import type { ServedKind } from '../doors.ts';
import { sameJson } from '../json.ts';
import { typeSchema } from '../types/type-schema.ts';
import { ageColumn, at, column, createdAtColumn, listAt, nameColumn, textAt, wide } from './columns.ts';
import { invalidValue, required, unsupported } from './problems.ts';

const shared = {
  group: 'rbac.authorization.k8s.io',
  versions: ['v1'],
  shortNames: [],
  categories: [],
  countsGenerations: false,
};

function roleProblems(object: KubeObject): FieldProblem[] {
  return listAt(object, 'rules').flatMap((rule, index): FieldProblem[] => {
    const path = `rules[${index}]`;
    if (listAt(rule, 'verbs').length === 0) return [required(`${path}.verbs`, 'verbs must contain at least one value')];
    if (listAt(rule, 'nonResourceURLs').length > 0) return [];
    if (listAt(rule, 'apiGroups').length === 0) {
      return [required(`${path}.apiGroups`, 'resource rules must supply at least one api group')];
    }
    if (listAt(rule, 'resources').length > 0) return [];
    return [required(`${path}.resources`, 'resource rules must supply at least one resource')];
  });
}

function bindingProblems(object: KubeObject): FieldProblem[] {
  const kind = at(object, 'roleRef.kind');
  const kinds = object.kind === 'RoleBinding' ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  const problems = kinds.some((each) => each === kind) ? [] : [unsupported('roleRef.kind', kind ?? '', kinds)];
  if (!textAt(object, 'roleRef.name')) problems.push(required('roleRef.name'));
  for (const [index, subject] of listAt(object, 'subjects').entries()) {
    if (!textAt(subject, 'name')) problems.push(required(`subjects[${index}].name`));
    if (
      at(subject, 'kind') === 'ServiceAccount' &&
      !textAt(subject, 'namespace') &&
      object.kind === 'ClusterRoleBinding'
    ) {
      problems.push(required(`subjects[${index}].namespace`));
    }
  }
  return problems;
}

/** The groups that a client may leave out. */
function defaultBinding(object: KubeObject): void {
  const role = at(object, 'roleRef') as Record<string, unknown> | undefined;
  if (role) role['apiGroup'] ||= shared.group;
  for (const subject of listAt(object, 'subjects') as Record<string, unknown>[]) {
    if (subject['kind'] === 'ServiceAccount') subject['namespace'] ??= object.metadata.namespace;
    else if (subject['kind'] === 'User' || subject['kind'] === 'Group') subject['apiGroup'] ??= shared.group;
  }
}

const subjectsColumn = (name: string, kind: string) =>
  wide(
    column(name, (object) =>
      listAt(object, 'subjects')
        .filter((subject) => at(subject, 'kind') === kind)
        .map((subject) => [
          kind === 'ServiceAccount' ? textAt(subject, 'namespace') : undefined,
          textAt(subject, 'name'),
        ])
        .map((parts) => parts.filter((part) => part !== undefined).join('/'))
        .join(', '),
    ),
  );

function roleKind(kind: 'Role' | 'ClusterRole'): ServedKind {
  const singular = kind.toLowerCase();
  return {
    ...shared,
    kind,
    plural: `${singular}s`,
    singular,
    namespaced: kind === 'Role',
    nameRule: 'path',
    columns: [nameColumn, createdAtColumn],
    schema: () => typeSchema(`rbac.v1.${kind}`),
    validate: roleProblems,
  };
}

function bindingKind(kind: 'RoleBinding' | 'ClusterRoleBinding'): ServedKind {
  const singular = kind.toLowerCase();
  return {
    ...shared,
    kind,
    plural: `${singular}s`,
    singular,
    namespaced: kind === 'RoleBinding',
    nameRule: 'path',
    columns: [
      nameColumn,
      column('Role', (object) => `${textAt(object, 'roleRef.kind') ?? ''}/${textAt(object, 'roleRef.name') ?? ''}`),
      ageColumn,
      subjectsColumn('Users', 'User'),
      subjectsColumn('Groups', 'Group'),
      subjectsColumn('ServiceAccounts', 'ServiceAccount'),
    ],
    schema: () => typeSchema(`rbac.v1.${kind}`),
    setDefaults: defaultBinding,
    validate: bindingProblems,
    validateUpdate: (object, old) => {
      const [now, before] = [at(object, 'roleRef'), at(old, 'roleRef')];
      return sameJson(now, before) ? [] : [invalidValue('roleRef', now, 'cannot change roleRef')];
    },
  };
}

export const rbacKinds: readonly ServedKind[] = [
  roleKind('Role'),
  roleKind('ClusterRole'),
  bindingKind('RoleBinding'),
  bindingKind('ClusterRoleBinding'),
];
