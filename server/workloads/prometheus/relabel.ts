import { z } from 'zod';
import { compileRegex, expanded, groupsOf, type Labels } from './promql/index.ts';

export const relabelSchema = z.object({
  source_labels: z.array(z.string()).default([]),
  separator: z.string().default(';'),
  regex: z.coerce.string().default('(.*)'),
  modulus: z.number().int().positive().optional(),
  target_label: z.string().optional(),
  replacement: z.coerce.string().default('$1'),
  action: z
    .string()
    .default('replace')
    .transform((action) => action.toLowerCase()),
});

type RelabelConfig = z.infer<typeof relabelSchema>;

/** Changes a set of labels; undefined: what has them is dropped. */
export type Relabel = (labels: Labels) => Labels | undefined;

/** Prometheus' relabelling, step by step. Source: model/relabel in Prometheus; `hashmod` is left out. */
export function relabeling(configs: readonly RelabelConfig[]): Relabel {
  const steps = configs.map(stepOf);
  return (labels) => {
    let current: Labels | undefined = labels;
    for (const step of steps) if (current !== undefined) current = step(current);
    return current;
  };
}

function stepOf(config: RelabelConfig): Relabel {
  const { action, source_labels, separator, target_label = '', replacement } = config;
  const regex = compileRegex(config.regex, 'relabel_configs');
  const sourceOf = (labels: Labels): string => source_labels.map((name) => labels[name] ?? '').join(separator);
  const names =
    (keep: boolean): Relabel =>
    (labels) =>
      Object.fromEntries(Object.entries(labels).filter(([name]) => regex.matches(name) === keep));
  switch (action) {
    case 'keep':
      return (labels) => (regex.matches(sourceOf(labels)) ? labels : undefined);
    case 'drop':
      return (labels) => (regex.matches(sourceOf(labels)) ? undefined : labels);
    case 'keepequal':
      return (labels) => (sourceOf(labels) === (labels[target_label] ?? '') ? labels : undefined);
    case 'dropequal':
      return (labels) => (sourceOf(labels) === (labels[target_label] ?? '') ? undefined : labels);
    case 'replace':
      return (labels) => {
        const groups = groupsOf(regex, sourceOf(labels));
        return groups === undefined
          ? labels
          : set(labels, expanded(target_label, groups), expanded(replacement, groups));
      };
    case 'lowercase':
      return (labels) => set(labels, target_label, sourceOf(labels).toLowerCase());
    case 'uppercase':
      return (labels) => set(labels, target_label, sourceOf(labels).toUpperCase());
    case 'labelmap':
      return (labels) =>
        Object.entries(labels).reduce((all, [name, value]) => {
          const groups = groupsOf(regex, name);
          return groups === undefined ? all : set(all, expanded(replacement, groups), value);
        }, labels);
    case 'labeldrop':
      return names(false);
    case 'labelkeep':
      return names(true);
    default:
      throw new Error(`unknown relabel action "${action}"`);
  }
}

function set(labels: Labels, name: string, value: string): Labels {
  const { [name]: _, ...rest } = labels;
  return value === '' ? rest : { ...rest, [name]: value };
}
