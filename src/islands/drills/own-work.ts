import type { LogEntry } from '#contract';
import type { BankLab, Drill } from '../../course/drills.ts';

type Check = Extract<LogEntry, { kind: 'check' }>;
type Forecast = Extract<LogEntry, { kind: 'forecast' }>;

/** A forecast is worth a question when it missed by more than this share of the larger number. */
const MISS_SHARE = 0.2;

/**
 * What an interviewer asks next about the learner's own work in a lab: the question as written, then what their log gives: the check
 * that took the most hints, and the forecast that missed by most. Empty when they have met no check there.
 */
export function ownQuestions(log: readonly LogEntry[], { lab: id, ask }: Drill['ownWork'], lab?: BankLab): string[] {
  const of = `${id}/`;
  const checks = log.filter((entry): entry is Check => entry.kind === 'check' && entry.check.startsWith(of));
  if (checks.length === 0) return [];
  const forecasts = log.filter(
    (entry): entry is Forecast => entry.kind === 'forecast' && entry.forecast.startsWith(of),
  );
  const hardest = checks.reduce((worst, check) => (check.hints > worst.hints ? check : worst));
  const widest = forecasts.toSorted((a, b) => missOf(b) - missOf(a))[0];
  return [
    ask,
    ...(hardest.hints > 0 ? [hintQuestion(hardest, lab?.checks[hardest.check.slice(of.length)])] : []),
    ...(widest && missOf(widest) > MISS_SHARE ? [forecastQuestion(widest, of)] : []),
  ];
}

function missOf({ said, was }: Forecast): number {
  const larger = Math.max(Math.abs(said), Math.abs(was));
  return larger === 0 ? 0 : Math.abs(said - was) / larger;
}

function hintQuestion({ check, hints }: Check, title: string | undefined): string {
  const opened = hints === 1 ? 'one hint' : `${hints} hints`;
  return `You opened ${opened} before “${title ?? check}”. What did you not know then, and how would you explain it now?`;
}

function forecastQuestion({ forecast, said, was, unit }: Forecast, of: string): string {
  const [kind, name] = forecast.slice(of.length).split(':');
  const subject = { status: `answers of ${name}`, split: name, latency: name }[kind ?? ''] ?? 'one figure';
  return `You forecast ${number(said)} ${unit} for ${subject}, and it was ${number(was)} ${unit}. What had you left out?`;
}

const number = (value: number) => String(Math.round(value * 10) / 10);
