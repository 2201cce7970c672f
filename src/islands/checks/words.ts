import type { CheckView } from '#contract';

/** The failure that is explained: the first one, so that one thing is done at a time. */
export function firstFailure(checks: readonly CheckView[]): CheckView | undefined {
  return checks.find((check) => check.state === 'unmet');
}

function sentence(text: string): string {
  return /[.?]$/.test(text) ? text : `${text}.`;
}

function labelled(label: string, text: string | undefined): string[] {
  if (text === undefined || text === '') return [];
  const begins = text.toLowerCase().startsWith(label.toLowerCase());
  return [sentence(begins ? text : `${label}: ${text}`)];
}

/** `Seen: 15 of 412 failed. Wanted: 4 or fewer. Look at: v3's pool.` */
export function seenWords(check: Pick<CheckView, 'seen' | 'wanted' | 'look'>): string {
  const { look } = check;
  const where = look === undefined || look === '' ? [] : [sentence(/^look\b/i.test(look) ? look : `Look at: ${look}`)];
  return [...labelled('Seen', check.seen), ...labelled('Wanted', check.wanted), ...where].join(' ');
}

const metOf = (checks: readonly CheckView[]): number => checks.filter(({ state }) => state === 'met').length;

/** `2 of 4 checks met`, for the ear. */
export function tally(checks: readonly CheckView[]): string {
  return `${metOf(checks)} of ${checks.length} checks met`;
}

/** `2 of 4 met`, beside the steps, in one piece. */
export function checksMet(checks: readonly CheckView[]): string {
  return `${metOf(checks)} of ${checks.length} met`.replaceAll(' ', '\u00a0');
}
