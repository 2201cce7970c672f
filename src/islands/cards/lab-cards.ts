import type { CheckView, ForecastLine, HintView, OwnCard } from '#contract';
import type { LabClient } from '../../lab-client/index.ts';

/** Cards that a lab offers: after a check that failed, a forecast that was wrong, a hint that was opened. */

const mostYamlLetters = 1_200;

/** The learner's YAML, whole lines: what is not applied yet, else what is. Nothing where the learner wrote nothing. */
function ownYaml({ stores }: LabClient): { code?: string } {
  const own = stores.sheets.get().filter(({ readOnly }) => !readOnly);
  const applied = new Set(stores.applied.get().map(({ file }) => file));
  const sheet =
    own.find(({ file, changed }) => changed && applied.has(file)) ?? own.find(({ file }) => applied.has(file));
  const text = (sheet ?? own.find(({ changed }) => changed))?.text.trim() ?? '';
  if (text === '') return {};
  const cut = text.slice(0, mostYamlLetters);
  return { code: cut.length < text.length ? cut.slice(0, cut.lastIndexOf('\n')) : cut };
}

const tagsOf = (lab: LabClient): string[] => ['from a lab', lab.labId];
const sentence = (text: string): string => (/[.?!]$/.test(text) ? text : `${text}.`);

/** A belief becomes the question why it is wrong; a hint ladder becomes its first question and its last answer. */
export function hintCard(hint: HintView, first: HintView | undefined, lab: LabClient): OwnCard {
  return {
    front: hint.belief
      ? `In the lab “${lab.text.title}” I believed: ${hint.belief} What is wrong with it?`
      : (first ?? hint).text,
    back: hint.text,
    ...ownYaml(lab),
    tags: tagsOf(lab),
  };
}

/** What was seen is the question; what was wanted, and where to look, is the answer. */
export function checkCard(check: CheckView, lab: LabClient): OwnCard {
  const { title, seen = '', wanted = '', look = '' } = check;
  return {
    front: `In the lab “${lab.text.title}” the check “${title}” failed. ${sentence(seen)} What was wanted, and where do you look?`,
    back: [sentence(wanted || title), ...(look ? [`Look at: ${sentence(look)}`] : [])].join(' '),
    ...ownYaml(lab),
    tags: tagsOf(lab),
  };
}

/** The figure to be said again, with what was said first. */
export function forecastCard({ name, unit, said, was }: ForecastLine, lab: LabClient): OwnCard {
  const figure = (value: number): string => `${Number(value.toFixed(value < 10 ? 1 : 0))} ${unit}`;
  return {
    front: `In the lab “${lab.text.title}”, with this YAML: what does ${name} come to?`,
    back: `${figure(was)}. I had said ${figure(said)}. Why is it so?`,
    ...ownYaml(lab),
    tags: tagsOf(lab),
  };
}
