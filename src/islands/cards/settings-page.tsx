import { useMemo, useState } from 'react';
import type { Settings } from '#contract';
import { forgetKept } from '../../components/progress.ts';
import { Devices } from './devices.tsx';
import { Files } from './files.tsx';
import { eraseOnServer } from './learner-calls.ts';
import { openLibrary } from './library.ts';
import { openLogStore } from './log-store.ts';
import { PageFrame } from './page-frame.tsx';
import { createScheduler, foldLog } from './schedule.ts';
import { examPlan } from './stats.ts';
import type { LearnerLogState } from './use-log.ts';

export default function SettingsPage() {
  return (
    <PageFrame>
      {(log) => (
        <div className="settings">
          <Amounts log={log} />
          <Files log={log} />
          <Devices reload={log.reload} />
          <Erase reload={log.reload} />
        </div>
      )}
    </PageFrame>
  );
}

function Amounts({ log: { deck, log, add } }: { log: LearnerLogState }) {
  const library = useMemo(() => openLibrary(deck, log), [deck, log]);
  const { settings } = library;
  const change = (part: Partial<Settings>) => add({ kind: 'settings', change: part });
  const plan = useMemo(
    () => examPlan(library, foldLog(log, createScheduler({ retention: settings.retention })), Date.now()),
    [library, log, settings.retention],
  );
  return (
    <section aria-labelledby="set-day">
      <h2 id="set-day">A day</h2>
      <div className="fields">
        <NumberField
          name="New cards a day"
          value={settings.newPerDay}
          min={0}
          max={40}
          onChange={(newPerDay) => change({ newPerDay })}
        />
        <NumberField
          name="Reviews of known cards a day, at most"
          value={settings.reviewsPerDay}
          min={5}
          max={1000}
          onChange={(reviewsPerDay) => change({ reviewsPerDay })}
        />
        <label className="field">
          <span>Remembered when a card returns: {Math.round(settings.retention * 100)} %</span>
          <input
            type="range"
            min={80}
            max={95}
            value={Math.round(settings.retention * 100)}
            onChange={(event) => change({ retention: Number(event.target.value) / 100 })}
          />
          <small>More means more reviews: 95 % asks for about twice as many as 90 %.</small>
        </label>
        <label className="field">
          <span>Date of your interview</span>
          <input type="date" value={settings.examDate} onChange={(event) => change({ examDate: event.target.value })} />
          <small>Cards whose turn would come after it return once in the two weeks before.</small>
        </label>
      </div>
      {plan && (
        <p role="status" className="plan">
          {plan.daysLeft} {plan.daysLeft === 1 ? 'day' : 'days'} are left.{' '}
          {plan.fresh === 0
            ? 'You have seen every card.'
            : plan.perDay <= settings.newPerDay
              ? `${plan.fresh} cards are new. At ${settings.newPerDay} a day you see them all in time.`
              : `${plan.fresh} cards are new. To see them all you need ${plan.perDay} a day; at ${settings.newPerDay} a day you see ${settings.newPerDay * plan.daysLeft}, those of the first days first.`}
        </p>
      )}
    </section>
  );
}

interface NumberFieldProps {
  readonly name: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  onChange(value: number): void;
}

function NumberField({ name, value, min, max, onChange }: NumberFieldProps) {
  const [text, setText] = useState(String(value));
  const take = () => {
    const number = Math.round(Number(text));
    const next = Number.isFinite(number) && text.trim() !== '' ? Math.min(max, Math.max(min, number)) : value;
    setText(String(next));
    if (next !== value) onChange(next);
  };
  return (
    <label className="field">
      <span>{name}</span>
      <input
        type="number"
        inputMode="numeric"
        min={min}
        max={max}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onBlur={take}
        onKeyDown={(event) => event.key === 'Enter' && take()}
      />
    </label>
  );
}

function Erase({ reload }: { reload: () => void }) {
  const [state, setState] = useState<'idle' | 'sure' | 'done' | 'failed'>('idle');
  const erase = async () => {
    try {
      await eraseOnServer();
      await (await openLogStore()).erase();
      forgetKept();
      setState('done');
      reload();
    } catch (error) {
      console.error(error);
      setState('failed');
    }
  };
  return (
    <section aria-labelledby="set-erase">
      <h2 id="set-erase">Erase</h2>
      <p>
        Reviews, own cards, answers, texts and lab work: in this browser and on the lab server. A mesh that runs is
        ended. Only the theme stays. Another browser that you have linked keeps its copy and would bring it back: erase
        there, too. Write a backup first.
      </p>
      {state === 'idle' && (
        <button type="button" className="btn" onClick={() => setState('sure')}>
          Erase everything
        </button>
      )}
      {state === 'sure' && (
        <p className="row" role="alert">
          This cannot be taken back.
          <button type="button" className="btn go" onClick={() => void erase()}>
            Yes, erase everything
          </button>
          <button type="button" className="btn" onClick={() => setState('idle')}>
            Keep it
          </button>
        </p>
      )}
      {state === 'done' && <p role="status">Everything is erased.</p>}
      {state === 'failed' && (
        <p role="alert">The lab server did not answer as expected, so nothing was erased. Try again.</p>
      )}
    </section>
  );
}
