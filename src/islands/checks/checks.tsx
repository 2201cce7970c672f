import { type FormEvent, useEffect, useRef, useState } from 'react';
import type { CheckView } from '#contract';
import { KeepCard } from '../cards/keep-card.tsx';
import { checkCard } from '../cards/lab-cards.ts';
import { Icon } from '../parts/sign.tsx';
import { useLab, useStore } from '../parts/use-store.ts';
import { firstFailure, seenWords, tally } from './words.ts';

/** The lab's checks: each with a sign and words; the first failure tells what was seen, what is wanted and where to look. */
export function Checks() {
  const lab = useLab();
  const checks = useStore(lab.stores.checks);
  const asked = useStore(lab.stores.asked);
  const { day } = lab.text;
  const open = firstFailure(checks);
  const runs = checks.some(({ state }) => state === 'running');
  const list = useRef<HTMLUListElement>(null);
  const end = useRef<HTMLParagraphElement>(null);
  // Who presses Check looks for what comes of it: while it runs, and when it is judged.
  useEffect(() => {
    if (asked === 0) return;
    const said = runs ? '.running' : '.unmet';
    const found = list.current?.querySelector(said) ?? end.current ?? list.current;
    found?.scrollIntoView({ block: 'nearest' });
  }, [asked, runs]);
  if (checks.length === 0) return null;
  return (
    <>
      <ul className="checks" aria-label="Checks" ref={list}>
        {checks.map((check) => (
          <Check key={check.id} check={check} open={check === open} />
        ))}
      </ul>
      <p className="sr" aria-live="polite">
        {tally(checks)}
      </p>
      {checks.every(({ state }) => state === 'met') && (
        <p className="all-met" ref={end}>
          <b>All checks are met.</b> {day !== undefined && <a href={`/days/${day}/`}>Back to day {day}</a>}{' '}
          <a href="/lab/">All labs</a>
        </p>
      )}
    </>
  );
}

const WORDS: Record<CheckView['state'], string> = {
  met: 'Met:',
  unmet: 'Not yet met:',
  waiting: 'Waits for another:',
  running: 'Runs now:',
};

function Check({ check, open }: { check: CheckView; open: boolean }) {
  const lab = useLab();
  const words = seenWords(check);
  return (
    <li className={check.state}>
      <Sign check={check} />
      <div>
        <span className="sr">{WORDS[check.state]} </span>
        {open ? <b>{check.title}</b> : check.title}
        {open && words && <p>{words}</p>}
        {open && check.seen && <KeepCard key={check.seen} content={() => checkCard(check, lab)} of={check.title} />}
        {check.question && check.state !== 'met' && check.state !== 'waiting' && <Question check={check} />}
      </div>
    </li>
  );
}

/** A cross only where something was seen that is not as wanted: what nobody has tried yet is no failure. */
function Sign({ check: { state, seen } }: { check: CheckView }) {
  if (state === 'met') return <Icon name="check" />;
  if (state === 'unmet' && seen !== undefined) return <Icon name="x" />;
  return <span className={state === 'running' ? 'ring running' : 'ring'} aria-hidden="true" />;
}

function Question({ check }: { check: CheckView }) {
  const lab = useLab();
  const [answer, setAnswer] = useState<Record<string, string>>({});
  const question = check.question;
  if (!question) return null;
  const send = (event: FormEvent): void => {
    event.preventDefault();
    void lab.answer(check.id, answer);
  };
  return (
    <form className="question" onSubmit={send}>
      <fieldset>
        <legend>{question.prompt}</legend>
        {question.items.map((item) => (
          <label key={item}>
            <span>{item}</span>
            <select
              required
              value={answer[item] ?? ''}
              onChange={(event) => setAnswer({ ...answer, [item]: event.target.value })}
            >
              <option value="" disabled>
                Choose
              </option>
              {question.choices.map((choice) => (
                <option key={choice}>{choice}</option>
              ))}
            </select>
          </label>
        ))}
      </fieldset>
      <button type="submit" className="btn">
        Answer
      </button>
    </form>
  );
}
