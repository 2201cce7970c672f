import { useMemo, useState } from 'react';
import type { DrillEntry } from '#contract';
import { type Bank, type Drill, type Format, formatFacts, formats } from '../../course/drills.ts';
import { PageFrame } from '../cards/page-frame.tsx';
import { effective } from '../cards/schedule.ts';
import type { LearnerLogState } from '../cards/use-log.ts';
import { ScrollArea } from '../parts/scroll-area.tsx';
import { useJson } from '../parts/use-json.ts';
import { Words } from '../parts/word-text.tsx';
import { chooseDrills, everything, type Filter, latestAnswers, mockInterview, passes, scoreOf } from './choose.ts';
import { Sitting } from './sitting.tsx';

const atOnce = 5;

export default function Drills() {
  return <PageFrame>{(log) => <WithBank log={log} />}</PageFrame>;
}

function WithBank({ log }: { log: LearnerLogState }) {
  const { content: bank, failed } = useJson<Bank>('/drills/bank.json');
  if (failed)
    return (
      <p className="quiet-note" role="alert">
        The questions did not load. Reload the page to try again.
      </p>
    );
  if (!bank) return <p className="quiet-note">Reading the questions.</p>;
  return (
    <Words value={bank.words}>
      <Lobby log={log} bank={bank} />
    </Words>
  );
}

interface Run {
  readonly drills: readonly Drill[];
  readonly mock: boolean;
}

function Lobby({ log, bank }: { log: LearnerLogState; bank: Bank }) {
  const [filter, setFilter] = useState<Filter>(everything);
  const [run, setRun] = useState<Run>();
  const entries = useMemo(() => effective(log.log), [log.log]);
  const answers = useMemo(() => entries.filter((entry): entry is DrillEntry => entry.kind === 'drill'), [entries]);
  const tie = useMemo(() => randomOrder(), []);
  if (run)
    return (
      <Sitting
        drills={run.drills}
        mock={run.mock}
        log={entries}
        labs={bank.labs}
        titles={new Map(bank.topics.map(({ id, title }) => [id, title]))}
        save={(answer) => log.add({ kind: 'drill', ...answer }) as DrillEntry}
        close={() => setRun(undefined)}
      />
    );
  const found = bank.drills.filter((drill) => passes(filter, drill));
  const begin = (count: number) =>
    setRun({ drills: chooseDrills({ drills: bank.drills, answers, filter, count, tie }), mock: false });
  return (
    <>
      <section aria-labelledby="d-pick" className="pick">
        <h2 id="d-pick">A few questions</h2>
        <div className="fields">
          <Choice name="Topic" value={filter.topic} onChange={(topic) => setFilter({ ...filter, topic })}>
            <option value="">Every topic</option>
            {bank.topics.map(({ id, title }) => (
              <option key={id} value={id}>
                {title}
              </option>
            ))}
          </Choice>
          <Choice
            name="Format"
            value={filter.format}
            onChange={(format) => setFilter({ ...filter, format: format as Format | '' })}
          >
            <option value="">Every format</option>
            {formats.map((format) => (
              <option key={format} value={format}>
                {formatFacts[format].name}, {timeWords(formatFacts[format].seconds)}
              </option>
            ))}
          </Choice>
          <Choice
            name="Level"
            value={String(filter.level)}
            onChange={(level) => setFilter({ ...filter, level: Number(level) as Filter['level'] })}
          >
            <option value="0">Every level</option>
            <option value="1">1, name and explain</option>
            <option value="2">2, configure and diagnose</option>
            <option value="3">3, design and defend</option>
          </Choice>
        </div>
        <p className="row">
          <button type="button" className="btn go big" disabled={found.length === 0} onClick={() => begin(atOnce)}>
            Begin {Math.min(atOnce, found.length)} of {found.length}
          </button>
          <span>Questions that you have not had come first, then those that went worst.</span>
        </p>
      </section>
      <section aria-labelledby="d-mock">
        <h2 id="d-mock">A mock interview</h2>
        <p>
          Eight questions of all five formats in 30 minutes, each with a follow-up. At the end a report: where you
          stand, and what to do next.
        </p>
        <button
          type="button"
          className="btn big"
          onClick={() => setRun({ drills: mockInterview(bank.drills, answers, tie), mock: true })}
        >
          Begin the interview
        </button>
      </section>
      <section aria-labelledby="d-far">
        <h2 id="d-far">How far you are</h2>
        <Progress bank={bank} answers={answers} />
      </section>
    </>
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly value: string;
  onChange(value: string): void;
  readonly children: React.ReactNode;
}

function Choice({ name, value, onChange, children }: ChoiceProps) {
  return (
    <label className="field">
      <span>{name}</span>
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        {children}
      </select>
    </label>
  );
}

function Progress({ bank, answers }: { bank: Bank; answers: readonly DrillEntry[] }) {
  const latest = latestAnswers(answers);
  return (
    <ScrollArea label="Progress by topic">
      <table>
        <caption className="sr">Questions answered, and the share of marks, by topic</caption>
        <thead>
          <tr>
            <th scope="col">Topic</th>
            <th scope="col">Answered</th>
            <th scope="col">Marks</th>
          </tr>
        </thead>
        <tbody>
          {bank.topics.map(({ id, title }) => {
            const own = bank.drills.filter(({ topic }) => topic === id);
            const done = own.flatMap((drill) => latest.get(drill.id) ?? []);
            const mean = done.reduce((sum, answer) => sum + scoreOf(answer), 0) / done.length;
            return (
              <tr key={id}>
                <th scope="row">{title}</th>
                <td className="num">
                  {done.length} of {own.length}
                </td>
                <td className="num">{done.length > 0 ? `${Math.round(mean * 100)} %` : '–'}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </ScrollArea>
  );
}

export function timeWords(seconds: number): string {
  return seconds < 120 ? `${seconds} s` : `${seconds / 60} min`;
}

/** An order of the questions that stays the same while the page is open. */
function randomOrder(): (id: string) => number {
  const places = new Map<string, number>();
  return (id) => {
    const place = places.get(id) ?? Math.random();
    places.set(id, place);
    return place;
  };
}
