import type { CheckView } from '#contract';
import { type AppliedFile, type LabClient, writable } from '../../lab-client/index.ts';
import { safeStorage } from '../lab/safe-storage.ts';

/** What a show has left in a lab, until the lab begins anew. */
interface Shown {
  /** The learner's own text from before; absent: there was none. */
  own?: AppliedFile[];
  /** The text that the show has applied; absent while it runs. While it stands, no check is the learner's merit. */
  texts?: AppliedFile[];
  /** Checks that were met by the show. */
  checks: string[];
}

const key = (lab: string): string => `meshwork.show.${lab}`;

export function readShown(lab: string): Shown | undefined {
  const text = safeStorage().getItem(key(lab));
  return text === null ? undefined : (JSON.parse(text) as Shown);
}

export function beginShown(lab: string, own: AppliedFile[] | undefined): void {
  write(lab, { ...(own ? { own } : {}), checks: [] });
}

/** The show has done its steps. `applied`: the text that it left in force; empty where it applied none. */
export function endShown(lab: string, applied: AppliedFile[]): void {
  const shown = readShown(lab);
  if (shown) write(lab, { ...shown, texts: applied });
}

export function forgetShown(lab: string): void {
  safeStorage().removeItem(key(lab));
}

function write(lab: string, shown: Shown): void {
  safeStorage().setItem(key(lab), JSON.stringify(shown));
}

/** Of the checks that are met, those that the learner met: none that a show has met. */
export function ownMerit({ labId, stores }: LabClient, checks: readonly CheckView[]): readonly CheckView[] {
  const shown = readShown(labId);
  if (!shown) return checks;
  const { texts } = shown;
  const stands = texts === undefined || JSON.stringify(texts) === JSON.stringify(writable(stores.sheets.get()));
  const met = checks.filter(({ state }) => state === 'met').map(({ id }) => id);
  const known = stands ? new Set([...shown.checks, ...met]) : new Set(shown.checks);
  if (known.size > shown.checks.length) write(labId, { ...shown, checks: [...known] });
  return checks.filter(({ id }) => !known.has(id));
}
