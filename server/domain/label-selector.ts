import { labelKeyProblems, labelValueProblems } from './label-names.ts';

/** Kubernetes' label selector, as controllers and routes have it. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly LabelExpression[];
}

export interface LabelExpression {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** Whether it picks what has these labels. One that asks for nothing picks everything; one that is not well formed picks nothing. */
export function selects(
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  labels: Readonly<Record<string, string>>,
): boolean {
  const isEqual = Object.entries(matchLabels).every(([label, value]) => labels[label] === value);
  return isEqual && matchExpressions.every((each) => meets(each, labels[each.key]));
}

function meets({ operator, values = [] }: LabelExpression, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}

/**
 * Why it is not well formed, in the words of Kubernetes' library; undefined if it is. Source: NewRequirement in apimachinery's pkg/labels.
 */
export function selectorProblem({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string | undefined {
  for (const [key, value] of Object.entries(matchLabels)) {
    const problem = requirementProblem(key, [value]);
    if (problem !== undefined) return problem;
  }
  for (const { key = '', operator = '', values } of matchExpressions) {
    const wanted = WANTS_VALUES[operator];
    if (wanted === undefined) return `${JSON.stringify(operator)} is not a valid label selector operator`;
    const problem = requirementProblem(key, values ?? [], valuesProblem(wanted, values ?? []));
    if (problem !== undefined) return problem;
  }
  return undefined;
}

const WANTS_VALUES: Readonly<Record<string, boolean>> = { In: true, NotIn: true, Exists: false, DoesNotExist: false };

function valuesProblem(wanted: boolean, values: readonly string[]): string | undefined {
  if (wanted && values.length === 0)
    return "values: Invalid value: null: for 'in', 'notin' operators, values set can't be empty";
  if (wanted || values.length === 0) return undefined;
  return `values: Invalid value: ${JSON.stringify(values)}: values set must be empty for exists and does not exist`;
}

/** One problem by itself, several in brackets. */
function requirementProblem(key: string, values: readonly string[], ofValues?: string): string | undefined {
  const ofKey = labelKeyProblems(key);
  const problems = [
    ...(ofKey.length > 0 ? [`key: Invalid value: ${JSON.stringify(key)}: ${ofKey.join('; ')}`] : []),
    ...(ofValues === undefined ? [] : [ofValues]),
    ...values.flatMap((value, index) => {
      const ofValue = labelValueProblems(value);
      const where = `values[${index}][${key}]: Invalid value: ${JSON.stringify(value)}`;
      return ofValue.length > 0 ? [`${where}: ${ofValue.join('; ')}`] : [];
    }),
  ];
  return problems.length > 1 ? `[${problems.join(', ')}]` : problems[0];
}
