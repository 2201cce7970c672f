import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { IncidentView } from '#contract';
import { StepText } from '../lab/step-text.tsx';
import { useLab, useStore } from '../parts/use-store.ts';
import { CauseForm } from './cause-form.tsx';
import { drillOf, minutes } from './incident-store.ts';
import { Outcome } from './outcome.tsx';
import { SymptomForm } from './symptom-form.tsx';

const TITLES = { symptom: 'Symptom', mitigation: 'Users safe again', cause: 'Root cause' } as const;

/** An incident's `story`, and once the pager rang, before and after it: budget, what can be said, score, what was done so far. */
export function IncidentDesk({ story }: { story: ReactNode }) {
  const lab = useLab();
  const drill = drillOf(lab);
  const view = useStore(drill.view);
  const [open, setOpen] = useState<'symptom' | 'cause'>();
  const form = useRef<HTMLDivElement>(null);
  const desk = useRef<HTMLDivElement>(null);
  const ended = view?.result !== undefined;
  useEffect(() => {
    if (open) form.current?.scrollIntoView({ block: 'nearest' });
  }, [open]);
  // What came of the drill stands above everything that was read meanwhile.
  useEffect(() => {
    if (ended) desk.current?.scrollIntoView({ block: 'start' });
  }, [ended]);
  if (!view || view.state === 'ready') return story;
  const running = view.state === 'paged' || view.state === 'safe';
  return (
    <div className="drill" ref={desk}>
      <h2 className="sr">The drill</h2>
      {view.result && <Outcome view={view} result={view.result} />}
      <Budget view={view} />
      {running && (
        <div className="says">
          <button
            type="button"
            className="btn"
            aria-expanded={open === 'symptom'}
            onClick={() => setOpen(open === 'symptom' ? undefined : 'symptom')}
          >
            Name the symptom
          </button>
          <button
            type="button"
            className="btn"
            aria-expanded={open === 'cause'}
            onClick={() => setOpen(open === 'cause' ? undefined : 'cause')}
          >
            Name the cause
          </button>
          <button
            type="button"
            className="btn"
            disabled={view.hints.opened.length >= view.hints.of}
            onClick={() => void drill.ask('incident.hint', {})}
          >
            {view.untimed ? 'Hint' : 'Hint, costs 1 min'}
          </button>
          <button type="button" className="btn quiet" onClick={() => void drill.ask('incident.end', {})}>
            End the drill
          </button>
        </div>
      )}
      <div ref={form}>
        {running && open === 'symptom' && <SymptomForm view={view} />}
        {running && open === 'cause' && <CauseForm view={view} />}
      </div>
      {view.hints.opened.length > 0 && (
        <section aria-label="Hints">
          <h3>Hints</h3>
          <ol className="told">
            {view.hints.opened.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ol>
        </section>
      )}
      <div className="story">{story}</div>
      <Scores view={view} />
      <SoFar view={view} />
      <details className="runbook">
        <summary>Runbook</summary>
        <StepText html={lab.text.runbook} />
      </details>
    </div>
  );
}

function Budget({ view }: { view: IncidentView }) {
  const { failed, of } = view.budget;
  const share = Math.min(1, failed / of);
  return (
    <section className="budget" aria-label="Error budget">
      <h3>Error budget</h3>
      <svg viewBox="0 0 400 12" preserveAspectRatio="none" role="img" aria-label={`${Math.round(share * 100)} % burnt`}>
        <rect width="400" height="12" className="whole" />
        <rect width={400 * share} height="12" className="burnt" />
      </svg>
      <p className="num">
        <span>
          <b>{Math.round((failed / of) * 100)} %</b> burnt, {failed} failed requests
        </span>
        <span>of {of} this month</span>
      </p>
    </section>
  );
}

function Scores({ view }: { view: IncidentView }) {
  return (
    <section aria-label="Score">
      <h3>Score</h3>
      <table className="score num">
        <tbody>
          {view.scores.map(({ id, tookMs, parMs }) => (
            <tr key={id}>
              <th scope="row">{TITLES[id]}</th>
              <td className="v">{tookMs === undefined ? 'open' : view.untimed ? 'done' : minutes(tookMs)}</td>
              <td className="par">{view.untimed ? '' : `par ${minutes(parMs)}`}</td>
            </tr>
          ))}
          <tr>
            <th scope="row">Requests of others that failed</th>
            <td className="v">{view.others.failed}</td>
            <td className="par">par 0</td>
          </tr>
          <tr>
            <th scope="row">Your pushes</th>
            <td className="v">{view.pushes}</td>
            <td className="par" />
          </tr>
        </tbody>
      </table>
    </section>
  );
}

const SIGNS: Readonly<Record<IncidentView['entries'][number]['kind'], string>> = {
  page: 'bad',
  back: 'bad',
  wrong: 'no',
  look: 'done',
  hint: 'done',
  right: 'done',
  safe: 'done',
  end: 'done',
  push: 'you',
};

function SoFar({ view }: { view: IncidentView }) {
  if (view.entries.length === 0) return null;
  return (
    <section aria-label="So far">
      <h3>So far</h3>
      <ol className="lineup log">
        {view.entries.map((entry) => (
          <li key={`${entry.atMs} ${entry.kind} ${entry.text}`} className={SIGNS[entry.kind]}>
            <span className="num">{minutes(entry.atMs)}</span>
            {entry.text}
          </li>
        ))}
      </ol>
    </section>
  );
}
