import type { LabSpec, SolutionStep } from './lab-schema.ts';
import { batchesOf, ejectionsOf, trafficsOf } from './probes/state.ts';

/** The first name in a lab that leads nowhere, as `field: what is wrong`; undefined when all lead somewhere. */
export function referenceProblem(spec: LabSpec): string | undefined {
  return [...problems(spec)][0];
}

function* problems(spec: LabSpec): Iterable<string> {
  yield* twice('traffic', spec.traffic);
  yield* twice('checks', spec.checks);
  yield* twice('wrong', spec.wrong);
  const traffic = new Set(spec.traffic.map(({ id }) => id));
  const earlier = new Set<string>();
  for (const [index, check] of spec.checks.entries()) {
    for (const need of check.needs)
      if (!earlier.has(need)) yield `checks.${index}.needs: no check before it is called ${need}`;
    for (const batch of batchesOf(check.probe)) {
      for (const id of trafficsOf(batch))
        if (!traffic.has(id)) yield `checks.${index}.probe: there is no traffic ${id}`;
      for (const id of [batch.moved?.since, batch.lasts?.against, batch.rested?.since, batch.slower?.than])
        if (id !== undefined && !earlier.has(id)) yield `checks.${index}.probe: no check before it is called ${id}`;
    }
    for (const watched of ejectionsOf(check.probe))
      if (!traffic.has(watched.traffic)) yield `checks.${index}.probe: there is no traffic ${watched.traffic}`;
    const since = [check.probe, ...(check.probe.all ?? [])].map(({ steady }) => steady?.since);
    for (const id of since)
      if (id !== undefined && !earlier.has(id)) yield `checks.${index}.probe: no check before it is called ${id}`;
    yield* questionProblems(check, `checks.${index}`);
    earlier.add(check.id);
  }
  yield* stepProblems(spec.solution, 'solution', earlier);
  const wrong = new Set(spec.wrong.map(({ id }) => id));
  for (const [id, steps] of Object.entries(spec.wrongSteps)) {
    if (!wrong.has(id)) yield `wrongSteps.${id}: there is no wrong answer ${id}`;
    yield* stepProblems(steps, `wrongSteps.${id}`, earlier);
  }
}

function* twice(field: string, items: readonly { readonly id: string }[]): Iterable<string> {
  const seen = new Set<string>();
  for (const [index, { id }] of items.entries()) {
    if (seen.has(id)) yield `${field}.${index}.id: ${id} is there twice`;
    seen.add(id);
  }
}

function* questionProblems({ probe, question }: LabSpec['checks'][number], field: string): Iterable<string> {
  if (!probe.answers) return;
  if (!question) {
    yield `${field}.question: the probe wants answers, and nothing is asked`;
    return;
  }
  for (const item of question.items)
    if (!Object.hasOwn(probe.answers, item)) yield `${field}.probe.answers: no answer for ${item}`;
  for (const [item, choice] of Object.entries(probe.answers)) {
    if (!question.items.includes(item)) yield `${field}.probe.answers: ${item} is not asked`;
    if (!question.choices.includes(choice)) yield `${field}.probe.answers: ${choice} is not among the choices`;
  }
}

function* stepProblems(steps: readonly SolutionStep[], field: string, checks: ReadonlySet<string>): Iterable<string> {
  for (const [index, step] of steps.entries()) {
    const check = 'check' in step ? step.check : 'answer' in step ? step.answer.check : undefined;
    if (check !== undefined && !checks.has(check)) yield `${field}.${index}: there is no check ${check}`;
  }
}
