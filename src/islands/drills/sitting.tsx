import { useState } from 'react';
import type { DrillEntry, LogEntry } from '#contract';
import { type Bank, type Drill, formatFacts } from '../../course/drills.ts';
import type { Answered } from './choose.ts';
import { Elapsed } from './clock.tsx';
import type { How } from './how.tsx';
import { Question } from './question.tsx';
import { SittingReport } from './sitting-report.tsx';

export type NewAnswer = Pick<DrillEntry, 'question' | 'marks' | 'seconds' | 'aloud'>;

interface Props {
  readonly drills: readonly Drill[];
  readonly mock: boolean;
  /** What the learner did, for questions about their own work. */
  readonly log: readonly LogEntry[];
  readonly labs: Bank['labs'];
  readonly titles: ReadonlyMap<string, string>;
  save(answer: NewAnswer): DrillEntry;
  close(): void;
}

const mockMinutes = 30;

/** Questions one after the other, then a report; a sitting that is stopped reports what was answered. */
export function Sitting({ drills, mock, log, labs, titles, save, close }: Props) {
  const [place, setPlace] = useState(0);
  const [answered, setAnswered] = useState<readonly Answered[]>([]);
  const [how, setHow] = useState<How>({ aloud: true, pace: 1 });
  const drill = drills[place];
  if (!drill) return <SittingReport answered={answered} drills={drills} mock={mock} titles={titles} close={close} />;
  return (
    <>
      <div className="sitting-head">
        <p className="num" role="status">
          Question {place + 1} of {drills.length} · {titles.get(drill.topic)} · level {drill.level}
        </p>
        {mock && <Elapsed minutes={mockMinutes} />}
        <button
          type="button"
          className="btn quiet"
          onClick={answered.length > 0 ? () => setPlace(drills.length) : close}
        >
          Stop here
        </button>
      </div>
      <Question
        key={drill.id}
        drill={drill}
        mock={mock}
        lab={labs[drill.ownWork.lab]}
        log={log}
        how={how}
        onHow={setHow}
        done={(answer, missed = []) => {
          const given = how.pace > 0 ? how.pace * formatFacts[drill.format].seconds : Number.POSITIVE_INFINITY;
          if (answer) setAnswered([...answered, { drill, entry: save(answer), given, missed }]);
          setPlace(place + 1);
        }}
      />
    </>
  );
}
