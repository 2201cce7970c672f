import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { readRunbook, readSteps } from '../../course/lab-text.ts';
import type { LabText } from '../../lab-client/index.ts';

const LABS = join(process.cwd(), 'labs');

/** What the site says of a lab before its server runs. Read when the site is built. */
export interface LabEntry {
  id: string;
  title: string;
  day: number;
  minutes: number;
  goal: string;
  /** A drill on call. */
  incident: boolean;
  /** The blame game: trouble that is to be found. */
  blame: boolean;
}

function textOf(value: unknown, name: string): string {
  const field = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  return typeof field === 'string' || typeof field === 'number' ? String(field) : '';
}

const has = (value: unknown, name: string): boolean => typeof value === 'object' && value !== null && name in value;

/** All labs with a lab.yaml, by day, then title. */
export function listLabs(root = LABS): LabEntry[] {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .filter((id) => existsSync(join(root, id, 'lab.yaml')))
    .map((id) => {
      const lab: unknown = parse(readFileSync(join(root, id, 'lab.yaml'), 'utf8'));
      const [day, minutes] = [Number(textOf(lab, 'day')), Number(textOf(lab, 'minutes'))];
      return {
        id,
        title: textOf(lab, 'title') || id,
        day,
        minutes,
        goal: textOf(lab, 'goal'),
        incident: has(lab, 'incident'),
        blame: has(lab, 'blame'),
      };
    })
    .sort((a, b) => a.day - b.day || a.title.localeCompare(b.title, 'en'));
}

/** All that the lab's page says before its mesh runs. */
export function textOfLab({ id, title, day, minutes, incident, blame }: LabEntry, root = LABS): LabText {
  const runbook = incident ? readRunbook(root, id) : '';
  return { id, title, day, minutes, incident, blame, steps: readSteps(root, id), runbook };
}
